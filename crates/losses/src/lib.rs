#![doc = include_str!("../README.md")]

mod across_views;
mod barlow_twins;
mod dino;
mod emp_ssl;
mod error;
mod frossl;
mod koleo;
#[cfg(test)]
mod laws;
mod lejepa;
mod mmcr;
mod msn;
mod negative_cosine;
mod normal_quantile;
mod normalize;
mod nt_xent;
mod queue;
mod ressl;
mod sigreg;
mod sinkhorn;
mod slices;
mod squares;
mod swav;
mod view_list;
mod visreg;
mod with_gradient;

pub use barlow_twins::{BarlowTwinsConfig, barlow_twins};
pub use dino::{DinoCenter, DinoConfig, TeacherTemperature, dino};
pub use emp_ssl::{EmpSslConfig, emp_ssl};
pub use error::StateError;
pub use frossl::{FrosslConfig, frossl};
pub use koleo::koleo;
pub use lejepa::{LeJepaConfig, lejepa};
pub use mmcr::{MmcrConfig, mmcr};
pub use msn::{MsnConfig, MsnPrior, msn};
pub use negative_cosine::negative_cosine;
pub use nt_xent::{NtXentConfig, nt_xent};
pub use queue::Queue;
pub use ressl::{ResslConfig, ressl};
pub use sigreg::{SigRegConfig, sigreg};
pub use sinkhorn::sinkhorn;
pub use slices::random_slices;
pub use swav::{SwavConfig, swav};
pub use visreg::{VisRegConfig, visreg, visreg_shape};
