//! Weights drawn on the host, so that a seed gives the same network on every backend.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};

/// Draws every weight of `module` from `seed`, in the order of declaration.
///
/// | parameter | distribution |
/// |---|---|
/// | convolution `[out, in, h, w]` | normal, variance `2 / (out · h · w)` |
/// | matrix `[in, out]` | uniform in `±1 / √in` |
/// | vectors (bias, scale, shift), running statistics | unchanged |
///
/// The `n`-th parameter has its own random stream, so that a wider layer does not shift the draws
/// of the next one. The stream depends on the seed and `n`, not on the device.
///
/// # Source
/// The convolutions: He et al., 2015, [arXiv:1502.01852](https://arxiv.org/abs/1502.01852), with
/// fan-out. The matrices: PyTorch's default for linear layers.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{ResNetConfig, seed_weights, to_safetensors};
///
/// let network = || ResNetConfig::resnet10(4).init(&Device::flex());
/// let (a, b) = (seed_weights(network(), 1), seed_weights(network(), 1));
/// assert_eq!(to_safetensors(&a, "")?, to_safetensors(&b, "")?);
/// # Ok::<(), selfsame_models::WeightsError>(())
/// ```
#[must_use]
pub fn seed_weights<M: Module>(module: M, seed: u64) -> M {
    module.map(&mut Seeder { seed, drawn: 0 })
}

/// Creates a parameter of zeros, to be drawn by [`seed_weights`].
pub(crate) fn zeros_until_seeded<const D: usize>(
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}

struct Seeder {
    seed: u64,
    drawn: u64,
}

impl ModuleMapper for Seeder {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D < 2 {
            return param;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.drawn);
        self.drawn += 1;
        param.map(|weight| {
            let (shape, device) = (weight.shape(), weight.device());
            let dims = weight.dims();
            let count: usize = dims.iter().product();
            let values: Vec<f32> = if D == 4 {
                let spread = (2.0 / (dims[0] * dims[2] * dims[3]).max(1) as f64).sqrt();
                draw(Normal::new(0.0, spread), count, &mut rng)
            } else {
                let bound = 1.0 / (dims[0].max(1) as f64).sqrt();
                draw(Uniform::new(-bound, bound), count, &mut rng)
            };
            let drawn = Tensor::from_data(TensorData::new(values, shape), &device);
            drawn.set_require_grad(weight.is_require_grad())
        })
    }
}

fn draw<D, E>(distribution: Result<D, E>, count: usize, rng: &mut ChaCha8Rng) -> Vec<f32>
where
    D: Distribution<f64>,
{
    // Both distributions are built from finite positive bounds, so they always exist.
    let Ok(distribution) = distribution else { return vec![0.0; count] };
    #[allow(clippy::cast_possible_truncation, reason = "weights are single precision")]
    (0..count).map(|_| distribution.sample(rng) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backbone, ResNetConfig};

    #[test]
    fn drawn_weights_have_gradients() {
        let device = Device::flex().autodiff();
        let network = seed_weights(ResNetConfig::resnet10(2).init(&device), 1);
        let gradients = network.forward(Tensor::ones([2, 3, 8, 8], &device)).sum().backward();
        let gradients = burn::optim::GradientsParams::from_grads(gradients, &network);
        // Stem, two convolutions in each of four blocks, three shortcuts; each with scale and
        // shift.
        assert_eq!(gradients.len(), 3 * (1 + 8 + 3));
    }

    #[test]
    fn a_seed_is_a_network_and_another_seed_another() {
        let device = Device::flex();
        let bytes = |seed| {
            let network = seed_weights(ResNetConfig::resnet10(2).init(&device), seed);
            crate::to_safetensors(&network, "").unwrap()
        };
        assert!(bytes(1) == bytes(1) && bytes(1) != bytes(2));
    }
}
