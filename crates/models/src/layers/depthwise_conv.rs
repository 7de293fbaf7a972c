//! Depthwise convolution: each channel by its own kernel.

use burn::module::{Module, Param};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use crate::Seed;
use crate::finite::observe;

/// Sizes of a [`DepthwiseConv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseConvConfig {
    /// Channels of the input and of the output.
    pub channels: usize,
    /// Side of the square kernels; odd.
    pub kernel: usize,
}

impl DepthwiseConvConfig {
    /// Creates a layer whose weights are normal with standard deviation 0.02, and whose bias is 0.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> DepthwiseConv {
        let shape = [self.channels, 1, self.kernel, self.kernel];
        DepthwiseConv {
            weight: seed.into().at("weight").normal(shape, 0.02, device),
            bias: Param::from_tensor(Tensor::zeros([self.channels], device)),
        }
    }
}

/// Convolves each channel with its own square kernel, with stride 1, zero padding of half a kernel,
/// and a bias.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::DepthwiseConvConfig;
///
/// let device = Device::flex();
/// let conv = DepthwiseConvConfig { channels: 8, kernel: 7 }.init(0, &device);
/// assert_eq!(conv.forward(Tensor::ones([1, 8, 5, 4], &device)).dims(), [1, 8, 5, 4]);
/// ```
#[derive(Module, Debug)]
pub struct DepthwiseConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl DepthwiseConv {
    /// Convolves in the precision of the weights.
    ///
    /// # Shapes
    /// - `input` and output: `[batch, channels, height, width]`
    ///
    /// # Panics
    /// If the second dimension of `input` is not `channels`.
    #[must_use]
    #[track_caller]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [channels, _, kernel, _] = weight.dims();
        let options = ConvOptions::new([1; 2], [kernel / 2; 2], [1; 2], channels);
        let precision = input.dtype();
        let bias = self.bias.val().cast(weight.dtype());
        let output = conv2d(input.cast(weight.dtype()), weight, Some(bias), options);
        observe(self.weight.id, output.cast(precision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::optim::GradientsParams;
    use burn::tensor::Tolerance;

    fn close<const D: usize>(found: Tensor<D>, want: Tensor<D>) {
        let tolerance = Tolerance::<f32>::rel_abs(1e-4, 1e-5);
        found.into_data().assert_approx_eq(&want.into_data(), tolerance);
    }

    #[test]
    fn channels_are_convolved_one_by_one_forward_and_backward() {
        let device = Device::flex().autodiff();
        let mut conv = DepthwiseConvConfig { channels: 3, kernel: 5 }.init(2, &device);
        conv.bias = Param::from_data([1.0, 2.0, 3.0], &device);
        let normal = |name: &str| Seed::new(1).at(name).normal([2, 3, 4, 6], 1.0, &device).val();
        let images = normal("images");
        let slope = normal("slope").detach(); // of the loss with respect to the output
        let output = conv.forward(images.clone());
        let raw = (output.clone() * slope.clone()).sum().backward();
        let x = images.grad(&raw).unwrap();
        let gradients = GradientsParams::from_grads(raw, &conv);
        for channel in 0..3 {
            let one = |maps: &Tensor<4>| maps.clone().narrow(1, channel, 1).detach();
            let weight = conv.weight.val().narrow(0, channel, 1).detach().require_grad();
            let input = one(&images).require_grad();
            let alone = selfsame_kernels::conv2d(input.clone(), weight.clone(), [1; 2], [2; 2]);
            close(one(&output), alone.clone() + (channel + 1) as f64);
            let raw = (alone * one(&slope)).sum().backward();
            close(x.clone().narrow(1, channel, 1), input.grad(&raw).unwrap());
            let found = gradients.get::<4>(conv.weight.id).unwrap().narrow(0, channel, 1);
            close(found, weight.grad(&raw).unwrap());
            let bias = gradients.get::<1>(conv.bias.id).unwrap().narrow(0, channel, 1);
            close(bias, one(&slope).inner().sum());
        }
    }
}
