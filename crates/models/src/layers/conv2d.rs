//! Convolution without bias, as in residual networks.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, s};
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

    /// Creates a convolution that starts near the identity: its first outputs are its inputs, and
    /// the weights of the other outputs are uniform in `±1 / (√d_input · kernel)`.
    ///
    /// # Source
    /// Jordan, 2024, [arXiv:2404.00498](https://arxiv.org/abs/2404.00498), section 3.2.
    #[must_use]
    pub(crate) fn init_identity(&self, seed: impl Into<Seed>, device: &Device) -> Conv2d {
        let weight = identity_kernel(self.channels, self.kernel, seed.into().at("weight"), device);
        Conv2d { weight, stride: self.stride }
    }
}

/// Draws a kernel whose first outputs are its inputs, pixel by pixel, and whose other outputs are
/// uniform, as a convolution of PyTorch.
pub(crate) fn identity_kernel(
    [d_input, d_output]: [usize; 2],
    kernel: usize,
    seed: Seed,
    device: &Device,
) -> Param<Tensor<4>> {
    let size = d_input * kernel.pow(2);
    let bound = (size.max(1) as f64).sqrt().recip();
    let same = d_input.min(d_output);
    let center = (kernel / 2) * kernel + kernel / 2;
    let mut identity = vec![0.0_f32; same * size];
    for channel in 0..same {
        identity[channel * size + channel * kernel.pow(2) + center] = 1.0;
    }
    let identity = TensorData::new(identity, [same, d_input, kernel, kernel]);
    let drawn = seed.uniform([d_output, d_input, kernel, kernel], bound, device).val();
    let kernel = drawn.slice_assign(s![0..same], Tensor::from_data(identity, device));
    Param::from_tensor(kernel.detach())
}

/// Convolves in the precision of `weight`, and returns that of `input`.
#[track_caller]
pub(crate) fn convolve(
    input: Tensor<4>,
    weight: Tensor<4>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let precision = input.dtype();
    let input = input.cast(weight.dtype());
    conv2d(input, weight, [stride; 2], [padding; 2]).cast(precision)
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
        observe(self.weight.id, convolve(input, weight, self.stride, padding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Module;
    use burn::optim::GradientsParams;

    #[test]
    fn an_identity_start_passes_its_inputs_on_and_learns() {
        let device = Device::flex().autodiff();
        for channels in [[2, 5], [2, 2], [3, 2]] {
            let conv = Conv2dConfig { channels, kernel: 3, stride: 1 }.init_identity(1, &device);
            let values: Vec<f32> = (0..channels[0] * 16).map(|value| value as f32).collect();
            let data = TensorData::new(values, [1, channels[0], 4, 4]);
            let images = Tensor::<4>::from_data(data, &device);
            let output = conv.forward(images.clone());
            assert_eq!(output.dims(), [1, channels[1], 4, 4]);
            let same = channels[0].min(channels[1]);
            let passed = output.clone().narrow(1, 0, same).into_data();
            let tolerance = burn::tensor::Tolerance::<f32>::absolute(1e-4);
            passed.assert_approx_eq(&images.narrow(1, 0, same).into_data(), tolerance);
            let gradients = GradientsParams::from_grads(output.sum().backward(), &conv);
            assert_eq!(gradients.len(), 1, "the drawn kernel is a leaf");
            assert_eq!(conv.num_params(), channels[0] * channels[1] * 9);
        }
    }
}
