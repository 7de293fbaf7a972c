#![doc = include_str!("../README.md")]

mod archive;
mod arrays;
mod cached;
mod cifar;
mod concat;
mod dataset;
mod decode;
mod error;
mod file_list;
mod files;
mod idx;
mod in_memory;
mod jpeg;
mod labels;
mod layout;
mod loader;
mod map;
mod npy;
mod open;
mod pickle;
mod sampler;
mod subset;
mod synthetic;

pub use cached::{CacheOptions, Cached, Skipped};
pub use concat::Concat;
pub use dataset::{Dataset, Splits, labels};
pub use decode::{DecodeError, EncodedImage, decode};
pub use error::DataError;
pub use in_memory::{InMemory, Layout};
pub use loader::{Batches, HostView, HostViews, Loader, LoaderConfig, LoaderState};
pub use map::Map;
pub use open::open;
pub use sampler::{
    Balanced, BalancedConfig, EpochOrder, Sampler, Sharded, Shuffled, SingleShot, WarmUp, Weighted,
    WithReplacement, examples_per_class,
};
pub use subset::{Subset, few_labels, few_labels_share, stratified_split, stratified_subset};
pub use synthetic::{Split, Synthetic, SyntheticConfig};

/// The guide's programs, which are tested with ours.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/data.md")]
struct Guide;
