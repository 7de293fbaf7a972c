//! Choosing where to compute by name, as programs do on their command line.

#[cfg(feature = "wgpu")]
mod adapters;
mod backends;

use std::fmt;

use burn::tensor::Device;

use backends::{BACKENDS, Backend, Found};

/// A device, and the one name its backend has whatever it was asked for by.
#[derive(Clone, Debug)]
pub struct NamedDevice {
    /// The backend's name, as files of results have it: `flex`, `wgpu`, ...
    pub name: &'static str,
    /// Which of the machine's devices it is, as its driver calls it.
    pub about: String,
    /// The device, without autodiff.
    pub device: Device,
}

/// A device this program cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device has such a name.
    #[error(
        "there is no device `{asked}`; names are {}, with :n for the n-th from 0. {here}",
        names()
    )]
    Unknown {
        /// The name.
        asked: String,
        /// What there is.
        here: Inventory,
    },
    /// The program was built without the backend.
    #[error("`{asked}` needs a program built with `--features {feature}`. {here}")]
    NotBuilt {
        /// The name.
        asked: String,
        /// What to build with.
        feature: &'static str,
        /// What there is.
        here: Inventory,
    },
    /// The machine has no such device, or its driver is missing.
    #[error("this machine has no `{asked}`: {lacking}. {here}")]
    Missing {
        /// The name.
        asked: String,
        /// What it takes.
        lacking: &'static str,
        /// What there is.
        here: Inventory,
    },
    /// The device is there and does not start.
    #[error("`{asked}` ({about}) does not start: {why}. {here}")]
    Broken {
        /// The name.
        asked: String,
        /// The device.
        about: String,
        /// What its driver says.
        why: String,
        /// What there is.
        here: Inventory,
    },
}

/// What a program was built with, and what its machine has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The backends of this program, the fastest first.
    pub backends: Vec<&'static str>,
    /// Name and description of every device they find, in the same order.
    pub devices: Vec<(String, String)>,
}

impl Inventory {
    /// Asks every backend of this program for its devices.
    #[must_use]
    pub fn take() -> Self {
        let mut here = Self { backends: Vec::new(), devices: Vec::new() };
        for backend in &BACKENDS {
            let Some(find) = backend.find else { continue };
            here.backends.push(backend.name);
            let found = find();
            let single = found.len() == 1;
            let name = |place: usize| {
                if single { backend.name.to_owned() } else { format!("{}:{place}", backend.name) }
            };
            let named = found.into_iter().enumerate().map(|(n, found)| (name(n), found.about));
            here.devices.extend(named);
        }
        here
    }
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices = self.devices.iter().map(|(name, about)| format!("{name} ({about})"));
        let devices = devices.collect::<Vec<_>>().join(", ");
        let backends = self.backends.join(", ");
        write!(f, "This program has: {backends}. This machine has for it: {devices}")
    }
}

/// Every name there is, in a row.
fn names() -> String {
    let named = BACKENDS.iter().map(|backend| backend.name);
    ["auto", "cpu"].into_iter().chain(named).collect::<Vec<_>>().join(", ")
}

/// The device called `name`.
///
/// | name | device | feature |
/// |---|---|---|
/// | `auto` | the best GPU there is (never software that plays one), else the CPU | |
/// | `cpu`, `flex` | all cores of this machine, pure Rust | `flex` (default) |
/// | `cuda`, `cuda:n` | GPUs of NVIDIA | `cuda` |
/// | `metal`, `metal:n` | GPUs of Apple | `metal` |
/// | `vulkan`, `vulkan:n` | GPUs through Vulkan and SPIR-V | `vulkan` |
/// | `wgpu`, `wgpu:n` | GPUs through Vulkan, Metal, DirectX 12 or OpenGL, whichever has one | `wgpu` |
/// | `tch:cuda`, `tch:cuda:n` | GPUs of NVIDIA through PyTorch's library | `tch` |
/// | `tch` | the CPU through PyTorch's library | `tch` |
///
/// Without `:n` it is the first: discrete GPUs come before integrated and virtual ones, and software
/// comes last. A driver that is missing is an error, not a panic.
///
/// # Errors
/// If `name` is none of these, its feature is off, or this machine has none; the error lists what
/// there is.
///
/// # Example
/// ```
/// assert_eq!(selfsame::device("cpu")?.name, "flex");
/// let error = selfsame::device("abacus").unwrap_err().to_string();
/// assert!(error.contains("`abacus`") && error.contains("cpu"), "{error}");
/// # Ok::<(), selfsame::DeviceError>(())
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
    let Some((backend, place)) = parse(name) else {
        return Err(DeviceError::Unknown { asked: asked(), here: Inventory::take() });
    };
    let Some(find) = backend.find else {
        let (feature, here) = (backend.feature, Inventory::take());
        return Err(DeviceError::NotBuilt { asked: asked(), feature, here });
    };
    let Some(found) = find().into_iter().nth(place) else {
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

/// The first GPU that starts, else the first device of any kind that does.
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

/// The backend a name stands for, and the device's place among its devices.
fn parse(name: &str) -> Option<(&'static Backend, usize)> {
    let (name, place) = match name.rsplit_once(':') {
        Some((name, place)) if place.starts_with(|first: char| first.is_ascii_digit()) => {
            (name, place.parse().ok()?)
        }
        _ => (name, 0),
    };
    let name = if name == "cpu" { "flex" } else { name };
    Some((BACKENDS.iter().find(|backend| backend.name == name)?, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_backend_and_a_place() {
        let parsed = |name: &str| parse(name).map(|(backend, place)| (backend.name, place));
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

    /// Whatever this machine has, `auto` finds something, and no software that plays a GPU.
    #[cfg(feature = "flex")]
    #[test]
    fn auto_is_no_software_vulkan() {
        let found = device("auto").unwrap();
        assert!(!found.about.contains("software"), "{found:?}");
    }
}
