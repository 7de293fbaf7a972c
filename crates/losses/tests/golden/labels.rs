//! Losses with labels.

use burn::tensor::Tensor;

use crate::case::Case;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let _ = case.loss();
    None
}
