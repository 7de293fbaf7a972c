#![doc = include_str!("../README.md")]

mod atomic_file;
mod callback;
mod collapse;
mod history;
mod log;
mod progress;
mod stop;

pub use callback::{Callback, CallbackError, RunView, StepMetrics};
pub use collapse::CollapseAlarm;
pub use history::{EpochRecord, History};
pub use log::{CsvLog, JsonLinesLog, LogError};
pub use progress::Progress;
pub use stop::{StopReason, StopSignal};
