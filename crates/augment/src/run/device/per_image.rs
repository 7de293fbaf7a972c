//! Upload of values from the host, and selection between images.

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};

/// Uploads values in single precision.
pub(super) fn upload<const D: usize>(
    values: Vec<f32>,
    dims: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, dims), (device, DType::F32))
}

/// Returns `changed` where an image is `acting`, and `images` elsewhere.
pub(super) fn select(images: Tensor<4>, changed: Tensor<4>, acting: &[bool]) -> Tensor<4> {
    if acting.iter().all(|acting| *acting) {
        return changed;
    }
    let mask = TensorData::new(acting.to_vec(), [acting.len(), 1, 1, 1]);
    let mask = Tensor::<4, Bool>::from_data(mask, &images.device());
    let dims = images.dims();
    images.mask_where(mask.expand(dims), changed)
}
