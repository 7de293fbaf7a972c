//! What every encoder of images offers to a method.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

/// An encoder: images in, one feature row per image out.
///
/// Training behavior (batch statistics, dropout) follows burn's rule: it is on when the module is
/// on an autodiff device and has not been put aside with `valid()`.
pub trait Backbone: Module + ModuleDisplay + std::fmt::Debug {
    /// Maps images to features.
    ///
    /// # Shapes
    /// - `images`: `[batch, channel, height, width]`, normalized
    /// - output: `[batch, d_output]`
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;

    /// Width of a feature row.
    fn d_output(&self) -> usize;
}
