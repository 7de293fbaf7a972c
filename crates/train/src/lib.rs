#![doc = include_str!("../README.md")]

mod checkpoints;
mod error;
mod extract_features;
mod knn_probe;
mod trainer;

pub use checkpoints::Checkpoints;
pub use error::TrainError;
pub use extract_features::extract_features;
pub use knn_probe::{KnnProbe, OnlineKnn};
pub use trainer::{Outcome, Trainer};
