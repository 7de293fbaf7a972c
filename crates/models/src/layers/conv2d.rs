//! Convolution without bias, as in residual networks.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::conv2d;

use crate::Seed;
use crate::finite::observe;

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
    /// Creates a convolution whose weights are normal with variance `2 / (d_output · kernel²)`.
    ///
    /// # Source
    /// He et al., 2015, [arXiv:1502.01852](https://arxiv.org/abs/1502.01852), with fan-out.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> Conv2d {
        let [d_input, d_output] = self.channels;
        let shape = [d_output, d_input, self.kernel, self.kernel];
        let std = (2.0 / (d_output * self.kernel.pow(2)).max(1) as f64).sqrt();
        Conv2d { weight: seed.into().at("weight").normal(shape, std, device), stride: self.stride }
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
/// let conv = Conv2dConfig { channels: [3, 8], kernel: 3, stride: 2 }.init(0, &device);
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
        let input = input.cast(weight.dtype());
        let output = conv2d(input, weight, [self.stride; 2], [padding; 2]).cast(precision);
        observe(self.weight.id, output)
    }
}
