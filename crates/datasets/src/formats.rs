//! The file formats that [`open`](crate::open) reads.

mod arrays;
mod bytes;
pub(crate) mod cifar;
mod classes;
pub(crate) mod csv;
pub(crate) mod folder;
pub(crate) mod idx;
pub(crate) mod layout;
mod masks;
mod names;
pub(crate) mod npy;
mod pickle;
pub(crate) mod published;
pub(crate) mod read;
pub(crate) mod stl10;
pub(crate) mod tar;
pub(crate) mod walk;
