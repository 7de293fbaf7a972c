#![doc = include_str!("../README.md")]

use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

/// Convolution.
#[must_use]
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    burn::tensor::module::conv2d(x, weight, None, ConvOptions::new(stride, padding, [1, 1], 1))
}
