#![doc = include_str!("../README.md")]

mod checkpoints;
mod config;
mod error;
mod extract_features;
mod extract_views;
mod fine_tune;
mod fingerprint;
mod held_out;
mod joined_stages;
mod labels;
mod pace;
mod passes;
mod preset;
mod stage_groups;
mod supervised;
mod trainer;
mod tuning_grid;
mod unread;
mod upload;

pub use checkpoints::Checkpoints;
pub use config::TrainerConfig;
pub use error::TrainError;
pub use extract_features::{ExtractedFeatures, extract_features, extract_features_of};
pub use extract_views::{extract_views, extract_views_of};
pub use fine_tune::{FineTune, Tuned};
pub use held_out::{HeldOut, OnlineAccuracy};
pub use joined_stages::joined_stages;
pub use preset::Preset;
pub use stage_groups::stage_groups;
pub use supervised::Supervised;
pub use trainer::{Outcome, Trainer};
pub use tuning_grid::{Choice, Trial, TuningGrid};
pub use upload::Upload;
