//! The trait of self-supervised methods.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{Backbone, Views};

/// The result of one forward pass of a method.
#[derive(Debug)]
pub struct Step {
    /// The loss to minimize, `[1]`.
    pub loss: Tensor<1>,
    /// The embeddings of one view, `[batch, dim]`, without a graph. Their spread tells whether the
    /// encoder has collapsed.
    pub embedding: Tensor<2>,
}

impl Step {
    /// Joins a loss and the embeddings it was computed from, which are detached from the graph.
    ///
    /// # Shapes
    /// - `loss`: `[1]`
    /// - `embedding`: `[batch, dim]`
    #[must_use]
    pub fn new(loss: Tensor<1>, embedding: Tensor<2>) -> Self {
        Self { loss, embedding: embedding.inner() }
    }
}

/// A method of learning from views: networks, and the loss that trains them.
///
/// [`SimClr`](crate::SimClr) shows how short a method is.
///
/// # Example
/// A custom method is a module with a `step`:
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, Method, ResNet, ResNetConfig, Step, Views, seed_weights};
///
/// /// Pulls the features of an image's two views together (and so collapses).
/// #[derive(Module, Debug)]
/// struct Attract {
///     encoder: ResNet,
/// }
///
/// impl Method for Attract {
///     type Encoder = ResNet;
///
///     fn step(&self, views: &Views) -> Step {
///         let [a, b] = views.pair().map(|view| self.encoder.forward(view));
///         Step::new((a.clone() - b).square().mean(), a)
///     }
///
///     fn encoder(&self) -> &ResNet {
///         &self.encoder
///     }
/// }
///
/// let device = Device::flex().autodiff();
/// let method = Attract { encoder: ResNetConfig::resnet10(1).init(&device) };
/// let method = seed_weights(method, 0);
/// let view = Tensor::ones([2, 3, 8, 8], &device);
/// let step = method.step(&Views::new(vec![view.clone(), view], Vec::new()));
/// assert_eq!(step.loss.into_scalar::<f32>(), 0.0);
/// ```
pub trait Method: Module + std::fmt::Debug {
    /// The encoder that is kept after training.
    type Encoder: Backbone;

    /// Runs one forward pass over a batch.
    fn step(&self, views: &Views) -> Step;

    /// Returns the encoder as it is now.
    fn encoder(&self) -> &Self::Encoder;
}
