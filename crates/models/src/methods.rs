//! The methods, a file for each.

mod barlow_twins;
mod byol;
mod classifier;
mod dino;
mod moco_v2;
mod simclr;
mod simsiam;
mod vicreg;

pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig};
pub use byol::{Byol, ByolConfig};
pub use classifier::Classifier;
pub use dino::{Dino, DinoConfig};
pub use moco_v2::{MocoV2, MocoV2Config};
pub use simclr::{SimClr, SimClrConfig};
pub use simsiam::{SimSiam, SimSiamConfig};
pub use vicreg::{Vicreg, VicregConfig};

/// Returns the settings of a method as JSON, to compare them when a run is resumed.
fn settings<T: serde::Serialize>(config: &T) -> serde_json::Value {
    // Configs are structs of numbers, which always are JSON.
    serde_json::to_value(config).unwrap_or_default()
}
