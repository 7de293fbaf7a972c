//! Convolution without bias, as in residual networks.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::conv2d;

use crate::seed::zeros_until_seeded;

/// Sizes of a [`Conv2d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Channels of the input and of the output.
    pub channels: [usize; 2],
    /// Side of the square kernel. The image is padded by half of it, rounded down.
    pub kernel: usize,
    /// Step between output pixels, in input pixels.
    pub stride: usize,
}

impl Conv2dConfig {
    /// Creates a convolution with weights of zero; [`seed_weights`](crate::seed_weights) draws
    /// them.
    #[must_use]
    pub fn init(&self, device: &Device) -> Conv2d {
        let [d_input, d_output] = self.channels;
        Conv2d {
            weight: zeros_until_seeded([d_output, d_input, self.kernel, self.kernel], device),
            stride: self.stride,
        }
    }
}

/// A convolution with a square kernel, zero padding of half its side, and no bias.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::Conv2dConfig;
///
/// let device = Device::flex();
/// let conv = Conv2dConfig { channels: [3, 8], kernel: 3, stride: 2 }.init(&device);
/// assert_eq!(conv.forward(Tensor::ones([1, 3, 9, 8], &device)).dims(), [1, 8, 5, 4]);
/// ```
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    stride: usize,
}

impl Conv2d {
    /// Convolves in the precision of the weights.
    ///
    /// The precision is single, unless [`cast_convolutions`](crate::cast_convolutions) changed it.
    ///
    /// # Shapes
    /// - `input`: `[batch, d_input, height, width]`
    /// - output: `[batch, d_output, ⌈height / stride⌉, ⌈width / stride⌉]` for odd kernels
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let padding = weight.dims()[2] / 2;
        let precision = input.dtype();
        conv2d(input.cast(weight.dtype()), weight, [self.stride; 2], [padding; 2]).cast(precision)
    }
}
