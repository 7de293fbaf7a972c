//! The projector of DINO.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::gelu;

use crate::finite::observe;
use crate::{BatchNorm, BatchNormConfig, Projector, Seed, linear};

/// Sizes of a [`DinoHead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DinoHeadConfig {
    /// Width of the features.
    pub d_input: usize,
    /// Width of the two hidden layers. Paper: 2048.
    pub d_hidden: usize,
    /// Width of the bottleneck. Paper: 256.
    pub d_bottleneck: usize,
    /// Width of the output. Paper: 65,536.
    pub d_output: usize,
    /// Whether the hidden layers are normalized over the batch, with scale and shift. Paper: not
    /// for transformers; convolutional encoders on small images need it.
    pub normalize_hidden: bool,
}

impl DinoHeadConfig {
    /// Creates the head.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> DinoHead {
        let seed = seed.into();
        let widths = [self.d_input, self.d_hidden, self.d_hidden, self.d_bottleneck];
        let layer = |(index, pair): (usize, &[usize])| {
            linear(pair[0], pair[1], true, seed.at("layers").at(index), device)
        };
        let norm = |_| BatchNormConfig::new(self.d_hidden).init(device);
        let direction = seed.at("last").at("direction");
        DinoHead {
            layers: widths.windows(2).enumerate().map(layer).collect(),
            norms: if self.normalize_hidden { (0..2).map(norm).collect() } else { Vec::new() },
            last: LastLayer {
                direction: direction.normal([self.d_output, self.d_bottleneck], 1.0, device),
            },
        }
    }
}

/// The projector of DINO: three linear layers with GELU between them, after a batch norm if
/// `normalize_hidden` is set, a bottleneck of unit length, and a last layer whose weight vectors have length 1, so that its outputs are cosines.
///
/// # Source
/// Caron et al., 2021, [arXiv:2104.14294](https://arxiv.org/abs/2104.14294), appendix C, and the
/// official code with `norm_last_layer`.
/// Deviation: linear layers are drawn as in PyTorch, not from a truncated normal distribution.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{DinoHeadConfig, Projector};
///
/// let device = Device::flex();
/// let config = DinoHeadConfig {
///     d_input: 8,
///     d_hidden: 16,
///     d_bottleneck: 4,
///     d_output: 32,
///     normalize_hidden: true,
/// };
/// let logits = config.init(0, &device).forward(Tensor::ones([2, 8], &device));
/// assert_eq!(logits.dims(), [2, 32]);
/// assert!(logits.abs().max().into_scalar::<f32>() <= 1.0 + 1e-6);
/// ```
#[derive(Module, Debug)]
pub struct DinoHead {
    layers: Vec<Linear>,
    /// One for each hidden layer, or none.
    norms: Vec<BatchNorm>,
    last: LastLayer,
}

/// A linear layer without bias whose weight vectors are normalized.
#[derive(Module, Debug)]
struct LastLayer {
    direction: Param<Tensor<2>>,
}

impl DinoHead {
    /// Returns the parameter of the last layer, `[d_output, d_bottleneck]`, of which only the
    /// directions of the rows count.
    #[must_use]
    pub fn last_layer(&self) -> &Param<Tensor<2>> {
        &self.last.direction
    }
}

impl Projector for DinoHead {
    fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        let bottleneck =
            self.layers.iter().enumerate().fold(features, |features, (index, layer)| {
                let output = observe(layer.weight.id, layer.forward(features));
                let output = match self.norms.get(index) {
                    Some(norm) => norm.forward(output),
                    None => output,
                };
                if index < last { gelu(output) } else { output }
            });
        let weight = unit_rows(self.last.direction.val());
        observe(self.last.direction.id, unit_rows(bottleneck).matmul(weight.transpose()))
    }
}

/// Divides each row by its length; a row of zeros stays zero.
fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let lengths = rows.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
    rows / lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directions_of_the_last_layer_count() {
        let device = Device::flex();
        let (d_input, d_hidden, d_bottleneck, d_output) = (3, 5, 2, 4);
        let normalize_hidden = false;
        let config = DinoHeadConfig { d_input, d_hidden, d_bottleneck, d_output, normalize_hidden };
        let head = config.init(0, &device);
        let rows = || Tensor::from_floats([[1.0, -2.0, 0.5]], &device);
        let before = head.forward(rows()).into_data();
        let mut longer = head.clone();
        longer.last.direction = longer.last.direction.map(|weight| weight * 7.0);
        let tolerance = burn::tensor::Tolerance::absolute(1e-6);
        longer.forward(rows()).into_data().assert_approx_eq::<f32>(&before, tolerance);
        assert_eq!(head.last_layer().val().dims(), [4, 2]);
    }

    #[test]
    fn a_row_of_zeros_has_finite_gradients() {
        let device = Device::flex().autodiff();
        let rows = Tensor::<2>::zeros([2, 3], &device).require_grad();
        let gradients = unit_rows(rows.clone()).sum().backward();
        let gradient = rows.grad(&gradients).unwrap();
        assert!(gradient.is_finite().all().into_scalar::<bool>());
    }
}
