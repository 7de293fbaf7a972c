//! Errors that end a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use selfsame_callbacks::CallbackError;
use selfsame_datasets::DataError;
use selfsame_metrics::MetricError;
use selfsame_models::NonFiniteLayer;
use selfsame_optim::ConfigError;
use selfsame_samplers::LoaderError;

/// The reason why a run could not start, continue, or be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting of the optimizer, a schedule or a group is not valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A setting of the run is not valid.
    #[error("`{field}` {problem}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// The fault and the remedy.
        problem: String,
    },
    /// A sample could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A batch could not be made.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The features could not be evaluated.
    #[error("the features cannot be evaluated")]
    Metric(#[from] MetricError),
    /// The loss became NaN or infinite. The weights of the last checkpoint are from before.
    #[error(
        "the loss became {loss} at step {step}, at a learning rate of {learning_rate}; {}",
        explain(*step, layer.as_ref())
    )]
    NonFiniteLoss {
        /// The loss: NaN or infinite.
        loss: f64,
        /// The optimizer step, counted from 1.
        step: u64,
        /// The learning rate of the step.
        learning_rate: f64,
        /// The first layer whose output was not finite, if it could be found.
        layer: Option<NonFiniteLayer>,
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
    /// A checkpoint is of a run with other settings, networks or data.
    #[error("the checkpoint {} is of another run: {differences}", path.display())]
    OtherRun {
        /// The checkpoint's folder.
        path: PathBuf,
        /// What differs, with the values then and now.
        differences: String,
    },
    /// A checkpoint has a run of another length.
    #[error(
        "the checkpoint {} is of a run of {then} epochs, and {now} were asked for; {}",
        path.display(),
        remedy(*is_finished, *then, *now)
    )]
    OtherLength {
        /// The checkpoint's folder.
        path: PathBuf,
        /// Epochs of the checkpoint's run.
        then: u64,
        /// Epochs asked for.
        now: u64,
        /// Whether the checkpoint's run has ended.
        is_finished: bool,
    },
    /// A checkpoint is damaged.
    #[error("the checkpoint {} is damaged: {reason}; {}", path.display(), offer(previous.as_deref()))]
    Damaged {
        /// The checkpoint's folder.
        path: PathBuf,
        /// The fault.
        reason: String,
        /// The newest checkpoint before it that is intact.
        previous: Option<PathBuf>,
    },
    /// A checkpoint cannot be used.
    #[error("the checkpoint {} cannot be used: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A checkpoint does not fit on the disk. The run ends, and the checkpoint before stays.
    #[error(
        "no room for the checkpoint {}, which needs {} in all; the one before it is unchanged: \
         free that much, then resume the run",
        path.display(),
        size(*needed)
    )]
    NoRoom {
        /// The checkpoint's folder.
        path: PathBuf,
        /// The bytes of all files of the checkpoint.
        needed: u64,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The folder of a new run holds another one.
    #[error("{} holds {}", path.display(), occupied(*is_finished))]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// Whether that run has its result.
        is_finished: bool,
    },
    /// A folder holds no run.
    #[error("{} holds no run", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Another run is at work in the folder.
    #[error("another run is saving to {}; wait for its end, or give this one another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Supervised training was stopped by its signal, and nothing of it was kept.
    #[error("training was stopped before its last step; start it again to get a result")]
    Stopped,
    /// Not one epoch fits into the time limit.
    #[error(
        "an epoch takes about {epoch:.1?}, so none fits into the time limit of {limit:.1?}; raise the \
         limit, or use fewer samples or a smaller network"
    )]
    TimeLimit {
        /// The time limit.
        limit: Duration,
        /// The estimated time of one epoch.
        epoch: Duration,
    },
    /// The figure by which checkpoints are kept is not measured.
    #[error("checkpoints are kept by `{metric}`, which is not measured; there are {known}")]
    UnknownMetric {
        /// The figure.
        metric: String,
        /// The names of the figures there are.
        known: String,
    },
}

impl TrainError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

fn explain(step: u64, layer: Option<&NonFiniteLayer>) -> String {
    let layer = match layer {
        None => "no layer's output and no weight is known to be at fault".to_owned(),
        Some(NonFiniteLayer { path, has_finite_weights: true }) => format!(
            "the first layer whose output is not finite is `{path}`, whose weights are finite"
        ),
        Some(NonFiniteLayer { path, has_finite_weights: false }) => {
            return format!(
                "the first layer whose output is not finite is `{path}`, and so are its weights \
                 since an earlier update; lower the learning rate"
            );
        }
    };
    // Before the first update the rate has no effect yet.
    let advice = if step <= 1 {
        "no update was made yet, so check the settings of the method, such as a temperature, and \
         that all views are finite"
    } else {
        "lower the learning rate, and check the settings of the method, and that all views are \
         finite"
    };
    format!("{layer}; {advice}")
}

fn occupied(is_finished: bool) -> &'static str {
    if is_finished {
        "a finished run; give this one another folder, or replace that one deliberately"
    } else {
        "an unfinished run; resume that one, give this one another folder, or replace that one \
         deliberately"
    }
}

/// Returns a number of bytes as people read it, rounded up.
fn size(bytes: u64) -> String {
    match bytes.div_ceil(1_000_000) {
        1 => "1 MB".to_owned(),
        megabytes if megabytes < 10_000 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes.div_ceil(1_000)),
    }
}

fn remedy(is_finished: bool, then: u64, now: u64) -> String {
    match (is_finished, now > then) {
        (true, true) => "to train this finished run longer, with a new schedule from its weights, \
                         call `Checkpoints::extend_finished`"
            .to_owned(),
        (true, false) => format!(
            "it is finished; ask for more than {then} epochs to make it longer, or save to another \
             folder"
        ),
        _ => format!("ask for {then} epochs to continue it, or save to another folder"),
    }
}

fn offer(previous: Option<&Path>) -> String {
    match previous {
        Some(path) => {
            format!("remove it to continue from {}, which is intact", path.display())
        }
        None => "there is no intact one before it, so start anew in another folder".to_owned(),
    }
}
