//! The fast path of each loss that has one, under the name of the loss it serves.
//!
//! They take tensors of single precision on the Flex backend. A function that returns an `Option`
//! gives `None` for any other tensor, without feature `flex`, and beyond the range that its
//! documentation states; the caller then computes the loss by its formula. Shapes are checked by
//! the caller.

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

pub use barlow_twins::barlow_twins;
pub use cosine::sum_of_cosines;
pub use custom_gradient::custom_gradient;
pub use excluded::Excluded;
pub use koleo::koleo;
pub use l2_normalize::l2_normalize;
pub use log_sum_exp::{ScoreSums, Scores};
pub use reduce::sum_of_squares;
pub use sigreg::{Knot, sigreg};
pub use sinkhorn::sinkhorn;
pub use softmax::{cross_entropy, softmax, softmax_backward};
pub use standardize::standardize;
pub use tico::tico_terms;
pub use visreg::visreg;
