//! The methods, a file for each.

mod barlow_twins;
mod byol;
mod classifier;
mod dino;
mod mae;
mod moco_v2;
mod msn;
mod simclr;
mod simmim;
mod simsiam;
mod vicreg;

pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig};
pub use byol::{Byol, ByolConfig};
pub use classifier::Classifier;
pub use dino::{Dino, DinoConfig};
pub use mae::{Mae, MaeConfig};
pub use moco_v2::{MocoV2, MocoV2Config};
pub use msn::{Msn, MsnConfig};
pub use simclr::{SimClr, SimClrConfig};
pub use simmim::{SimMim, SimMimConfig};
pub use simsiam::{SimSiam, SimSiamConfig};
pub use vicreg::{Vicreg, VicregConfig};
