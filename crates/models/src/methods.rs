//! Methods, one file per paper.

mod barlow_twins;
mod classifier;
mod simclr;
mod simsiam;

pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig};
pub use classifier::Classifier;
pub use simclr::{SimClr, SimClrConfig};
pub use simsiam::{SimSiam, SimSiamConfig};
