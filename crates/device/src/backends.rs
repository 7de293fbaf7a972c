//! The backends a program can have, and how each finds its devices.

use burn::tensor::Device;

/// A device of this machine that has not been started.
pub(super) struct Found {
    /// As its driver calls it.
    pub(super) about: String,
    /// Whether it is a GPU of silicon.
    pub(super) gpu: bool,
    /// Whether it is a GPU of software.
    pub(super) software: bool,
    pub(super) open: Box<dyn FnOnce() -> Result<Device, String>>,
}

/// What stands behind a name.
pub(super) struct Backend {
    pub(super) name: &'static str,
    /// What to build with to have it.
    pub(super) feature: &'static str,
    /// What a machine lacks where none is found.
    pub(super) lacking: &'static str,
    /// The devices of this machine, best first; `None` where the feature is off.
    pub(super) find: Option<fn() -> Vec<Found>>,
}

/// The function where the feature is on.
macro_rules! built {
    ($feature:literal, $find:expr) => {{
        #[cfg(feature = $feature)]
        let find: Option<fn() -> Vec<Found>> = Some($find);
        #[cfg(not(feature = $feature))]
        let find: Option<fn() -> Vec<Found>> = None;
        find
    }};
}

/// The fastest first.
pub(super) static BACKENDS: [Backend; 7] = [
    Backend {
        name: "cuda",
        feature: "cuda",
        lacking: "no GPU of NVIDIA with that number answers; it takes one and its driver (libcuda)",
        find: built!("cuda", cuda::find),
    },
    Backend {
        name: "metal",
        feature: "metal",
        lacking: "no GPU with that number answers to Metal, which macOS has",
        find: built!("metal", super::adapters::metal),
    },
    Backend {
        name: "vulkan",
        feature: "vulkan",
        lacking: VULKAN,
        find: built!("vulkan", super::adapters::vulkan),
    },
    Backend {
        name: "wgpu",
        feature: "wgpu",
        lacking: VULKAN,
        find: built!("wgpu", super::adapters::any),
    },
    Backend {
        name: "tch:cuda",
        feature: "tch",
        lacking: "no GPU with that number answers to PyTorch's library; it takes one of NVIDIA, its \
                  driver, and a PyTorch built for it",
        find: built!("tch", tch::gpus),
    },
    Backend { name: "flex", feature: "flex", lacking: ONE_CPU, find: built!("flex", flex::find) },
    Backend { name: "tch", feature: "tch", lacking: ONE_CPU, find: built!("tch", tch::cpu) },
];

const VULKAN: &str = "no adapter with that number answers; on Linux it takes a Vulkan loader \
                      (libvulkan.so.1: Debian's libvulkan1, or beside the program) and a driver, the \
                      GPU maker's or software (Debian's mesa-vulkan-drivers)";
const ONE_CPU: &str = "the CPU is one device, number 0";

#[cfg(any(feature = "flex", feature = "tch"))]
fn threads(of: &str) -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("the CPU, {threads} threads, {of}")
}

#[cfg(feature = "flex")]
mod flex {
    use super::{Device, Found, threads};

    pub(super) fn find() -> Vec<Found> {
        let open = Box::new(|| Ok(Device::flex()));
        vec![Found { about: threads("pure Rust"), gpu: false, software: false, open }]
    }
}

#[cfg(feature = "cuda")]
mod cuda {
    use super::{Device, Found};
    use burn::tensor::DeviceType;

    /// burn looks for the driver before it asks it.
    pub(super) fn find() -> Vec<Found> {
        let device = |(place, device): (usize, Device)| Found {
            about: format!("GPU {place} of NVIDIA"),
            gpu: true,
            software: false,
            open: Box::new(move || Ok(device)),
        };
        Device::enumerate(DeviceType::Cuda).into_iter().enumerate().map(device).collect()
    }
}

#[cfg(feature = "tch")]
mod tch {
    use super::{Device, Found, threads};
    use burn::tensor::DeviceType;

    #[allow(deprecated, reason = "burn drops this backend after 0.22, the version here")]
    pub(super) fn cpu() -> Vec<Found> {
        let open = Box::new(|| Ok(Device::libtorch()));
        vec![Found { about: threads("PyTorch's library"), gpu: false, software: false, open }]
    }

    /// burn lists only GPUs here.
    pub(super) fn gpus() -> Vec<Found> {
        let device = |(place, device): (usize, Device)| Found {
            about: format!("GPU {place} of NVIDIA, PyTorch's library"),
            gpu: true,
            software: false,
            open: Box::new(move || Ok(device)),
        };
        Device::enumerate(DeviceType::LibTorch).into_iter().enumerate().map(device).collect()
    }
}
