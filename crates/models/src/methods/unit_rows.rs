//! Rows of unit length.

use burn::tensor::Tensor;

/// Divides each row by its length; a row of zeros stays zero.
pub(super) fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let lengths = rows.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
    rows / lengths
}
