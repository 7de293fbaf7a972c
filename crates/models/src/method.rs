//! What a self-supervised method offers to the training loop.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{Backbone, Views};

/// What one forward pass of a method gives.
#[derive(Debug)]
pub struct Step {
    /// The loss to minimize, `[1]`.
    pub loss: Tensor<1>,
    /// What the collapse figure watches: the embeddings of one view, `[batch, dim]`, without graph.
    pub embedding: Tensor<2>,
}

impl Step {
    /// A loss and the embeddings it was computed from; the latter leave the graph here.
    ///
    /// # Shapes
    /// - `loss`: `[1]`
    /// - `embedding`: `[batch, dim]`
    #[must_use]
    pub fn new(loss: Tensor<1>, embedding: Tensor<2>) -> Self {
        Self { loss, embedding: embedding.inner() }
    }
}

/// A way of learning from views: networks and the loss that joins them.
///
/// One file per paper; see [`SimClr`](crate::SimClr) for how short one is.
pub trait Method: Module + std::fmt::Debug {
    /// The encoder that is kept.
    type Encoder: Backbone;

    /// One forward pass over a batch.
    fn step(&self, views: &Views) -> Step;

    /// The encoder as it is now.
    fn encoder(&self) -> &Self::Encoder;
}
