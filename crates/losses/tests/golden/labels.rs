//! Losses with labels.

use burn::tensor::Tensor;

use crate::case::Case;

pub fn loss(case: &Case) -> Option<Tensor<1>> {
    let _ = case.loss();
    None
}
