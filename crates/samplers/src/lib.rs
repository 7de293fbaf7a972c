#![cfg_attr(feature = "loader", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "loader"), doc = "Which samples come in which batch.")]

#[cfg(feature = "loader")]
mod batch_source;
mod error;
mod key;
#[cfg(feature = "loader")]
mod loader;
mod sampler;

#[cfg(feature = "loader")]
pub use batch_source::BatchSource;
#[cfg(feature = "loader")]
pub use error::LoaderError;
pub use error::SamplerError;
#[cfg(feature = "loader")]
pub use loader::{Batches, HostBatch, HostView, ImageViews, Loader, LoaderConfig, ViewSource};
pub use sampler::{
    Balanced, BalancedConfig, EpochOrder, Sampler, Sharded, Shuffled, SingleShot, WarmUp, Weighted,
    WithReplacement, examples_per_class,
};
