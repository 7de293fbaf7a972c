//! Generalized-mean pooling, between the mean of a map and its maximum.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::finite::observe;

/// Settings of a [`Gem`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GemConfig {
    /// The exponent p at the start, not 0. Default 3, as in the authors' code; 1 gives the mean,
    /// and large values approach the maximum.
    pub exponent: f64,
    /// The least value of a pixel, greater than 0; smaller ones are raised to it. Default `1e-6`,
    /// as in the authors' code.
    pub epsilon: f64,
}

impl Default for GemConfig {
    /// Returns the defaults of the authors' code: `exponent` 3, `epsilon` 1e-6.
    fn default() -> Self {
        Self { exponent: 3.0, epsilon: 1e-6 }
    }
}

impl GemConfig {
    /// Creates a layer with one exponent for all channels.
    #[must_use]
    pub fn init(&self, device: &Device) -> Gem {
        let exponent = Tensor::full([1], self.exponent, device);
        Gem { exponent: Param::from_tensor(exponent), epsilon: self.epsilon }
    }
}

/// Pools each channel of a map by the generalized mean, whose exponent p is learned.
///
/// ```text
/// feature = (mean of max(x, ε)ᵖ over the pixels x of a channel)^(1/p)
/// ```
/// It is computed with logarithms, so that no power overflows or vanishes.
///
/// # Source
/// Radenović et al., 2017, [arXiv:1711.02512](https://arxiv.org/abs/1711.02512), eq. 3, with one p
/// for all channels as in their experiments; ε is from the authors' code. Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::GemConfig;
///
/// let maps = Tensor::<4>::from_floats([[[[1.0, 2.0]]]], &Device::flex());
/// let features = GemConfig::default().init(&Device::flex()).forward(maps);
/// let want = 4.5_f32.cbrt(); // (1³ + 2³) / 2 = 4.5
/// assert!((features.into_scalar::<f32>() - want).abs() < 1e-5);
/// ```
#[derive(Module, Debug)]
pub struct Gem {
    exponent: Param<Tensor<1>>,
    epsilon: f64,
}

impl Gem {
    /// Pools each channel.
    ///
    /// # Shapes
    /// - `maps`: `[batch, channel, height, width]`, at least one pixel
    /// - output: `[batch, channel]`, at least ε
    #[must_use]
    pub fn forward(&self, maps: Tensor<4>) -> Tensor<2> {
        let exponent = self.exponent.val().reshape([1, 1, 1]);
        let powers = maps.flatten::<3>(2, 3).clamp_min(self.epsilon).log() * exponent.clone();
        let largest = powers.clone().detach().max_dim(2);
        let mean = (powers - largest.clone()).exp().mean_dim(2).log() + largest;
        observe(self.exponent.id, (mean / exponent).exp().squeeze_dim(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{TensorData, Tolerance};

    const MAPS: [[[f32; 3]; 2]; 2] =
        [[[0.5, 2.0, 0.0], [1.0, 0.25, 3.0]], [[-1.0, 4.0, 0.125], [0.75, 1.5, 2.5]]];

    /// Two images of two channels of 1 × 3 pixels.
    fn maps(values: [[[f32; 3]; 2]; 2], device: &Device) -> Tensor<4> {
        Tensor::<3>::from_floats(values, device).unsqueeze_dim(2)
    }

    fn gem(exponent: f64, device: &Device) -> Gem {
        GemConfig { exponent, ..GemConfig::default() }.init(device)
    }

    /// The formula as it is written.
    fn pooled(pixels: [f32; 3], exponent: f64) -> f64 {
        let power = |x: f32| f64::from(x).max(1e-6).powf(exponent);
        (pixels.map(power).iter().sum::<f64>() / 3.0).powf(1.0 / exponent)
    }

    #[test]
    fn equals_the_formula_for_every_exponent() {
        let device = Device::flex();
        for exponent in [-2.0, 0.5, 1.0, 3.0, 7.5] {
            let want = MAPS.map(|image| image.map(|pixels| pooled(pixels, exponent)));
            let found = gem(exponent, &device).forward(maps(MAPS, &device)).into_data();
            let want = TensorData::from(want).convert::<f32>();
            found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-5, 1e-7));
        }
    }

    #[test]
    fn a_large_exponent_finds_the_maximum() {
        let device = Device::flex();
        let found = gem(2000.0, &device).forward(maps(MAPS, &device)).into_data();
        let want = TensorData::from([[2.0_f32, 3.0], [4.0, 2.5]]);
        found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-3, 0.0));
    }

    #[test]
    fn gradients_equal_finite_differences() {
        let device = Device::flex().autodiff();
        let (layer, input) = (gem(3.0, &device), maps(MAPS, &device).require_grad());
        let gradients = layer.forward(input.clone()).sum().backward();
        let total = |values: [[[f32; 3]; 2]; 2], exponent: f64| -> f64 {
            values.as_flattened().iter().map(|pixels| pooled(*pixels, exponent)).sum()
        };
        let slope = (total(MAPS, 3.001) - total(MAPS, 2.999)) / 0.002;
        let found = layer.exponent.val().grad(&gradients).unwrap().into_scalar::<f32>();
        assert!((f64::from(found) - slope).abs() < 1e-4, "{found} and {slope}");
        let found: Vec<f32> = input.grad(&gradients).unwrap().into_data().iter().collect();
        for (place, found) in found.into_iter().enumerate() {
            let moved = |step: f32| {
                let mut values = MAPS;
                values[place / 6][place / 3 % 2][place % 3] += step;
                total(values, 3.0)
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((f64::from(found) - slope).abs() < 1e-3, "{place}: {found} and {slope}");
        }
    }

    #[test]
    fn zero_and_huge_maps_have_finite_features_and_gradients() {
        let device = Device::flex().autodiff();
        for (value, want) in [(0.0, 1e-6), (1e-30, 1e-6), (1e30, 1e30)] {
            let layer = gem(3.0, &device);
            let input = Tensor::<4>::full([1, 2, 2, 2], value, &device).require_grad();
            let features = layer.forward(input.clone());
            let gradients = features.clone().sum().backward();
            let found = features.into_data();
            let want = TensorData::from([[want, want]]).convert::<f32>();
            found.assert_approx_eq::<f32>(&want, Tolerance::rel_abs(2e-5, 0.0));
            let of_input = input.grad(&gradients).unwrap();
            assert!(of_input.is_finite().all().into_scalar::<bool>(), "{value}");
            let of_exponent = layer.exponent.val().grad(&gradients).unwrap();
            assert!(of_exponent.is_finite().all().into_scalar::<bool>(), "{value}");
        }
    }

    #[test]
    fn nan_stays_in_its_channel() {
        let device = Device::flex();
        let mut values = MAPS;
        values[0][1][2] = f32::NAN;
        let found = gem(3.0, &device).forward(maps(values, &device)).is_nan().into_data();
        found.assert_eq(&TensorData::from([[false, true], [false, false]]), false);
    }
}
