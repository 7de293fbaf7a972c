//! The file formats that [`open`](crate::open) reads.

pub(crate) mod archive;
mod arrays;
mod bytes;
pub(crate) mod cifar;
mod classes;
pub(crate) mod compression;
pub(crate) mod csv;
mod files;
pub(crate) mod folder;
pub(crate) mod idx;
pub(crate) mod layout;
mod masks;
mod names;
pub(crate) mod npy;
pub(crate) mod parquet;
mod pickle;
pub(crate) mod published;
pub(crate) mod read;
mod samples;
pub(crate) mod stl10;
pub(crate) mod tar;
mod tar_index;
pub(crate) mod walk;
pub(crate) mod zip;
