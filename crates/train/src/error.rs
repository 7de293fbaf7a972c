//! What can end a run early.

use std::path::{Path, PathBuf};

use selfsame_metrics::MetricError;
use selfsame_samplers::DataError;

/// Why a run could not start, go on, or be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An image could not be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Features could not be judged.
    #[error("the features cannot be evaluated")]
    Metric(#[from] MetricError),
    /// The loss stopped being a number.
    #[error(
        "the loss became {loss} at step {step}; lower the learning rate, or raise the temperature"
    )]
    NonFiniteLoss {
        /// The loss: NaN or infinite.
        loss: f64,
        /// The optimizer step, counted from 1.
        step: u64,
    },
    /// A file or folder could not be written or read.
    #[error("cannot {action} {}", path.display())]
    File {
        /// `write`, `read`, ...
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A checkpoint cannot be used.
    #[error("the checkpoint {} cannot be used: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TrainError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
