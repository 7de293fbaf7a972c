//! Convolution without bias, as residual networks use it.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::conv2d;

use crate::seed::zeros_until_seeded;

/// Sizes of a [`Conv2d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Channels in and out.
    pub channels: [usize; 2],
    /// Side of the square kernel; the border is padded by half of it.
    pub kernel: usize,
    /// Step between output pixels, in input pixels.
    pub stride: usize,
}

impl Conv2dConfig {
    /// A convolution whose weights are zero until [`seed_weights`](crate::seed_weights) draws them.
    #[must_use]
    pub fn init(&self, device: &Device) -> Conv2d {
        let [d_input, d_output] = self.channels;
        Conv2d {
            weight: zeros_until_seeded([d_output, d_input, self.kernel, self.kernel], device),
            stride: self.stride,
        }
    }
}

/// A square convolution with zero padding of half its kernel, and no bias.
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    stride: usize,
}

impl Conv2d {
    /// Convolves, in the precision of the weights (see [`cast_convolutions`](crate::cast_convolutions)).
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
