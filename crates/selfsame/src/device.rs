//! Choosing where to compute by name, as programs do on their command line.

use burn::tensor::Device;

/// A device this program cannot use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no device `{asked}` in this program; it has: {}", AVAILABLE.join(", "))]
pub struct DeviceError {
    asked: String,
}

const AVAILABLE: &[&str] = &[
    "auto",
    #[cfg(feature = "flex")]
    "cpu",
    #[cfg(feature = "flex")]
    "flex",
];

/// The device called `name`; `auto` is the fastest this program was built with.
///
/// | name | device | feature |
/// |---|---|---|
/// | `cpu`, `flex` | all cores of this machine, pure Rust | `flex` (default) |
///
/// # Errors
/// If `name` is none of these or its feature is off; the error lists what there is.
///
/// # Example
/// ```
/// assert!(selfsame::device("cpu").is_ok());
/// let error = selfsame::device("abacus").unwrap_err().to_string();
/// assert!(error.contains("`abacus`") && error.contains("cpu"), "{error}");
/// ```
pub fn device(name: &str) -> Result<Device, DeviceError> {
    match name {
        #[cfg(feature = "flex")]
        "auto" | "cpu" | "flex" => Ok(Device::flex()),
        _ => Err(DeviceError { asked: name.to_owned() }),
    }
}
