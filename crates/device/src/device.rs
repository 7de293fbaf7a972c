//! A device by its name, as programs take it from their command line.

use burn::tensor::Device;

use crate::Inventory;
use crate::backends::{BACKENDS, Backend};
use crate::found::Found;

/// A device with the name of its backend.
#[derive(Clone, Debug)]
pub struct NamedDevice {
    /// The backend's canonical name, whichever alias was requested: `flex`, `wgpu`, ...
    pub name: &'static str,
    /// The description of this device, as its driver gives it.
    pub about: String,
    /// The device, without autodiff.
    pub device: Device,
}

/// The reason why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device has such a name.
    #[error(
        "there is no device `{asked}`; the names are {}, with `:n` for the n-th from 0. {here}",
        names()
    )]
    Unknown {
        /// The requested name.
        asked: String,
        /// The devices that are available.
        here: Inventory,
    },
    /// The program was built without the backend.
    #[error("`{asked}` needs a program built with `--features {feature}`. {here}")]
    NotBuilt {
        /// The requested name.
        asked: String,
        /// The feature to build with.
        feature: &'static str,
        /// The devices that are available.
        here: Inventory,
    },
    /// The machine has no such device, or its driver is missing.
    #[error("this machine has no `{asked}`: {lacking}. {here}")]
    Missing {
        /// The requested name.
        asked: String,
        /// The missing part, and the needs of such a device.
        lacking: &'static str,
        /// The devices that are available.
        here: Inventory,
    },
    /// The device exists but does not start.
    #[error("`{asked}` ({about}) does not start: {why}. {here}")]
    Broken {
        /// The requested name.
        asked: String,
        /// The device's description.
        about: String,
        /// The driver's message.
        why: String,
        /// The devices that are available.
        here: Inventory,
    },
}

/// Lists every known name.
fn names() -> String {
    let named = BACKENDS.iter().map(|backend| backend.name);
    ["auto", "cpu"].into_iter().chain(named).collect::<Vec<_>>().join(", ")
}

/// Finds and starts the device called `name`.
///
/// | name | device | feature |
/// |---|---|---|
/// | `auto` | the best GPU of this machine (never one emulated in software), else the CPU | |
/// | `cpu`, `flex` | all cores of this machine, pure Rust | `flex` |
/// | `cuda`, `cuda:n` | NVIDIA GPUs | `cuda` |
/// | `metal`, `metal:n` | Apple GPUs | `metal` |
/// | `vulkan`, `vulkan:n` | GPUs through Vulkan and SPIR-V | `vulkan` |
/// | `wgpu`, `wgpu:n` | GPUs through Vulkan, Metal, DirectX 12 or OpenGL | `wgpu` |
/// | `tch:cuda`, `tch:cuda:n` | NVIDIA GPUs through PyTorch's library | `tch` |
/// | `tch` | the CPU through PyTorch's library | `tch` |
///
/// Without `:n`, a name means the first device of its backend. Discrete GPUs come before integrated
/// and virtual ones, and software comes last. A missing driver is an error, not a panic. The device
/// is returned without autodiff; training needs `device.autodiff()`.
///
/// # Errors
/// If `name` is none of these, its feature is off, or this machine has no such device. The error
/// lists the available devices.
///
/// # Example
/// ```
/// assert_eq!(selfsame_device::device("cpu")?.name, "flex");
/// let error = selfsame_device::device("abacus").unwrap_err().to_string();
/// assert!(error.contains("`abacus`") && error.contains("cpu"), "{error}");
/// # Ok::<(), selfsame_device::DeviceError>(())
/// ```
pub fn device(name: &str) -> Result<NamedDevice, DeviceError> {
    let asked = || name.to_owned();
    if name == "auto" {
        return best().ok_or_else(|| DeviceError::Missing {
            asked: asked(),
            lacking: "no backend of this program finds a device",
            here: Inventory::take(),
        });
    }
    let Some((backend, index)) = parse(name) else {
        return Err(DeviceError::Unknown { asked: asked(), here: Inventory::take() });
    };
    let Some(find) = backend.find else {
        let (feature, here) = (backend.feature, Inventory::take());
        return Err(DeviceError::NotBuilt { asked: asked(), feature, here });
    };
    let Some(found) = find().into_iter().nth(index) else {
        let (lacking, here) = (backend.lacking, Inventory::take());
        return Err(DeviceError::Missing { asked: asked(), lacking, here });
    };
    let about = found.about.clone();
    open(backend, found).map_err(|why| DeviceError::Broken {
        asked: asked(),
        about,
        why,
        here: Inventory::take(),
    })
}

/// Starts the first GPU that can be started, else the first other device.
fn best() -> Option<NamedDevice> {
    let found = || {
        let of = |backend: &'static Backend| {
            let found = backend.find.map(|find| find()).unwrap_or_default();
            found.into_iter().map(move |found| (backend, found))
        };
        BACKENDS.iter().flat_map(of).filter(|(_, found)| !found.software)
    };
    let gpus = found().filter(|(_, found)| found.gpu);
    let others = found().filter(|(_, found)| !found.gpu);
    gpus.chain(others).find_map(|(backend, found)| open(backend, found).ok())
}

fn open(backend: &'static Backend, found: Found) -> Result<NamedDevice, String> {
    Ok(NamedDevice { name: backend.name, device: (found.open)()?, about: found.about })
}

/// Splits a name into its backend and the index of a device of that backend.
fn parse(name: &str) -> Option<(&'static Backend, usize)> {
    let (name, index) = match name.rsplit_once(':') {
        Some((name, index)) if index.starts_with(|first: char| first.is_ascii_digit()) => {
            (name, index.parse().ok()?)
        }
        _ => (name, 0),
    };
    let name = if name == "cpu" { "flex" } else { name };
    Some((BACKENDS.iter().find(|backend| backend.name == name)?, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_backend_and_an_index() {
        let parsed = |name: &str| parse(name).map(|(backend, index)| (backend.name, index));
        assert_eq!(parsed("cpu"), Some(("flex", 0)));
        assert_eq!(parsed("wgpu:3"), Some(("wgpu", 3)));
        assert_eq!(parsed("tch"), Some(("tch", 0)));
        assert_eq!(parsed("tch:cuda:1"), Some(("tch:cuda", 1)));
        for wrong in ["", "gpu", "wgpu:", "wgpu:-1", "wgpu:1x", "tch:gpu", "cuda:0:0", ":0"] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }

    #[cfg(feature = "flex")]
    #[test]
    fn a_device_that_is_not_there_is_an_error_that_says_what_is() {
        let error = device("cpu:1").unwrap_err();
        assert!(matches!(error, DeviceError::Missing { .. }), "{error}");
        assert!(error.to_string().contains("flex ("), "{error}");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_built_in_is_named() {
        let error = device("cuda:1").unwrap_err();
        assert!(matches!(error, DeviceError::NotBuilt { feature: "cuda", .. }), "{error}");
    }

    /// Whatever this machine has, `auto` finds something that is not software Vulkan.
    #[cfg(feature = "flex")]
    #[test]
    fn auto_is_no_software_vulkan() {
        let found = device("auto").unwrap();
        assert!(!found.about.contains("software"), "{found:?}");
    }
}
