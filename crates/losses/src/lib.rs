#![doc = include_str!("../README.md")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "settings become single precision, and counts places of tensors"
)]

mod across_views;
#[cfg(feature = "flex")]
mod balance;
mod barlow_twins;
mod byol;
#[cfg(feature = "flex")]
mod characteristic;
mod circle;
mod columns;
mod contrast;
#[cfg(feature = "flex")]
mod correlation;
mod cross_batch_memory;
mod dcl;
mod dino;
mod direct_clr;
mod distance;
mod emp_ssl;
#[cfg(feature = "flex")]
mod entropy;
mod error;
#[cfg(feature = "flex")]
mod extension;
mod frossl;
mod gram;
mod hypersphere;
mod info_nce;
mod koleo;
mod labeled;
#[cfg(feature = "flex")]
mod lanes;
#[cfg(test)]
mod laws;
mod lejepa;
mod lifted_structure;
mod log_sum_exp;
mod macl;
mod mining;
mod mmcr;
mod moco;
mod moco_v3;
mod msn;
mod multi_similarity;
mod multiple_negatives_ranking;
mod negative_cosine;
#[cfg(feature = "flex")]
mod neighbours;
mod nnclr;
mod normal_quantile;
mod normalize;
mod nt_xent;
mod pn;
#[cfg(feature = "flex")]
mod product;
mod queue;
#[cfg(feature = "flex")]
mod ranked;
mod ressl;
#[cfg(feature = "flex")]
mod rows;
mod sigreg;
mod sinkhorn;
mod skip;
mod slices;
mod soft_nearest_neighbor;
mod squares;
#[cfg(feature = "flex")]
mod standard;
mod sup_con;
mod swav;
mod ti_co;
#[cfg(feature = "flex")]
mod tiles;
mod triplet;
mod vib_c_reg;
mod vicreg;
mod view_list;
mod visreg;
mod w_mse;
mod with_gradient;

pub use barlow_twins::{BarlowTwinsConfig, barlow_twins};
pub use byol::byol;
pub use circle::{CircleConfig, circle};
pub use contrast::Gathered;
pub use cross_batch_memory::{CrossBatchMemory, CrossBatchState};
pub use dcl::{DclConfig, dcl, dcl_gathered};
pub use dino::{DinoCenter, DinoConfig, TeacherTemperature, dino};
pub use direct_clr::{DirectClrConfig, direct_clr};
pub use distance::Distance;
pub use emp_ssl::{EmpSslConfig, emp_ssl};
pub use error::StateError;
pub use frossl::{FrosslConfig, frossl};
pub use hypersphere::{HypersphereConfig, hypersphere};
pub use koleo::koleo;
pub use labeled::Labeled;
pub use lejepa::{LeJepaConfig, lejepa};
pub use lifted_structure::{LiftedStructureConfig, lifted_structure};
pub use macl::{MaclConfig, macl};
pub use mining::{NegativeMining, PositiveMining};
pub use mmcr::{MmcrConfig, mmcr};
pub use moco::{MocoConfig, moco};
pub use moco_v3::{MocoV3Config, moco_v3, moco_v3_gathered};
pub use msn::{MsnConfig, MsnPrior, msn};
pub use multi_similarity::{MultiSimilarityConfig, multi_similarity};
pub use multiple_negatives_ranking::{MultipleNegativesRankingConfig, multiple_negatives_ranking};
pub use negative_cosine::{CosineForm, cosine_loss, negative_cosine};
pub use nnclr::{NnclrConfig, nearest, nnclr};
pub use nt_xent::{NtXentConfig, nt_xent, nt_xent_gathered};
pub use pn::pn;
pub use queue::Queue;
pub use ressl::{ResslConfig, ressl};
pub use sigreg::{SigRegConfig, sigreg};
pub use sinkhorn::sinkhorn;
pub use slices::random_slices;
pub use soft_nearest_neighbor::{SoftNearestNeighborConfig, soft_nearest_neighbor};
pub use sup_con::{SupConConfig, sup_con, sup_con_gathered};
pub use swav::{SwavConfig, swav};
pub use ti_co::{TicoConfig, TicoCovariance, tico};
pub use triplet::{TripletConfig, triplet};
pub use vib_c_reg::{VibcregConfig, vibcreg};
pub use vicreg::{VarianceTerm, VicregConfig, vicreg};
pub use visreg::{VisRegConfig, visreg, visreg_shape};
pub use w_mse::{WMseConfig, w_mse};
