//! Equalization of the histogram of each channel.

use burn::tensor::{DType, IndexingUpdateOp, Tensor};

use super::per_image::upload;

/// Changes the 256 levels of each channel of each image so that all are about equally frequent.
///
/// Counts are integers in single precision; adding half of one keeps quotients away from integers,
/// however they are rounded.
pub(super) fn equalize(images: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = images.dims();
    let (planes, pixels) = (batch * channels, height * width);
    let device = images.device();
    let levels = (images.reshape([planes, pixels]) * 255.999).clamp(0.0, 255.0).int();
    let zeros = Tensor::<2>::zeros([planes, 256], (&device, DType::F32));
    let ones = Tensor::ones([planes, pixels], (&device, DType::F32));
    let counts = zeros.scatter(1, levels.clone(), ones, IndexingUpdateOp::Add);
    let brightest = counts.clone().gather(1, levels.clone().max_dim(1));
    // Pixels per step between levels; there are 255 steps.
    let step = ((-brightest + (pixels as f32 + 0.5)) / 255.0).floor();
    let below = counts.clone().cumsum(1) - counts;
    let half = (step.clone() / 2.0).floor();
    let spread = ((below + half + 0.5) / step.clone().clamp_min(1.0)).floor().clamp_max(255.0);
    let same = upload((0..=u8::MAX).map(f32::from).collect(), [1, 256], &device);
    let few = step.lower_scalar(0.5).expand([planes, 256]);
    let table = spread.mask_where(few, same.expand([planes, 256])) / 255.0;
    table.gather(1, levels).reshape([batch, channels, height, width])
}
