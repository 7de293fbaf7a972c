//! Device of the benches, chosen by an environment variable.

use burn::tensor::Device;
use selfsame::device::NamedDevice;

/// Environment variable that names the device; `flex` if it is not set.
pub const DEVICE_VARIABLE: &str = "SELFSAME_BENCH_DEVICE";

/// Device that is measured, with the name that the ids of its benches end with.
#[derive(Clone, Debug)]
pub struct BenchDevice {
    /// Name of the backend, such as `flex` or `vulkan`.
    pub name: &'static str,
    /// Device, without autodiff.
    pub device: Device,
}

impl BenchDevice {
    /// Opens the device that `SELFSAME_BENCH_DEVICE` names.
    ///
    /// # Panics
    /// If there is no such device; the message lists the available ones.
    #[must_use]
    pub fn from_environment() -> Self {
        selfsame::compute_on_this_thread();
        let asked = std::env::var(DEVICE_VARIABLE).unwrap_or_else(|_| "flex".to_owned());
        match selfsame::device(&asked) {
            Ok(NamedDevice { name, device, .. }) => Self { name, device },
            Err(error) => panic!("{DEVICE_VARIABLE}: {error}"),
        }
    }

    /// Returns the end of an id: the shape, the precision and the device.
    #[must_use]
    pub fn id(&self, shape: &str) -> String {
        format!("{shape}/f32/{}", self.name)
    }

    /// Returns `output` once the device has finished all work, so that the measured time is that of
    /// the work, not of queuing it.
    ///
    /// # Panics
    /// If the device fails.
    pub fn finished<T>(&self, output: T) -> T {
        self.device.sync().expect("the device finishes its work");
        output
    }

    /// Returns whether all memory of the device is this process's own.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.name == "flex"
    }
}
