#![doc = include_str!("../README.md")]

mod append_file;
mod callback;
mod collapse;
mod csv_log;
mod direction;
mod early_stopping;
mod four_digits;
mod health;
mod history;
mod json_lines_log;
mod line_file;
mod log_error;
mod lost;
mod milestone;
mod missing_metric;
mod progress;
mod save_signal;
mod stop;
mod tensorboard;
#[cfg(test)]
mod test_run;
mod timing;

pub use callback::{Callback, CallbackError, RunView, StepMetrics};
pub use collapse::CollapseAlarm;
pub use csv_log::CsvLog;
pub use direction::Direction;
pub use early_stopping::EarlyStopping;
pub use health::Health;
pub use history::{EpochRecord, History};
pub use json_lines_log::JsonLinesLog;
pub use milestone::Milestone;
pub use missing_metric::MissingMetric;
pub use progress::Progress;
pub use save_signal::SaveSignal;
pub use stop::{StopReason, StopSignal};
pub use tensorboard::TensorBoard;
pub use timing::TimingLog;
