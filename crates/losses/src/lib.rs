#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests state exact results"))]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "settings become single precision, and counts become indices"
)]

mod barlow_twins;
mod byol;
mod circle;
mod dcl;
mod dino;
mod direct_clr;
mod distance;
#[cfg(feature = "decompositions")]
mod emp_ssl;
mod fast_siam;
mod frossl;
mod gathered;
mod hypersphere;
mod koleo;
mod labeled;
#[cfg(test)]
mod laws;
mod lejepa;
mod lifted_structure;
mod macl;
mod mining;
#[cfg(feature = "decompositions")]
mod mmcr;
mod moco;
mod moco_v3;
mod msn;
mod multi_similarity;
mod multiple_negatives_ranking;
mod negative_cosine;
mod nnclr;
mod nt_xent;
mod ops;
mod pn;
mod random_slices;
mod ressl;
mod sigreg;
mod sinkhorn;
mod soft_nearest_neighbor;
mod state;
mod sup_con;
mod swav;
mod tico;
mod triplet;
mod vibcreg;
mod vicreg;
mod view_terms;
mod visreg;
#[cfg(feature = "decompositions")]
mod w_mse;

pub use barlow_twins::{BarlowTwinsLossConfig, barlow_twins};
pub use byol::byol;
pub use circle::{CircleLossConfig, circle};
pub use dcl::{DclLossConfig, dcl, dcl_gathered};
pub use dino::{DinoLossConfig, TeacherTemperature, dino};
pub use direct_clr::{DirectClrLossConfig, direct_clr};
pub use distance::Distance;
#[cfg(feature = "decompositions")]
pub use emp_ssl::{EmpSslLossConfig, emp_ssl, emp_ssl_terms};
pub use fast_siam::fast_siam;
pub use frossl::{FrosslLossConfig, frossl, frossl_terms};
pub use gathered::Gathered;
pub use hypersphere::{HypersphereLossConfig, HypersphereTerms, hypersphere, hypersphere_terms};
pub use koleo::koleo;
pub use labeled::Labeled;
pub use lejepa::{LeJepaLossConfig, lejepa, lejepa_terms};
pub use lifted_structure::{LiftedStructureLossConfig, lifted_structure};
pub use macl::{MaclLossConfig, macl};
pub use mining::{NegativeMining, PositiveMining};
#[cfg(feature = "decompositions")]
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
pub use random_slices::random_slices;
pub use ressl::{ResslLossConfig, ressl};
pub use sigreg::{SigRegLossConfig, sigreg};
pub use sinkhorn::sinkhorn;
pub use soft_nearest_neighbor::{SoftNearestNeighborLossConfig, soft_nearest_neighbor};
pub use state::{CrossBatchMemory, DinoCenter, Prototypes, Queue, TicoCovariance};
pub use sup_con::{SupConLossConfig, sup_con, sup_con_gathered};
pub use swav::{SwavLossConfig, swav};
pub use tico::{TicoLossConfig, tico};
pub use triplet::{TripletLossConfig, triplet};
pub use vibcreg::{VibcregLossConfig, vibcreg, vibcreg_terms};
pub use vicreg::{
    VarianceTerm, VicregLossConfig, VicregTerms, vicreg, vicreg_terms, vicreg_views_terms,
};
pub use view_terms::ViewTerms;
pub use visreg::{VisRegLossConfig, VisRegTerms, visreg, visreg_shape, visreg_terms};
#[cfg(feature = "decompositions")]
pub use w_mse::{WMseLossConfig, w_mse};
