//! The trait of encoders that cut a sample into tokens.

use burn::tensor::{Bool, Int, Tensor};

use crate::Backbone;

/// Which tokens of each sample an encoder sees.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one for each forward pass")]
pub enum TokenMask {
    /// All.
    None,
    /// The tokens at these places, `[batch, kept]`, in this order.
    Keep(Tensor<2, Int>),
    /// All, but another embedding where `masked` is true. Their positions stay known.
    Replace {
        /// `[batch, tokens]`.
        masked: Tensor<2, Bool>,
        /// The embedding, `[1, 1, d_output]`.
        token: Tensor<3>,
    },
}

/// An encoder that cuts a sample into tokens, such as the patches of an image, and can leave some
/// of them out or replace them, as masked methods need it.
///
/// # Example
/// An encoder whose tokens are the four quarters of a gray image:
/// ```
/// use burn::module::Module;
/// use burn::nn::Linear;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, TokenBackbone, TokenMask, gather_tokens, linear};
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
///         self.pool(self.encode(images, TokenMask::None))
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
///     fn d_token(&self) -> usize {
///         16
///     }
///
///     fn grid(&self, _images: &Tensor<4>) -> [usize; 2] {
///         [2, 2]
///     }
///
///     fn cut(&self, images: Tensor<4>) -> Tensor<3> {
///         let [batch, _, height, width] = images.dims();
///         let (h, w) = (height / 2, width / 2);
///         images.reshape([batch, 2, h, 2, w]).swap_dims(2, 3).reshape([batch, 4, h * w])
///     }
///
///     fn encode(&self, images: Tensor<4>, mask: TokenMask) -> Tensor<3> {
///         let quarters = self.cut(images);
///         match mask {
///             TokenMask::None => self.embed.forward(quarters),
///             TokenMask::Keep(kept) => self.embed.forward(gather_tokens(quarters, kept)),
///             TokenMask::Replace { masked, token } => {
///                 let embedded = self.embed.forward(quarters);
///                 let dims = embedded.dims();
///                 embedded.mask_where(masked.unsqueeze_dim::<3>(2).expand(dims), token.expand(dims))
///             }
///         }
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
    /// Returns the number of tokens of a whole sample of the usual size.
    fn token_count(&self) -> usize;

    /// Returns the number of a sample's values in a token.
    fn d_token(&self) -> usize;

    /// Returns the rows and columns of the tokens of `input`; a signal has one row.
    fn grid(&self, input: &Self::Input) -> [usize; 2];

    /// Cuts samples into the values of their tokens, row by row.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`
    /// - output: `[batch, tokens, d_token]`
    fn cut(&self, input: Self::Input) -> Tensor<3>;

    /// Returns the number of tokens that are no part of the sample, such as a class token; they come
    /// first in [`encode`](Self::encode). Default: 0.
    fn prefix(&self) -> usize {
        0
    }

    /// Maps samples to one row of features for each of the [`prefix`](Self::prefix) tokens and each
    /// of the sample's tokens that `mask` keeps.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`
    /// - output: `[batch, prefix + kept, d_output]`
    fn encode(&self, input: Self::Input, mask: TokenMask) -> Tensor<3>;

    /// Returns the features of samples whose tokens are encoded, which are those of
    /// [`forward`](Backbone::forward) if no token is masked. Default: the mean of the sample's
    /// tokens.
    ///
    /// # Shapes
    /// - `encoded`: `[batch, prefix + kept, d_output]`
    /// - output: `[batch, d_output]`
    fn pool(&self, encoded: Tensor<3>) -> Tensor<2> {
        let kept = encoded.dims()[1] - self.prefix();
        encoded.narrow(1, self.prefix(), kept).mean_dim(1).squeeze_dim(1)
    }

    /// Maps samples to one row of features per token of the sample.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`
    /// - `kept`: `[batch, kept]`, the places of the tokens of each sample to compute, below the
    ///   number of its tokens; `None` for all, in order
    /// - output: `[batch, kept, d_output]`
    fn tokens(&self, input: Self::Input, kept: Option<Tensor<2, Int>>) -> Tensor<3> {
        let encoded = self.encode(input, kept.map_or(TokenMask::None, TokenMask::Keep));
        let count = encoded.dims()[1] - self.prefix();
        encoded.narrow(1, self.prefix(), count)
    }
}
