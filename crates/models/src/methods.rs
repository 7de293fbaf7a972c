//! The methods, a file for each.

mod barlow_twins;
mod byol;
#[cfg(test)]
mod checks;
mod classifier;
mod dino;
mod emp_ssl;
mod frossl;
mod lejepa;
mod mmcr;
mod moco_v2;
mod simclr;
mod simsiam;
#[cfg(test)]
mod small;
mod tico;
mod unit_rows;
mod vibcreg;
mod vicreg;
mod visreg;
mod w_mse;

pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig};
pub use byol::{Byol, ByolConfig};
pub use classifier::Classifier;
pub use dino::{Dino, DinoConfig};
pub use emp_ssl::{EmpSsl, EmpSslConfig};
pub use frossl::{Frossl, FrosslConfig};
pub use lejepa::{LeJepa, LeJepaConfig};
pub use mmcr::{Mmcr, MmcrConfig};
pub use moco_v2::{MocoV2, MocoV2Config};
pub use simclr::{SimClr, SimClrConfig};
pub use simsiam::{SimSiam, SimSiamConfig};
pub use tico::{Tico, TicoConfig};
pub use vibcreg::{Vibcreg, VibcregConfig};
pub use vicreg::{Vicreg, VicregConfig};
pub use visreg::{VisReg, VisRegConfig};
pub use w_mse::{WMse, WMseConfig};
