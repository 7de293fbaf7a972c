#![doc = include_str!("../README.md")]

mod device;
mod threads;

pub use device::{DeviceError, Inventory, NamedDevice, device};
pub use selfsame_augment as augment;
pub use selfsame_callbacks as callbacks;
pub use selfsame_losses as losses;
pub use selfsame_metrics as metrics;
pub use selfsame_models as models;
pub use selfsame_optim as optim;
pub use selfsame_report as report;
pub use selfsame_samplers as samplers;
pub use threads::compute_on_this_thread;

/// Version of this crate, for the files that a program writes.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The names nearly every program needs.
pub mod prelude {
    pub use crate::augment::Recipe;
    pub use crate::callbacks::{Progress, Trainer, extract_features};
    pub use crate::metrics::{Knn, LinearProbe};
    pub use crate::models::{Backbone, Method, ResNetConfig, seed_weights};
    pub use crate::optim::{OptimizerConfig, Schedule};
    pub use crate::samplers::{Cached, Dataset, Loader, LoaderConfig};
}
