//! What every encoder of pictures offers to a method.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

/// An encoder: pictures in, one feature row per picture out.
///
/// Training behaviour (batch statistics, dropout) follows burn's rule: it is on when the module is
/// on an autodiff device and has not been put aside with `valid()`.
pub trait Backbone: Module + ModuleDisplay + std::fmt::Debug {
    /// Maps pictures to features.
    ///
    /// # Shapes
    /// - `pictures`: `[batch, channel, height, width]`, normalised
    /// - output: `[batch, d_output]`
    fn forward(&self, pictures: Tensor<4>) -> Tensor<2>;

    /// Width of a feature row.
    fn d_output(&self) -> usize;
}
