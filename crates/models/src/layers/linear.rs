//! Linear layers.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use crate::Seed;

/// Creates a linear layer `[.., d_input] → [.., d_output]`.
///
/// Weights are uniform in `±1/√d_input`, as in PyTorch; the bias, if any, is 0.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::Device;
///
/// let layer = selfsame_models::linear(3, 2, true, 0, &Device::flex());
/// assert_eq!(layer.num_params(), 3 * 2 + 2);
/// ```
#[must_use]
pub fn linear(
    d_input: usize,
    d_output: usize,
    bias: bool,
    seed: impl Into<Seed>,
    device: &Device,
) -> Linear {
    let bound = (d_input.max(1) as f64).sqrt().recip();
    let zeros = || Param::from_tensor(Tensor::zeros([d_output], device));
    Linear {
        weight: seed.into().at("weight").uniform([d_input, d_output], bound, device),
        bias: bias.then(zeros),
    }
}

/// Creates a linear layer whose weights are normal with standard deviation 0.02 and whose bias is 0,
/// as in transformers.
///
/// # Source
/// timm's `trunc_normal_(std=.02)`. Deviation: it cuts off at ±2, 100 standard deviations, which no
/// draw reaches.
pub(crate) fn linear_normal(
    d_input: usize,
    d_output: usize,
    seed: Seed,
    device: &Device,
) -> Linear {
    Linear {
        weight: seed.at("weight").normal([d_input, d_output], 0.02, device),
        bias: Some(Param::from_tensor(Tensor::zeros([d_output], device))),
    }
}
