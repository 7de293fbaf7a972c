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
mod momentum;
#[cfg(feature = "flex")]
mod norm;
#[cfg(feature = "flex")]
mod winograd;
#[cfg(feature = "flex")]
mod winograd_gradient;

pub use batch_norm::{BatchNormTrain, Then, batch_norm, batch_norm_train};
pub use conv2d::conv2d;
pub use momentum::{MomentumStep, momentum_step};

/// Whether our kernels are for this tensor: single precision on the Flex backend.
#[cfg(feature = "flex")]
fn applies<const D: usize>(tensor: &burn::tensor::Tensor<D>) -> bool {
    use burn::tensor::{DType, Device};
    tensor.dtype() == DType::F32 && tensor.device() == Device::flex()
}
