#![doc = include_str!("../README.md")]

mod checkpoints;
mod config;
mod error;
mod extract_features;
mod fingerprint;
mod held_out;
mod pace;
mod preset;
mod trainer;
mod unread;
mod upload;

pub use checkpoints::Checkpoints;
pub use config::TrainerConfig;
pub use error::TrainError;
pub use extract_features::{ExtractedFeatures, extract_features, extract_features_of};
pub use held_out::{HeldOut, OnlineAccuracy};
pub use preset::Preset;
pub use trainer::{Outcome, Trainer};
pub use upload::Upload;
