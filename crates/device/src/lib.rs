#![doc = include_str!("../README.md")]

mod backends;
mod device;
mod found;
mod inventory;
mod threads;

pub use device::{DeviceError, NamedDevice, device};
pub use inventory::Inventory;
pub use threads::compute_on_this_thread;
