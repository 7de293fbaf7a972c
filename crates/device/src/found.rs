//! A device that a backend has found.

use burn::tensor::Device;

/// A device of this machine that has not been started.
pub(crate) struct Found {
    /// Its description, as its driver gives it.
    pub(crate) about: String,
    /// Whether it is a hardware GPU.
    pub(crate) gpu: bool,
    /// Whether it is a GPU emulated in software.
    pub(crate) software: bool,
    /// Starts it.
    pub(crate) open: Box<dyn FnOnce() -> Result<Device, String>>,
}
