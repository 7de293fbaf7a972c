//! Multilayer perceptrons, the projectors and predictors between an encoder and a loss.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::{Epilogue, gelu};

use crate::finite::observe;
use crate::{BatchNorm, BatchNormConfig, Projector, Seed, linear};

/// Sizes of an [`Mlp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlpConfig {
    /// Widths of the input, of every hidden layer, and of the output; at least two. There is one
    /// linear layer less than widths: a projector of three layers has four.
    pub widths: Vec<usize>,
    /// Whether hidden layers are normalized over the batch, with scale and shift. Default true. If
    /// so, their linear layers have no bias, since the norm would subtract it.
    pub normalize_hidden: bool,
    /// The last layer. Default a linear layer with bias.
    pub output: MlpOutput,
    /// Whether the activation of hidden layers is GELU instead of ReLU. Default false.
    pub gelu: bool,
}

/// The last layer of an [`Mlp`]: a linear layer, and what follows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MlpOutput {
    /// A linear layer with bias.
    #[default]
    Linear,
    /// A linear layer without bias.
    WithoutBias,
    /// A linear layer without bias and a batch norm without scale and shift.
    Norm,
    /// A linear layer without bias and a batch norm with scale and shift.
    AffineNorm,
}

impl MlpConfig {
    /// Returns a network of these widths whose hidden layers are normalized.
    #[must_use]
    pub fn new(widths: impl Into<Vec<usize>>) -> Self {
        Self {
            widths: widths.into(),
            normalize_hidden: true,
            output: MlpOutput::default(),
            gelu: false,
        }
    }

    /// Returns a network of `layers` linear layers, whose hidden layers have the same width.
    ///
    /// # Panics
    /// If `layers` is 0.
    #[must_use]
    #[track_caller]
    pub fn of_layers(layers: usize, [d_input, d_hidden, d_output]: [usize; 3]) -> Self {
        assert!(layers > 0, "an MLP needs 1 layer or more, got 0");
        let mut widths = vec![d_hidden; layers + 1];
        (widths[0], widths[layers]) = (d_input, d_output);
        Self::new(widths)
    }

    /// Returns the same network with hidden layers that are not normalized, but have biases.
    #[must_use]
    pub fn without_hidden_norm(self) -> Self {
        Self { normalize_hidden: false, ..self }
    }

    /// Returns the same network with an output that is normalized, without scale and shift.
    #[must_use]
    pub fn with_output_norm(self) -> Self {
        self.with_output(MlpOutput::Norm)
    }

    /// Returns the same network with another last layer.
    #[must_use]
    pub fn with_output(self, output: MlpOutput) -> Self {
        Self { output, ..self }
    }

    /// Returns the same network with GELU after its hidden layers.
    #[must_use]
    pub fn with_gelu(self) -> Self {
        Self { gelu: true, ..self }
    }

    /// Creates the network.
    ///
    /// # Panics
    /// If fewer than two widths are given.
    #[must_use]
    #[track_caller]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> Mlp {
        let seed = seed.into();
        let [hidden @ .., d_last, d_output] = self.widths.as_slice() else {
            panic!("an MLP needs the widths of its input and output, got {:?}", self.widths)
        };
        let sizes: Vec<usize> = hidden.iter().chain([d_last]).copied().collect();
        let hidden = sizes.windows(2).enumerate().map(|(index, pair)| {
            let seed = seed.at("hidden").at(index).at("linear");
            Hidden {
                linear: linear(pair[0], pair[1], !self.normalize_hidden, seed, device),
                norm: self.normalize_hidden.then(|| BatchNormConfig::new(pair[1]).init(device)),
                gelu: self.gelu,
            }
        });
        let bias = self.output == MlpOutput::Linear;
        let norm = BatchNormConfig::new(*d_output);
        let norm = match self.output {
            MlpOutput::Linear | MlpOutput::WithoutBias => None,
            MlpOutput::Norm => Some(norm.without_affine()),
            MlpOutput::AffineNorm => Some(norm),
        };
        Mlp {
            hidden: hidden.collect(),
            output: linear(*d_last, *d_output, bias, seed.at("output"), device),
            norm: norm.map(|norm| norm.init(device)),
        }
    }
}

/// A multilayer perceptron: hidden layers of linear, batch norm (unless left out) and ReLU (or GELU),
/// then a linear layer, then a batch norm if [`MlpOutput`] has one.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::MlpConfig;
///
/// let device = Device::flex();
/// let projector = MlpConfig::new([8, 16, 4]).init(0, &device);
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
    norm: Option<BatchNorm>,
    gelu: bool,
}

impl Hidden {
    fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let output = observe(self.linear.weight.id, self.linear.forward(features));
        match (&self.norm, self.gelu) {
            (Some(norm), false) => norm.forward_with(output, Epilogue::Relu),
            (Some(norm), true) => norm.forward_with(output, Epilogue::Gelu),
            (None, false) => relu(output),
            (None, true) => gelu(output),
        }
    }
}

impl Mlp {
    /// Maps features to embeddings.
    ///
    /// # Shapes
    /// - `features`: `[batch, d_input]`
    /// - output: `[batch, d_output]`, not of unit length
    #[must_use]
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let hidden = self.hidden.iter().fold(features, |features, layer| layer.forward(features));
        let output = observe(self.output.weight.id, self.output.forward(hidden));
        match &self.norm {
            Some(norm) => norm.forward(output),
            None => output,
        }
    }
}

impl Projector for Mlp {
    fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.forward(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_documented_layers_and_sizes() {
        let device = Device::flex();
        let plain = MlpConfig::new([8, 16, 4]).init(0, &device);
        assert_eq!(plain.forward(Tensor::ones([2, 8], &device)).dims(), [2, 4]);
        // Hidden weights; scale, shift, running mean and variance; output weights and biases.
        assert_eq!(plain.num_params(), 8 * 16 + 4 * 16 + 16 * 4 + 4);
        let normed = MlpConfig::new([8, 4]).with_output_norm().init(0, &device);
        assert_eq!(normed.num_params(), 8 * 4 + 2 * 4, "no bias, and statistics without affine");
        let affine = MlpConfig::new([8, 4]).with_output(MlpOutput::AffineNorm).init(0, &device);
        assert_eq!(affine.num_params(), 8 * 4 + 4 * 4, "no bias, and statistics with affine");
        let unbiased = MlpConfig::new([8, 4]).with_output(MlpOutput::WithoutBias).init(0, &device);
        assert_eq!(unbiased.num_params(), 8 * 4);
        let bare = MlpConfig::new([8, 16, 4]).without_hidden_norm().init(0, &device);
        assert_eq!(bare.num_params(), 8 * 16 + 16 + 16 * 4 + 4);
        assert_eq!(bare.forward(Tensor::ones([2, 8], &device)).dims(), [2, 4]);
    }

    #[test]
    fn layers_count_the_last_one() {
        let widths = |layers: usize| MlpConfig::of_layers(layers, [8, 16, 4]).widths;
        assert_eq!([1, 2, 3].map(widths), [vec![8, 4], vec![8, 16, 4], vec![8, 16, 16, 4]]);
    }

    #[test]
    #[should_panic(expected = "got [8]")]
    fn one_width_is_no_network() {
        let _ = MlpConfig::new([8]).init(0, &Device::flex());
    }
}
