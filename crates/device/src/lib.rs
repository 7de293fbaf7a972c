#![doc = include_str!("../README.md")]

mod backends;
mod device;
mod found;
mod inventory;
mod memory;
mod threads;

pub use device::{DeviceError, NamedDevice, device};
pub use inventory::Inventory;
pub use memory::keep_memory;
pub use threads::compute_on_this_thread;
