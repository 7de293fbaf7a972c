//! Statistics of features over the batch.

use burn::tensor::Tensor;

use crate::distance::root;

/// The largest entry that is taken as it is: its fourth power, summed, is still a number in single
/// precision.
const LARGEST: f64 = 1e8;

/// A view whose squared covariances are numbers: one with larger entries than 1e8 is scaled down to
/// them, and the factor is a constant to the gradient.
pub(crate) fn bounded(view: Tensor<2>) -> Tensor<2> {
    let largest = view.clone().inner().abs().max().clamp_min(LARGEST);
    view * (largest.recip() * LARGEST).reshape([1, 1])
}

/// A view less each feature's mean.
pub(crate) fn center_columns(view: Tensor<2>) -> Tensor<2> {
    view.clone() - view.mean_dim(0)
}

/// Mean over the features of `max(0, 1 − √(variance + epsilon))`, from the centered features' sums of
/// squares, `[1, dim]`; unbiased variance. Without an epsilon the slope of a constant feature is 0.
pub(crate) fn variance_hinge(squares: Tensor<2>, batch: usize, epsilon: f64) -> Tensor<1> {
    let deviation = root(squares * ((batch - 1) as f64).recip() + epsilon);
    (deviation * -1.0 + 1.0).clamp_min(0.0).mean()
}
