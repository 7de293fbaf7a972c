//! GPUs as wgpu finds them, before burn starts one: burn panics if there is none.

use std::sync::Mutex;

use burn::tensor::wgpu::wgpu::{self, Backends, DeviceType};
use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};
use burn::tensor::{Device, DeviceKind, try_read_sync};

use crate::found::Found;

/// A GPU, or one emulated in software, by the names burn has for it.
#[derive(Clone)]
struct Adapter {
    about: String,
    software: bool,
    api: WgpuBackend,
    kind: DeviceKind,
}

/// Finds the adapters of the first graphics API that has a hardware GPU, best first.
pub(super) fn any() -> Vec<Found> {
    let apis = [WgpuBackend::Vulkan, WgpuBackend::Metal, WgpuBackend::Dx12, WgpuBackend::Gl];
    let mut software = Vec::new();
    for api in apis {
        let adapters = adapters(api);
        if adapters.iter().any(|adapter| !adapter.software) {
            return found(adapters);
        }
        if software.is_empty() {
            software = adapters;
        }
    }
    found(software)
}

#[cfg(feature = "vulkan")]
pub(super) fn vulkan() -> Vec<Found> {
    found(adapters(WgpuBackend::Vulkan))
}

#[cfg(feature = "metal")]
pub(super) fn metal() -> Vec<Found> {
    found(adapters(WgpuBackend::Metal))
}

fn found(adapters: Vec<Adapter>) -> Vec<Found> {
    let found = |adapter: Adapter| Found {
        about: adapter.about.clone(),
        gpu: !adapter.software,
        software: adapter.software,
        open: Box::new(move || open(&adapter)),
    };
    adapters.into_iter().map(found).collect()
}

/// Lists the adapters that burn can select, best first.
fn adapters(api: WgpuBackend) -> Vec<Adapter> {
    /// Queried once: drivers crash when several threads load and unload them at the same time.
    static ASKED: Mutex<Vec<(WgpuBackend, Vec<Adapter>)>> = Mutex::new(Vec::new());
    let mut asked = ASKED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, adapters)) = asked.iter().find(|(known, _)| *known == api) {
        return adapters.clone();
    }
    let adapters = ask(api);
    asked.push((api, adapters.clone()));
    adapters
}

fn ask(api: WgpuBackend) -> Vec<Adapter> {
    let backends = match api {
        WgpuBackend::Vulkan => Backends::VULKAN,
        WgpuBackend::Metal => Backends::METAL,
        WgpuBackend::Dx12 => Backends::DX12,
        _ => Backends::GL,
    };
    let mut settings = wgpu::InstanceDescriptor::new_without_display_handle();
    settings.backends = backends;
    let instance = wgpu::Instance::new(settings);
    let answer = try_read_sync(instance.enumerate_adapters(backends)).unwrap_or_default();
    let mut counts = [0; 3];
    // burn counts the adapters of each kind in the order in which they are listed.
    let mut next = |kind: usize| {
        counts[kind] += 1;
        counts[kind] - 1
    };
    let mut adapters: Vec<(usize, Adapter)> = Vec::new();
    for info in answer.iter().map(wgpu::Adapter::get_info) {
        let (rank, kind) = match info.device_type {
            DeviceType::DiscreteGpu => (0, DeviceKind::DiscreteGpu(next(0))),
            DeviceType::IntegratedGpu => (1, DeviceKind::IntegratedGpu(next(1))),
            DeviceType::VirtualGpu => (2, DeviceKind::VirtualGpu(next(2))),
            DeviceType::Cpu if adapters.iter().all(|(rank, _)| *rank != 3) => (3, DeviceKind::Cpu),
            // burn has no name for a second software adapter, nor for one of unknown type.
            DeviceType::Cpu | DeviceType::Other => continue,
        };
        let software = if rank == 3 { ", software" } else { "" };
        let about = format!("{}, {:?}{software}", info.name, info.backend);
        adapters.push((rank, Adapter { about, software: rank == 3, api, kind }));
    }
    adapters.sort_by_key(|(rank, _)| *rank);
    adapters.into_iter().map(|(_, adapter)| adapter).collect()
}

/// Starts an adapter, or returns the device that was started before.
fn open(adapter: &Adapter) -> Result<Device, String> {
    static OPEN: Mutex<Vec<(WgpuBackend, DeviceKind, Device)>> = Mutex::new(Vec::new());
    let mut open = OPEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let same = |(api, kind, _): &&(WgpuBackend, DeviceKind, Device)| {
        *api == adapter.api && *kind == adapter.kind
    };
    if let Some((.., device)) = open.iter().find(same) {
        return Ok(device.clone());
    }
    let options =
        Device::wgpu_options().graphics_api(adapter.api).device_kind(adapter.kind.clone());
    let device = options.init().map_err(|error: WgpuInitError| error.to_string())?;
    open.push((adapter.api, adapter.kind.clone(), device.clone()));
    Ok(device)
}
