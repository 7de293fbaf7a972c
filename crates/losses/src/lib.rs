#![doc = include_str!("../README.md")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "settings become single precision, and counts places of tensors"
)]

mod barlow_twins;
mod byol;
mod columns;
mod contrast;
mod dcl;
mod direct_clr;
mod error;
#[cfg(feature = "flex")]
mod extension;
mod gram;
mod hypersphere;
mod info_nce;
#[cfg(test)]
mod laws;
mod log_sum_exp;
mod macl;
mod moco;
mod moco_v3;
mod negative_cosine;
mod nnclr;
mod normalize;
mod nt_xent;
#[cfg(feature = "flex")]
mod product;
mod queue;
#[cfg(feature = "flex")]
mod rows;
mod skip;
#[cfg(feature = "flex")]
mod standard;
mod sup_con;
mod ti_co;
#[cfg(feature = "flex")]
mod tiles;
mod vib_c_reg;
mod vicreg;
mod w_mse;
mod with_gradient;

pub use barlow_twins::{BarlowTwinsConfig, barlow_twins};
pub use byol::byol;
pub use contrast::Gathered;
pub use dcl::{DclConfig, dcl, dcl_gathered};
pub use direct_clr::{DirectClrConfig, direct_clr};
pub use error::StateError;
pub use hypersphere::{HypersphereConfig, hypersphere};
pub use macl::{MaclConfig, macl};
pub use moco::{MocoConfig, moco};
pub use moco_v3::{MocoV3Config, moco_v3, moco_v3_gathered};
pub use negative_cosine::{CosineForm, cosine_loss, negative_cosine};
pub use nnclr::{NnclrConfig, nearest, nnclr};
pub use nt_xent::{NtXentConfig, nt_xent, nt_xent_gathered};
pub use queue::Queue;
pub use sup_con::{SupConConfig, sup_con};
pub use ti_co::{TicoConfig, TicoCovariance, tico};
pub use vib_c_reg::{VibcregConfig, vibcreg};
pub use vicreg::{VarianceTerm, VicregConfig, vicreg};
pub use w_mse::{WMseConfig, w_mse};
