#![doc = include_str!("../README.md")]

mod cached;
mod concat;
mod dataset;
mod decode;
mod error;
mod formats;
mod in_memory;
mod label_sample;
mod map;
mod omitted;
mod open;
mod open_options;
mod stamp;
mod subset;
mod synthetic;

pub use cached::{CacheOptions, Cached, Skipped};
pub use concat::Concat;
pub use dataset::{Dataset, Splits, labels};
pub use decode::{DecodeError, EncodedImage, decode_image};
pub use error::DataError;
pub use in_memory::{InMemory, Layout};
pub use label_sample::{few_labels, few_labels_share, stratified_split, stratified_subset};
pub use map::Map;
pub use omitted::{Omission, Omitted};
pub use open::{open, open_all, open_with};
pub use open_options::{FolderLayout, OpenOptions};
pub use selfsame_jpeg::Region;
pub use stamp::stamp;
pub use subset::Subset;
pub use synthetic::{Split, Synthetic, SyntheticConfig};
