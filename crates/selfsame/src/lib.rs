#![doc = include_str!("../README.md")]

mod device;
mod threads;

pub use device::{DeviceError, Inventory, NamedDevice, device};
pub use selfsame_augment as augment;
pub use selfsame_callbacks as callbacks;
pub use selfsame_datasets as datasets;
pub use selfsame_jpeg as jpeg;
pub use selfsame_losses as losses;
pub use selfsame_metrics as metrics;
pub use selfsame_models as models;
pub use selfsame_optim as optim;
pub use selfsame_samplers as samplers;
pub use threads::compute_on_this_thread;

/// The names nearly every program needs.
pub mod prelude {
    pub use crate::augment::Recipe;
    pub use crate::callbacks::{Progress, Trainer, extract_features};
    pub use crate::datasets::{Cached, Dataset};
    pub use crate::metrics::{Knn, LinearProbe};
    pub use crate::models::{Backbone, Method, ResNetConfig, seed_weights};
    pub use crate::optim::{OptimizerConfig, Schedule};
    pub use crate::samplers::{Loader, LoaderConfig};
}
