//! Means, variances and mean squares that cannot overflow.

use burn::tensor::Tensor;

use crate::distance::root;

/// The largest unscaled entry: the sum of its fourth powers is finite in single precision.
const LARGEST: f64 = 1e8;

/// Scales views with entries above 1e8 down to 1e8, so that squared covariances stay finite. The
/// scale is not differentiated.
pub(crate) fn bounded(view: Tensor<2>) -> Tensor<2> {
    let largest = view.clone().inner().abs().max().clamp_min(LARGEST);
    view * (largest.recip() * LARGEST).reshape([1, 1])
}

/// Subtracts each feature's mean over the batch.
pub(crate) fn center_columns(view: Tensor<2>) -> Tensor<2> {
    view.clone() - view.mean_dim(0)
}

/// Averages `max(0, 1 − √(variance + epsilon))` over the features, from the centered features' sums
/// of squares, `[1, dim]`; the variance is unbiased. Without an epsilon the slope of a constant
/// feature is 0.
pub(crate) fn variance_hinge(squares: Tensor<2>, batch: usize, epsilon: f64) -> Tensor<1> {
    let deviation = root(squares * ((batch - 1) as f64).recip() + epsilon);
    (deviation * -1.0 + 1.0).clamp_min(0.0).mean()
}

/// Averages the squares of all elements; a mean beyond the type's range stays just inside.
pub(crate) fn mean_square<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let limit = x.dtype().finfo().map_or(1e38, |info| info.max) / 16.0;
    let largest = x.clone().inner().abs().max().clamp_min(1.0);
    let scaled = x / largest.clone().reshape([1_usize; D]);
    scaled.square().mean() * largest.clamp_max(limit.sqrt()).square()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn small_large_and_huge() {
        let mean = |x: [f32; 2]| {
            mean_square(Tensor::<1>::from_floats(x, &Device::flex())).into_scalar::<f32>()
        };
        assert!((mean([0.3, -0.4]) - 0.125).abs() < 1e-7);
        assert!((mean([3e9, -4e9]) / 1.25e19 - 1.0).abs() < 1e-6);
        assert!(mean([1e20, 1e30]).is_finite());
        assert!(mean([1.0, f32::NAN]).is_nan());
    }
}
