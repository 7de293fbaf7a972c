//! Discontinuous changes of single values.

use burn::tensor::Tensor;

/// Inverts values of at least `threshold`.
pub(super) fn solarize(images: Tensor<4>, threshold: f32) -> Tensor<4> {
    let bright = images.clone().greater_equal_scalar(threshold);
    images.clone().mask_where(bright, -images + 1.0)
}

/// Rounds values down to a multiple of `2^−bits`.
pub(super) fn posterize(images: Tensor<4>, bits: u32) -> Tensor<4> {
    let levels = (1_u32 << bits.min(8)) as f32;
    (images * levels).floor().clamp(0.0, levels - 1.0) / levels
}
