#![doc = include_str!("../README.md")]

mod adam;
mod clip;
mod config;
mod group;
mod grouped_optimizer;
mod lars;
mod schedule;
mod sgd;

// The derive of `RecordState` looks for its names here.
use burn::optim::{RecordState, StateSink, StateSource};

pub use adam::{Adam, AdamState};
pub use clip::{add_gradients, clip_gradients, scale_gradients};
pub use config::{ConfigError, OptimizerConfig};
pub use group::ParameterGroup;
pub use grouped_optimizer::{GroupedOptimizer, OptimizerStateError};
pub use lars::{Lars, LarsState};
pub use schedule::Schedule;
pub use sgd::{Sgd, SgdState};
