//! The trait of networks between an encoder and a loss.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

/// A network between an encoder and a loss: [`Mlp`](crate::Mlp), [`DinoHead`](crate::DinoHead).
pub trait Projector: Module + ModuleDisplay + std::fmt::Debug {
    /// Maps features to embeddings.
    ///
    /// # Shapes
    /// - `features`: `[batch, d_input]`
    /// - output: `[batch, d_output]`
    fn forward(&self, features: Tensor<2>) -> Tensor<2>;
}
