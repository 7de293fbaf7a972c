#![doc = include_str!("../README.md")]

mod config;
mod lars;
mod schedule;
mod sgd;

// The derive of `RecordState` looks for its names here.
use burn::optim::{RecordState, StateSink, StateSource};

pub use config::{ConfigError, OptimizerConfig};
pub use lars::{Lars, LarsState};
pub use schedule::Schedule;
pub use sgd::{Sgd, SgdState};
