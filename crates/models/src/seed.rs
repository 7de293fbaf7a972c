//! Seeds of weights: a stream of random values for every parameter, named by its path.

use std::fmt::Display;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};

/// The seed of a network, and the place of one of its modules or parameters.
///
/// Every parameter draws from its own ChaCha8 stream, keyed by the seed and by the path of the
/// parameter. A wider or additional layer does not shift the draws of another one. Values are drawn
/// on the host, so a seed gives the same network on every backend.
///
/// # Example
/// A custom layer passes its seed on to its parts by name, and draws its own parameters:
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Conv2d, Conv2dConfig, Seed};
///
/// #[derive(Module, Debug)]
/// struct Gated {
///     conv: Conv2d,
///     gate: Param<Tensor<1>>,
/// }
///
/// fn gated(seed: impl Into<Seed>, device: &Device) -> Gated {
///     let seed = seed.into();
///     Gated {
///         conv: Conv2dConfig { channels: [3, 8], kernel: 3, stride: 1 }.init(seed.at("conv"), device),
///         gate: seed.at("gate").normal([8], 0.1, device),
///     }
/// }
///
/// let [a, b] = [7, 7].map(|seed| gated(seed, &Device::flex()).gate.val().into_data());
/// assert_eq!(a, b);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    seed: u64,
    /// Hash of the path.
    stream: u64,
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self::new(seed)
    }
}

impl Seed {
    /// Returns the seed of a whole network.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, stream: 0xCBF2_9CE4_8422_2325 }
    }

    /// Returns the seed of the part called `name`: of a field, or of an element by its index. Each
    /// part needs another name, which need not be its path.
    #[must_use]
    pub fn at(self, name: impl Display) -> Self {
        // FNV-1a of the path; its value decides every weight, so it must never change.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        let stream = format!(".{name}").bytes().fold(self.stream, hash);
        Self { stream, ..self }
    }

    /// Returns a number that stands for this seed and place, for parts that take a plain `u64`.
    #[must_use]
    pub fn number(self) -> u64 {
        self.rng().random()
    }

    /// Draws a parameter uniformly from `±bound`.
    #[must_use]
    pub fn uniform<const D: usize>(
        self,
        shape: [usize; D],
        bound: f64,
        device: &Device,
    ) -> Param<Tensor<D>> {
        // Bounds are finite and in order, so the distribution exists.
        match Uniform::new_inclusive(-bound, bound) {
            Ok(uniform) => self.draw(shape, uniform, device),
            Err(_) => Param::from_tensor(Tensor::zeros(shape, device)),
        }
    }

    /// Draws a parameter from the normal distribution of mean 0 and standard deviation `std`.
    #[must_use]
    pub fn normal<const D: usize>(
        self,
        shape: [usize; D],
        std: f64,
        device: &Device,
    ) -> Param<Tensor<D>> {
        self.draw(shape, StandardNormal.map(move |z: f64| z * std), device)
    }

    fn draw<const D: usize>(
        self,
        shape: [usize; D],
        distribution: impl Distribution<f64>,
        device: &Device,
    ) -> Param<Tensor<D>> {
        let mut rng = self.rng();
        #[allow(clippy::cast_possible_truncation, reason = "weights are single precision")]
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|_| distribution.sample(&mut rng) as f32).collect();
        Param::from_data(TensorData::new(values, shape), device)
    }

    fn rng(self) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.stream);
        rng
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backbone, ResNetConfig};

    #[test]
    fn drawn_weights_have_gradients() {
        let device = Device::flex().autodiff();
        let network = ResNetConfig::resnet10(2).init(1, &device);
        let gradients = network.forward(Tensor::ones([2, 3, 8, 8], &device)).sum().backward();
        let gradients = burn::optim::GradientsParams::from_grads(gradients, &network);
        // Stem, two convolutions in each of four blocks, three shortcuts; each with scale and
        // shift.
        assert_eq!(gradients.len(), 3 * (1 + 8 + 3));
    }

    #[test]
    fn a_seed_is_a_network_and_another_seed_another() {
        let device = Device::flex();
        let bytes = |seed: u64| {
            crate::to_safetensors(&ResNetConfig::resnet10(2).init(seed, &device), "").unwrap()
        };
        assert!(bytes(1) == bytes(1) && bytes(1) != bytes(2));
    }

    #[test]
    fn no_two_parameters_share_their_draws() {
        let device = Device::flex();
        let draw = |seed: Seed| seed.normal([4], 1.0, &device).val().into_data();
        let seeds = [
            Seed::new(3),
            Seed::new(3).at("a"),
            Seed::new(3).at("b"),
            Seed::new(3).at("a").at("b"),
            Seed::new(3).at("ab"),
            Seed::new(3).at(0),
            Seed::new(4).at("a"),
        ];
        for (index, one) in seeds.iter().enumerate() {
            for other in &seeds[index + 1..] {
                assert_ne!(draw(*one), draw(*other), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_first_values_of_a_path_are_fixed() {
        let weight = Seed::new(7).at("encoder").at(0).at("weight");
        assert_eq!(weight.stream, 12_526_280_407_198_484_429);
        let values: Vec<f32> =
            weight.uniform([2], 1.0, &Device::flex()).val().into_data().iter().collect();
        assert_eq!(values, [-0.858_200_85, -0.293_897_78]);
    }

    #[test]
    fn draws_have_the_deviation_and_the_bound_asked_for() {
        let device = Device::flex();
        let normal = Seed::new(0).normal([10_000], 0.5, &device).val();
        let std = normal.clone().var(0).sqrt().into_scalar::<f32>();
        assert!((std - 0.5).abs() < 0.01, "{std}");
        let uniform = Seed::new(0).uniform([10_000], 0.25, &device).val();
        let most = uniform.abs().max().into_scalar::<f32>();
        assert!((0.249..=0.25).contains(&most), "{most}");
    }
}
