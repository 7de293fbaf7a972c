//! The methods, a file for each.

mod align_uniform;
mod barlow_twins;
mod byol;
#[cfg(test)]
mod checks;
mod class_labels;
mod classifier;
mod dino;
mod direct_clr;
mod emp_ssl;
mod fast_siam;
mod frossl;
mod lejepa;
mod mmcr;
mod moco_v2;
mod moco_v3;
mod nnclr;
mod ressl;
mod simclr;
mod simsiam;
#[cfg(test)]
mod small;
mod sup_con;
mod swav;
mod tico;
mod unit_rows;
mod vibcreg;
mod vicreg;
mod visreg;
mod w_mse;

pub use align_uniform::{AlignUniform, AlignUniformConfig};
pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig};
pub use byol::{Byol, ByolConfig};
pub use classifier::Classifier;
pub use dino::{Dino, DinoConfig};
pub use direct_clr::{DirectClr, DirectClrConfig};
pub use emp_ssl::{EmpSsl, EmpSslConfig};
pub use fast_siam::{FastSiam, FastSiamConfig};
pub use frossl::{Frossl, FrosslConfig};
pub use lejepa::{LeJepa, LeJepaConfig};
pub use mmcr::{Mmcr, MmcrConfig};
pub use moco_v2::{MocoV2, MocoV2Config};
pub use moco_v3::{MocoV3, MocoV3Config};
pub use nnclr::{Nnclr, NnclrConfig};
pub use ressl::{Ressl, ResslConfig};
pub use simclr::{SimClr, SimClrConfig, SimClrLoss};
pub use simsiam::{SimSiam, SimSiamConfig};
pub use sup_con::{SupCon, SupConConfig};
pub use swav::{Swav, SwavConfig};
pub use tico::{Tico, TicoConfig};
pub use vibcreg::{Vibcreg, VibcregConfig};
pub use vicreg::{Vicreg, VicregConfig};
pub use visreg::{VisReg, VisRegConfig};
pub use w_mse::{WMse, WMseConfig};
