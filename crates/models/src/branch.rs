//! An encoder and the projector on it.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{Backbone, Mlp, Projector};

/// An encoder `f` and a projector `g` on it, which a momentum network copies together:
/// `embedding = g(f(view))`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Branch, MlpConfig, ResNetConfig};
///
/// let device = Device::flex();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let branch = Branch::new(encoder, MlpConfig::new([16, 8, 4]).init(0, &device));
/// assert_eq!(branch.forward(Tensor::ones([2, 3, 8, 8], &device)).dims(), [2, 4]);
/// ```
#[derive(Module, Debug)]
pub struct Branch<B: Module, P: Module = Mlp> {
    encoder: B,
    projector: P,
}

impl<B: Backbone, P: Projector> Branch<B, P> {
    /// Puts `projector` on `encoder`.
    #[must_use]
    pub fn new(encoder: B, projector: P) -> Self {
        Self { encoder, projector }
    }

    /// Maps a view to its embedding.
    ///
    /// # Shapes
    /// - `view`: `[batch, ...]`, the encoder's input
    /// - output: `[batch, dim]`
    #[must_use]
    pub fn forward(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }

    /// Returns the encoder.
    #[must_use]
    pub fn encoder(&self) -> &B {
        &self.encoder
    }

    /// Returns the projector.
    #[must_use]
    pub fn projector(&self) -> &P {
        &self.projector
    }
}
