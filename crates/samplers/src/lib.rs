#![doc = include_str!("../README.md")]

mod cached;
mod cifar;
mod dataset;
mod decode;
mod error;
mod layout;
mod loader;
mod open;
mod pickle;
mod subset;
mod synthetic;

pub use cached::{CacheOptions, Cached, Skipped};
pub use dataset::{Dataset, Splits};
pub use decode::decode;
pub use error::DataError;
pub use loader::{EpochBatches, HostView, HostViews, Loader, LoaderConfig};
pub use open::open;
pub use subset::{Subset, few_labels, stratified_split, stratified_subset};
pub use synthetic::{Split, Synthetic, SyntheticConfig};
