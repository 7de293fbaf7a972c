//! Rows of unit length.

use burn::tensor::Tensor;
use selfsame_kernels::loss;

/// Divides each row by its length; a row of zeros stays zero.
///
/// Rows are first divided by their largest entry, so that squares neither overflow nor vanish:
/// lengths from 1e-37 to 1e37 are normalized exactly. The result does not depend on that factor,
/// which is a constant to the gradient.
pub(crate) fn l2_normalize(rows: Tensor<2>) -> Tensor<2> {
    if let Some(unit) = loss::rows_of_unit_length(&rows) {
        return unit;
    }
    let largest = rows.clone().inner().abs().max_dim(1);
    let zero = largest.clone().equal_elem(0.0);
    let rows = rows / largest.mask_fill(zero, 1.0);
    let squares = rows.clone().square().sum_dim(1);
    // A row with a largest entry of 1 has a length of at least 1: only zero rows are clamped.
    rows / squares.clamp_min(0.25).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tolerance};

    #[test]
    fn length_does_not_matter_and_zero_stays_zero() {
        let rows = [[3e20_f32, 4e20], [3e-20, -4e-20], [0.0, 0.0], [3.0, 4.0]];
        let found = l2_normalize(Tensor::from_floats(rows, &Device::flex())).into_data();
        let want = [[0.6_f32, 0.8], [0.6, -0.8], [0.0, 0.0], [0.6, 0.8]].into();
        found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-6, 1e-7));
    }
}
