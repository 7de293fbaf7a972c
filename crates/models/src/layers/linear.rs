//! Linear layers whose weights wait for their seed.

use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;

/// A linear layer `[.., d_input] → [.., d_output]`, zero until
/// [`seed_weights`](crate::seed_weights) draws its weight; the bias, if any, starts at zero.
#[must_use]
pub fn linear(d_input: usize, d_output: usize, bias: bool, device: &Device) -> Linear {
    LinearConfig::new(d_input, d_output)
        .with_bias(bias)
        .with_initializer(Initializer::Zeros)
        .init(device)
}
