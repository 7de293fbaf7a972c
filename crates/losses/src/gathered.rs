//! The rows of all workers of a data-parallel run.

use burn::tensor::Tensor;

/// The embeddings of all workers, where each of them computes the loss of its own rows.
///
/// The rows of this worker are among them, from row `first` on. They may be constants (the usual
/// gather, or embeddings kept from an earlier pass) or carry a graph; the gradient flows where there
/// is one.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// View a of all workers, `[all, dim]`, any length.
    pub view_a: Tensor<2>,
    /// View b of all workers, in the same order.
    pub view_b: Tensor<2>,
    /// Where this worker's rows begin.
    pub first: usize,
}
