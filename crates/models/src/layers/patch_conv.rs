//! Convolution of patches: a linear map of each square of an image.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::Seed;
use crate::finite::observe;
use crate::layers::convolve;

/// Sizes of a [`PatchConv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchConvConfig {
    /// Channels of the input and of the output.
    pub channels: [usize; 2],
    /// Side of a patch.
    pub patch: usize,
}

impl PatchConvConfig {
    /// Creates a layer whose weights are normal with standard deviation 0.02, and whose bias is 0.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> PatchConv {
        let [d_input, d_output] = self.channels;
        let shape = [d_output, d_input, self.patch, self.patch];
        PatchConv {
            weight: seed.into().at("weight").normal(shape, 0.02, device),
            bias: Param::from_tensor(Tensor::zeros([d_output], device)),
        }
    }
}

/// Cuts an image into patches side by side, and maps each to a pixel, with a bias. What is left over
/// at the right and at the bottom is not used.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::PatchConvConfig;
///
/// let device = Device::flex();
/// let conv = PatchConvConfig { channels: [3, 8], patch: 4 }.init(0, &device);
/// assert_eq!(conv.forward(Tensor::ones([1, 3, 9, 8], &device)).dims(), [1, 8, 2, 2]);
/// ```
#[derive(Module, Debug)]
pub struct PatchConv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl PatchConv {
    /// Maps each patch, in the precision of the weights.
    ///
    /// # Shapes
    /// - `input`: `[batch, d_input, height, width]`
    /// - output: `[batch, d_output, ⌊height / patch⌋, ⌊width / patch⌋]`
    ///
    /// # Panics
    /// If the image is smaller than a patch, or its channels differ from those of the weights.
    #[must_use]
    #[track_caller]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [d_output, _, patch, _] = weight.dims();
        let output = convolve(input, weight, patch, 0);
        observe(self.weight.id, output + self.bias.val().reshape([1, d_output, 1, 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;

    #[test]
    fn a_pixel_is_the_weighted_sum_of_its_patch_and_the_bias() {
        let device = Device::flex();
        let mut conv = PatchConvConfig { channels: [2, 3], patch: 2 }.init(5, &device);
        conv.bias = Param::from_data([1.0, 2.0, 3.0], &device);
        let images = Seed::new(1).normal([2, 2, 5, 4], 1.0, &device).val();
        let output = conv.forward(images.clone());
        assert_eq!(output.dims(), [2, 3, 2, 2]);
        let patch = images.slice([1..2, 0..2, 2..4, 0..2]);
        let sums = (conv.weight.val() * patch).flatten::<2>(1, 3).sum_dim(1).squeeze_dim::<1>(1);
        let want = (sums + conv.bias.val()).into_data();
        let found = output.slice([1..2, 0..3, 1..2, 0..1]).flatten::<1>(0, 3).into_data();
        found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-5, 1e-6));
    }
}
