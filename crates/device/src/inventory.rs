//! The backends of this program and the devices of this machine.

use std::fmt;

use crate::backends::BACKENDS;

/// The backends a program was built with, and the devices its machine has for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Names of the backends of this program, the fastest first.
    pub backends: Vec<&'static str>,
    /// Name and description of every device they find, in the same order.
    pub devices: Vec<(String, String)>,
}

impl Inventory {
    /// Asks every backend of this program for its devices.
    ///
    /// # Example
    /// ```
    /// let inventory = selfsame_device::Inventory::take();
    /// assert!(inventory.backends.contains(&"flex"));
    /// assert!(inventory.devices.iter().any(|(name, _)| name == "flex"));
    /// assert!(inventory.to_string().contains("pure Rust"));
    /// ```
    #[must_use]
    pub fn take() -> Self {
        let mut here = Self { backends: Vec::new(), devices: Vec::new() };
        for backend in &BACKENDS {
            let Some(find) = backend.find else { continue };
            here.backends.push(backend.name);
            let found = find();
            let single = found.len() == 1;
            let name = |index: usize| {
                if single { backend.name.to_owned() } else { format!("{}:{index}", backend.name) }
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
        write!(f, "This program was built with: {backends}. This machine has: {devices}")
    }
}
