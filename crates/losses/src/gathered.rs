//! The rows of all workers of a data-parallel run.

use burn::tensor::Tensor;

/// The embeddings of all workers, each of which computes the loss of its rows.
///
/// This worker's rows are among them, from row `first` on. The rows may be constants (the usual
/// gather, or embeddings kept from an earlier pass) or carry a graph; the gradient flows to rows
/// with a graph.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// View a of all workers, `[all, dim]`, any length.
    pub view_a: Tensor<2>,
    /// View b of all workers, in the same order.
    pub view_b: Tensor<2>,
    /// The index of this worker's first row.
    pub first: usize,
}
