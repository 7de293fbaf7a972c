#![doc = include_str!("../README.md")]

mod callback;
mod checkpoint;
mod collapse;
mod error;
mod extract_features;
mod files;
mod history;
mod log;
mod online_knn;
mod progress;
mod stop;
mod trainer;

pub use callback::{Callback, RunView, StepMetrics};
pub use checkpoint::Checkpoints;
pub use collapse::CollapseAlarm;
pub use error::TrainError;
pub use extract_features::extract_features;
pub use files::write_atomically;
pub use history::{EpochRecord, History};
pub use log::{CsvLog, JsonLinesLog};
pub use online_knn::{KnnProbe, OnlineKnn};
pub use progress::Progress;
pub use stop::{StopReason, StopSignal};
pub use trainer::{Outcome, Trainer};
