#![doc = include_str!("../README.md")]

pub use selfsame_augment as augment;
pub use selfsame_callbacks as callbacks;
pub use selfsame_datasets as datasets;
pub use selfsame_device as device;
pub use selfsame_files as files;
pub use selfsame_index as index;
pub use selfsame_jpeg as jpeg;
pub use selfsame_kernels as kernels;
pub use selfsame_losses as losses;
pub use selfsame_metrics as metrics;
pub use selfsame_models as models;
pub use selfsame_optim as optim;
pub use selfsame_report as report;
pub use selfsame_samplers as samplers;
pub use selfsame_train as train;

pub use selfsame_device::{compute_on_this_thread, device, keep_memory};

/// The names that nearly every program needs.
pub mod prelude {
    pub use crate::augment::Recipe;
    pub use crate::datasets::{Cached, Dataset};
    pub use crate::models::{Backbone, Method, ResNetConfig};
    pub use crate::optim::{OptimizerConfig, Schedule};
    pub use crate::samplers::{Loader, LoaderConfig};
    pub use crate::train::{Trainer, TrainerConfig, extract_features};
}
