//! Multilayer perceptrons, the projectors and predictors between an encoder and a loss.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::Epilogue;

use crate::{BatchNorm, BatchNormConfig, linear};

/// Sizes of an [`Mlp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlpConfig {
    /// Widths of the input, of every hidden layer, and of the output; at least two.
    pub widths: Vec<usize>,
    /// Whether the output is normalized over the batch, without scale and shift.
    /// If so, the last linear layer has no bias, since the norm would subtract it.
    pub normalize_output: bool,
}

impl MlpConfig {
    /// Creates the network with weights of zero, which [`seed_weights`](crate::seed_weights) draws.
    ///
    /// # Panics
    /// If fewer than two widths are given.
    #[must_use]
    #[track_caller]
    pub fn init(&self, device: &Device) -> Mlp {
        let [hidden @ .., d_last, d_output] = self.widths.as_slice() else {
            panic!("an MLP needs the widths of its input and output, got {:?}", self.widths)
        };
        let sizes: Vec<usize> = hidden.iter().chain([d_last]).copied().collect();
        let hidden = sizes.windows(2).map(|pair| Hidden {
            linear: linear(pair[0], pair[1], false, device),
            norm: BatchNormConfig::new(pair[1]).init(device),
        });
        let norm = BatchNormConfig::new(*d_output).without_affine();
        Mlp {
            hidden: hidden.collect(),
            output: linear(*d_last, *d_output, !self.normalize_output, device),
            norm: self.normalize_output.then(|| norm.init(device)),
        }
    }
}

/// A multilayer perceptron: hidden layers of linear, batch norm and ReLU, then a linear layer, then
/// a batch norm if `normalize_output` is set.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{MlpConfig, seed_weights};
///
/// let device = Device::flex();
/// let projector = MlpConfig { widths: vec![8, 16, 4], normalize_output: false }.init(&device);
/// let projector = seed_weights(projector, 0);
/// assert_eq!(projector.forward(Tensor::ones([2, 8], &device)).dims(), [2, 4]);
/// ```
#[derive(Module, Debug)]
pub struct Mlp {
    hidden: Vec<Hidden>,
    output: Linear,
    norm: Option<BatchNorm>,
}

#[derive(Module, Debug)]
struct Hidden {
    linear: Linear,
    norm: BatchNorm,
}

impl Mlp {
    /// Maps features to embeddings.
    ///
    /// # Shapes
    /// - `features`: `[batch, d_input]`
    /// - output: `[batch, d_output]`, not of unit length
    #[must_use]
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let hidden = self.hidden.iter().fold(features, |features, layer| {
            layer.norm.forward_with(layer.linear.forward(features), Epilogue::Relu)
        });
        let output = self.output.forward(hidden);
        match &self.norm {
            Some(norm) => norm.forward(output),
            None => output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_documented_layers_and_sizes() {
        let device = Device::flex();
        let plain = MlpConfig { widths: vec![8, 16, 4], normalize_output: false }.init(&device);
        assert_eq!(plain.forward(Tensor::ones([2, 8], &device)).dims(), [2, 4]);
        // Hidden weights; scale, shift, running mean and variance; output weights and biases.
        assert_eq!(plain.num_params(), 8 * 16 + 4 * 16 + 16 * 4 + 4);
        let normed = MlpConfig { widths: vec![8, 4], normalize_output: true }.init(&device);
        assert_eq!(normed.num_params(), 8 * 4 + 2 * 4, "no bias, and statistics without affine");
    }

    #[test]
    #[should_panic(expected = "got [8]")]
    fn one_width_is_no_network() {
        let _ = MlpConfig { widths: vec![8], normalize_output: false }.init(&Device::flex());
    }
}
