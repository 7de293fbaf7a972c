#![doc = include_str!("../README.md")]

mod callback;
mod checkpoint;
mod collapse;
mod encode;
mod error;
mod files;
mod history;
mod log;
mod online_knn;
mod progress;
mod stop;
mod trainer;

pub use callback::{Callback, Numbers, Run};
pub use checkpoint::Checkpoints;
pub use collapse::CollapseAlarm;
pub use encode::encode;
pub use error::TrainError;
pub use files::write_atomically;
pub use history::{EpochRecord, History};
pub use log::{CsvLog, JsonLinesLog};
pub use online_knn::{KnnBank, OnlineKnn};
pub use progress::Progress;
pub use stop::{StopReason, StopSignal};
pub use trainer::{Outcome, Trainer};
