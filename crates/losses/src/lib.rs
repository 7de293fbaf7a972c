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
mod neighbors;
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

pub use barlow_twins::{BarlowTwinsLossConfig, barlow_twins};
pub use byol::byol;
pub use circle::{CircleLossConfig, circle};
pub use contrast::Gathered;
pub use cross_batch_memory::{CrossBatchMemory, CrossBatchState};
pub use dcl::{DclLossConfig, dcl, dcl_gathered};
pub use dino::{DinoCenter, DinoLossConfig, TeacherTemperature, dino};
pub use direct_clr::{DirectClrLossConfig, direct_clr};
pub use distance::Distance;
pub use emp_ssl::{EmpSslLossConfig, emp_ssl};
pub use error::StateError;
pub use frossl::{FrosslLossConfig, frossl};
pub use hypersphere::{HypersphereLossConfig, hypersphere};
pub use koleo::koleo;
pub use labeled::Labeled;
pub use lejepa::{LeJepaLossConfig, lejepa};
pub use lifted_structure::{LiftedStructureLossConfig, lifted_structure};
pub use macl::{MaclLossConfig, macl};
pub use mining::{NegativeMining, PositiveMining};
pub use mmcr::{MmcrLossConfig, mmcr};
pub use moco::{MocoLossConfig, moco};
pub use moco_v3::{MocoV3LossConfig, moco_v3, moco_v3_gathered};
pub use msn::{MsnLossConfig, MsnPrior, msn};
pub use multi_similarity::{MultiSimilarityLossConfig, multi_similarity};
pub use multiple_negatives_ranking::{
    MultipleNegativesRankingLossConfig, multiple_negatives_ranking,
};
pub use negative_cosine::{CosineForm, cosine_loss, negative_cosine};
pub use nnclr::{NnclrLossConfig, nearest, nnclr};
pub use nt_xent::{NtXentLossConfig, nt_xent, nt_xent_gathered};
pub use pn::pn;
pub use queue::Queue;
pub use ressl::{ResslLossConfig, ressl};
pub use sigreg::{SigRegLossConfig, sigreg};
pub use sinkhorn::sinkhorn;
pub use slices::random_slices;
pub use soft_nearest_neighbor::{SoftNearestNeighborLossConfig, soft_nearest_neighbor};
pub use sup_con::{SupConLossConfig, sup_con, sup_con_gathered};
pub use swav::{SwavLossConfig, swav};
pub use ti_co::{TicoCovariance, TicoLossConfig, tico};
pub use triplet::{TripletLossConfig, triplet};
pub use vib_c_reg::{VibcregLossConfig, vibcreg};
pub use vicreg::{VarianceTerm, VicregLossConfig, vicreg};
pub use visreg::{VisRegLossConfig, visreg, visreg_shape};
pub use w_mse::{WMseLossConfig, w_mse};
