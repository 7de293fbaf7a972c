//! The backends a program can be built with, and how each finds its devices.

#[cfg(feature = "wgpu")]
mod adapters;

#[cfg(any(feature = "flex", feature = "cuda", feature = "tch"))]
use burn::tensor::Device;

use crate::found::Found;

/// The backend behind a name.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// The feature it is built with.
    pub(crate) feature: &'static str,
    /// The part that the machine lacks if no device is found.
    pub(crate) lacking: &'static str,
    /// Finds the devices of this machine, best first; `None` where the feature is off.
    pub(crate) find: Option<fn() -> Vec<Found>>,
}

/// Expands to the function if the feature is on, else to `None`.
macro_rules! built {
    ($feature:literal, $find:expr) => {{
        #[cfg(feature = $feature)]
        let find: Option<fn() -> Vec<Found>> = Some($find);
        #[cfg(not(feature = $feature))]
        let find: Option<fn() -> Vec<Found>> = None;
        find
    }};
}

/// All backends, the fastest first.
pub(crate) static BACKENDS: [Backend; 7] = [
    Backend {
        name: "cuda",
        feature: "cuda",
        lacking: "no NVIDIA GPU with that number answers; it needs one and its driver (libcuda)",
        find: built!("cuda", cuda::find),
    },
    Backend {
        name: "metal",
        feature: "metal",
        lacking: "no GPU with that number answers to Metal, which macOS has",
        find: built!("metal", adapters::metal),
    },
    Backend {
        name: "vulkan",
        feature: "vulkan",
        lacking: VULKAN,
        find: built!("vulkan", adapters::vulkan),
    },
    Backend { name: "wgpu", feature: "wgpu", lacking: VULKAN, find: built!("wgpu", adapters::any) },
    Backend {
        name: "tch:cuda",
        feature: "tch",
        lacking: "no GPU with that number answers to PyTorch's library; it needs an NVIDIA GPU, \
                  its driver, and a PyTorch built for it",
        find: built!("tch", tch::gpus),
    },
    Backend { name: "flex", feature: "flex", lacking: ONE_CPU, find: built!("flex", flex::find) },
    Backend { name: "tch", feature: "tch", lacking: ONE_CPU, find: built!("tch", tch::cpu) },
];

const VULKAN: &str = "no adapter with that number answers; on Linux it needs a Vulkan loader \
                      (libvulkan.so.1: Debian's libvulkan1, or beside the program) and a driver, \
                      the GPU maker's or software (Debian's mesa-vulkan-drivers)";
const ONE_CPU: &str = "the CPU is one device, number 0";

#[cfg(any(feature = "flex", feature = "tch"))]
fn describe_cpu(library: &str) -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("the CPU, {threads} threads, {library}")
}

#[cfg(feature = "flex")]
mod flex {
    use super::{Device, Found, describe_cpu};

    pub(super) fn find() -> Vec<Found> {
        let open = Box::new(|| Ok(Device::flex()));
        vec![Found { about: describe_cpu("pure Rust"), gpu: false, software: false, open }]
    }
}

#[cfg(feature = "cuda")]
mod cuda {
    use super::{Device, Found};
    use burn::tensor::DeviceType;

    /// Finds the devices; burn looks for the driver before it calls it.
    pub(super) fn find() -> Vec<Found> {
        let device = |(index, device): (usize, Device)| Found {
            about: format!("NVIDIA GPU {index}"),
            gpu: true,
            software: false,
            open: Box::new(move || Ok(device)),
        };
        Device::enumerate(DeviceType::Cuda).into_iter().enumerate().map(device).collect()
    }
}

#[cfg(feature = "tch")]
mod tch {
    use super::{Device, Found, describe_cpu};
    use burn::tensor::DeviceType;

    #[allow(deprecated, reason = "burn drops this backend after 0.22, the version here")]
    pub(super) fn cpu() -> Vec<Found> {
        let open = Box::new(|| Ok(Device::libtorch()));
        vec![Found { about: describe_cpu("PyTorch's library"), gpu: false, software: false, open }]
    }

    /// Finds the GPUs, the only devices that burn lists here.
    pub(super) fn gpus() -> Vec<Found> {
        let device = |(index, device): (usize, Device)| Found {
            about: format!("NVIDIA GPU {index}, PyTorch's library"),
            gpu: true,
            software: false,
            open: Box::new(move || Ok(device)),
        };
        Device::enumerate(DeviceType::LibTorch).into_iter().enumerate().map(device).collect()
    }
}
