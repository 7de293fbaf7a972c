//! Rows of unit length, and the check that two views fit.

#[cfg(feature = "flex")]
use burn::tensor::DType;
use burn::tensor::Tensor;

/// Each row divided by its length; a row of zeros stays zero.
///
/// Rows are first divided by their largest entry, so that squares neither overflow nor vanish:
/// lengths from 1e-37 to 1e37 are normalized exactly. The result does not depend on that factor,
/// so it is a constant to the gradient.
pub(crate) fn normalize(rows: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if rows.dtype() == DType::F32 && crate::extension::applies(&rows) {
        return crate::extension::unit_rows(rows);
    }
    let largest = rows.clone().inner().abs().max_dim(1);
    let zero = largest.clone().equal_elem(0.0);
    let rows = rows / largest.mask_fill(zero, 1.0);
    let squares = rows.clone().square().sum_dim(1);
    // A row with a largest entry of 1 has a length of at least 1: only zero rows are clamped.
    rows / squares.clamp_min(0.25).sqrt()
}

/// The common `[batch, dim]` of two views.
#[track_caller]
pub(crate) fn paired_dims(name: &str, a: &Tensor<2>, b: &Tensor<2>) -> [usize; 2] {
    let (first, second) = (a.dims(), b.dims());
    assert_eq!(first, second, "{name} needs two views of one shape [batch, dim]");
    assert!(first[0] > 0 && first[1] > 0, "{name} needs rows and columns, got {first:?}");
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tolerance};

    #[test]
    fn length_does_not_matter_and_zero_stays_zero() {
        let rows = [[3e20_f32, 4e20], [3e-20, -4e-20], [0.0, 0.0], [3.0, 4.0]];
        let found = normalize(Tensor::from_floats(rows, &Device::flex())).into_data();
        let want = [[0.6_f32, 0.8], [0.6, -0.8], [0.0, 0.0], [0.6, 0.8]].into();
        found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-6, 1e-7));
    }
}
