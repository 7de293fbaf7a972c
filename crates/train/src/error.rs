//! Errors that end a run.

use std::path::{Path, PathBuf};

use selfsame_callbacks::CallbackError;
use selfsame_datasets::DataError;
use selfsame_metrics::MetricError;
use selfsame_samplers::LoaderError;

/// The reason why a run could not start, continue, or be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An image could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A batch could not be made.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The features could not be evaluated.
    #[error("the features cannot be evaluated")]
    Metric(#[from] MetricError),
    /// The loss became NaN or infinite.
    #[error(
        "the loss became {loss} at step {step}; lower the learning rate, and check that all views \
         are finite"
    )]
    NonFiniteLoss {
        /// The loss: NaN or infinite.
        loss: f64,
        /// The optimizer step, counted from 1.
        step: u64,
    },
    /// A callback failed; the message is that of its error.
    #[error(transparent)]
    Callback(CallbackError),
    /// A file or folder could not be written or read.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The attempted action: `write`, `read`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A checkpoint cannot be used.
    #[error("the checkpoint {} cannot be used: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
}

impl TrainError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
