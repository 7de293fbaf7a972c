//! Linear layers, with weights that are drawn later.

use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;

/// Creates a linear layer `[.., d_input] → [.., d_output]` of zeros.
///
/// [`seed_weights`](crate::seed_weights) draws its weight; the bias, if any, stays at zero.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::Device;
///
/// let layer = selfsame_models::linear(3, 2, true, &Device::flex());
/// assert_eq!(layer.num_params(), 3 * 2 + 2);
/// ```
#[must_use]
pub fn linear(d_input: usize, d_output: usize, bias: bool, device: &Device) -> Linear {
    LinearConfig::new(d_input, d_output)
        .with_bias(bias)
        .with_initializer(Initializer::Zeros)
        .init(device)
}
