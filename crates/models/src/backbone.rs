//! The trait of encoders.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::Draws;

/// An encoder, which maps every sample to a row of features.
///
/// Training behavior (batch statistics, dropout) follows burn's rule: it is on when the module is
/// on an autodiff device and was not made by `valid()`. What is drawn at random is on only where a
/// method passes keys to [`with_draws`](Backbone::with_draws).
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::Backbone;
///
/// /// The mean of every channel of an image.
/// #[derive(Module, Debug)]
/// struct Means {
///     channels: usize,
/// }
///
/// impl Backbone for Means {
///     type Input = Tensor<4>;
///
///     fn forward(&self, images: Tensor<4>) -> Tensor<2> {
///         images.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
///     }
///
///     fn d_output(&self) -> usize {
///         self.channels
///     }
/// }
///
/// let features = Means { channels: 3 }.forward(Tensor::ones([2, 3, 4, 4], &Device::flex()));
/// assert_eq!(features.dims(), [2, 3]);
/// assert_eq!(Means { channels: 3 }.stages(), [("output".to_owned(), 3)]);
/// ```
pub trait Backbone: Module + ModuleDisplay + std::fmt::Debug {
    /// A batch of samples: `Tensor<4>` for images `[batch, channel, height, width]`, `Tensor<3>`
    /// for signals `[batch, channel, length]`, `Tensor<2, Int>` for text, or any other type.
    type Input: Clone;

    /// Maps samples to features.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`
    /// - output: `[batch, d_output]`
    fn forward(&self, input: Self::Input) -> Tensor<2>;

    /// Returns the width of a row of features.
    fn d_output(&self) -> usize;

    /// Returns the stages whose features can be read, in order of computation, with the width of
    /// their features. The features of the last one are those of [`forward`](Self::forward).
    /// Default: one stage, `output`.
    fn stages(&self) -> Vec<(String, usize)> {
        vec![("output".to_owned(), self.d_output())]
    }

    /// Maps samples to the features of every stage, in one pass.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`
    /// - output: `[batch, width]` for each of [`stages`](Self::stages)
    fn forward_stages(&self, input: Self::Input) -> Vec<Tensor<2>> {
        vec![self.forward(input)]
    }

    /// Returns the network that makes the random choices of training, such as the paths it drops, by
    /// the keys of `draws`. It has the same parameters; gradients arrive at either. A network that was
    /// given no draws makes no random choice. Default: no choices, the network itself.
    #[must_use]
    fn with_draws(&self, _draws: &Draws) -> Self {
        self.clone()
    }
}
