//! The fast path of each loss that has one. Each file is named after the loss it serves, each
//! function after its result.
//!
//! The functions take tensors of single precision on the Flex backend. A function that returns an
//! `Option` gives `None` for any other tensor, without feature `flex`, and beyond the range that
//! its documentation states; the caller then computes the loss by its formula. Shapes are checked
//! by the caller.

#![allow(
    clippy::cast_possible_truncation,
    reason = "settings become single precision, as the tensors are"
)]

#[cfg(feature = "flex")]
mod autodiff;
mod barlow_twins;
mod cosine;
mod custom_gradient;
mod excluded;
mod koleo;
mod l2_normalize;
mod log_sum_exp;
mod reduce;
mod sigreg;
mod sinkhorn;
mod softmax;
mod standardize;
mod tico;
mod visreg;

pub use barlow_twins::correlation_distance;
pub use cosine::sum_of_cosines;
pub use custom_gradient::custom_gradient;
pub use excluded::Excluded;
pub use koleo::nearest_log_distance;
pub use l2_normalize::rows_of_unit_length;
pub use log_sum_exp::{ScoreSums, Scores};
pub use reduce::sum_of_squares;
pub use sigreg::{Knot, characteristic_distance};
pub use sinkhorn::sinkhorn_rounds;
pub use softmax::{softmax, softmax_backward, sum_of_cross_entropies};
pub use standardize::standardize;
pub use tico::tico_terms;
pub use visreg::sorted_distance;
