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

/// A device, and the one name it has whatever it was asked for by.
#[derive(Clone, Debug)]
pub struct NamedDevice {
    /// The backend's name, as files of results have it: `flex`, ...
    pub name: &'static str,
    /// The device, without autodiff.
    pub device: Device,
}

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
/// assert_eq!(selfsame::device("cpu")?.name, "flex");
/// let error = selfsame::device("abacus").unwrap_err().to_string();
/// assert!(error.contains("`abacus`") && error.contains("cpu"), "{error}");
/// # Ok::<(), selfsame::DeviceError>(())
/// ```
pub fn device(name: &str) -> Result<NamedDevice, DeviceError> {
    match name {
        #[cfg(feature = "flex")]
        "auto" | "cpu" | "flex" => Ok(NamedDevice { name: "flex", device: Device::flex() }),
        _ => Err(DeviceError { asked: name.to_owned() }),
    }
}
