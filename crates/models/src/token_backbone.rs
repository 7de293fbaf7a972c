//! The trait of encoders that cut a sample into tokens.

use burn::tensor::{Int, Tensor};

use crate::Backbone;

/// An encoder that cuts a sample into tokens, such as the patches of an image, and can leave some
/// of them out, as masked methods need it.
///
/// # Example
/// An encoder whose tokens are the four quarters of a gray image:
/// ```
/// use burn::module::Module;
/// use burn::nn::Linear;
/// use burn::tensor::{Device, Int, Tensor};
/// use selfsame_models::{Backbone, TokenBackbone, linear};
///
/// #[derive(Module, Debug)]
/// struct Quarters {
///     embed: Linear,
///     d_output: usize,
/// }
///
/// impl Backbone for Quarters {
///     type Input = Tensor<4>;
///
///     fn forward(&self, images: Tensor<4>) -> Tensor<2> {
///         self.tokens(images, None).mean_dim(1).squeeze_dim(1)
///     }
///
///     fn d_output(&self) -> usize {
///         self.d_output
///     }
/// }
///
/// impl TokenBackbone for Quarters {
///     fn token_count(&self) -> usize {
///         4
///     }
///
///     fn tokens(&self, images: Tensor<4>, kept: Option<Tensor<2, Int>>) -> Tensor<3> {
///         let [batch, _, height, width] = images.dims();
///         let (h, w) = (height / 2, width / 2);
///         let patches = images.reshape([batch, 2, h, 2, w]).swap_dims(2, 3).reshape([batch, 4, h * w]);
///         let patches = match kept {
///             None => patches,
///             Some(kept) => patches.gather(1, kept.unsqueeze_dim::<3>(2).repeat_dim(2, h * w)),
///         };
///         self.embed.forward(patches)
///     }
/// }
///
/// let device = Device::flex();
/// let quarters = Quarters { embed: linear(16, 5, true, 0, &device), d_output: 5 };
/// let images = Tensor::ones([2, 1, 8, 8], &device);
/// assert_eq!(quarters.tokens(images.clone(), None).dims(), [2, 4, 5]);
/// let kept = Tensor::from_ints([[0, 3], [1, 2]], &device);
/// assert_eq!(quarters.tokens(images, Some(kept)).dims(), [2, 2, 5]);
/// ```
pub trait TokenBackbone: Backbone {
    /// Returns the number of tokens of a whole sample.
    fn token_count(&self) -> usize;

    /// Maps samples to one row of features per token.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`
    /// - `kept`: `[batch, kept]`, the tokens of each sample to compute, below
    ///   [`token_count`](Self::token_count); `None` for all, in order
    /// - output: `[batch, kept, d_output]`
    fn tokens(&self, input: Self::Input, kept: Option<Tensor<2, Int>>) -> Tensor<3>;
}
