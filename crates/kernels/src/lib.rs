#![doc = include_str!("../README.md")]

mod batch_norm;
#[cfg(feature = "flex")]
mod conv;
mod conv2d;
#[cfg(feature = "flex")]
mod extension;
#[cfg(feature = "flex")]
mod geometry;
#[cfg(feature = "flex")]
mod lines;
#[cfg(feature = "flex")]
mod norm;

pub use batch_norm::{BatchNormTrain, Then, batch_norm, batch_norm_train};
pub use conv2d::conv2d;

use burn::tensor::{DType, Tensor};

/// Whether our kernels are for this tensor: single precision on the Flex backend.
fn applies<const D: usize>(tensor: &Tensor<D>) -> bool {
    #[cfg(feature = "flex")]
    return tensor.dtype() == DType::F32 && tensor.device() == burn::tensor::Device::flex();
    #[cfg(not(feature = "flex"))]
    {
        let _ = (tensor, DType::F32);
        false
    }
}
