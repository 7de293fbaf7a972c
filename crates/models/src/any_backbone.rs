//! Encoders of images that are chosen at run time.

use burn::tensor::Tensor;

use crate::one_of::one_of;
use crate::{Airbench, Backbone, ConvNext, Draws, ResNet, TokenBackbone, TokenMask, Vit};

one_of! {
    /// An encoder of images of any of our families.
    ///
    /// [`BackboneConfig::init`](crate::BackboneConfig::init) creates it. Its weights have the same
    /// names as those of the network inside, so a file of one fits the other.
    ///
    /// It is a [`TokenBackbone`], as masked methods need it; those methods panic on a network that
    /// has no tokens, which [`has_tokens`](Self::has_tokens) tells.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use selfsame_models::{Backbone, backbone};
    ///
    /// let device = Device::flex();
    /// let encoder = backbone("resnet18")?.for_images(32).with_width(4).init(0, &device);
    /// let features = encoder.forward(Tensor::ones([2, 3, 32, 32], &device));
    /// assert_eq!((features.dims(), encoder.has_tokens()), ([2, 32], false));
    /// # Ok::<(), selfsame_models::UnknownBackbone>(())
    /// ```
    AnyBackbone {
        /// A residual network.
        ResNet(ResNet),
        /// A vision transformer.
        Vit(Vit),
        /// A ConvNeXt.
        ConvNext(ConvNext),
        /// A network of airbench's form.
        Airbench(Airbench),
    }
}

/// Does the same with the network inside, whatever it is.
macro_rules! inside {
    ($any:expr, $network:ident => $does:expr) => {
        match $any {
            AnyBackbone::ResNet($network) => $does,
            AnyBackbone::Vit($network) => $does,
            AnyBackbone::ConvNext($network) => $does,
            AnyBackbone::Airbench($network) => $does,
        }
    };
}

impl AnyBackbone {
    /// Returns the name of the family, such as `ResNet`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Self::ResNet(_) => "ResNet",
            Self::Vit(_) => "vision transformer",
            Self::ConvNext(_) => "ConvNeXt",
            Self::Airbench(_) => "network of airbench's form",
        }
    }

    /// Returns whether it cuts an image into tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        matches!(self, Self::Vit(_))
    }

    /// Returns whether its first layer stays a whitening, which needs images:
    /// [`whiten`](Self::whiten).
    #[must_use]
    pub fn whitens(&self) -> bool {
        matches!(self, Self::Airbench(network) if network.config().whitening)
    }

    /// Returns the encoder with a first layer that whitens the patches of `images`, as
    /// [`Airbench::whiten`] describes; other encoders stay as they are.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    ///
    /// # Panics
    /// As [`Airbench::whiten`].
    #[must_use]
    #[track_caller]
    pub fn whiten(self, images: Tensor<4>) -> Self {
        match self {
            Self::Airbench(network) => Self::Airbench(network.whiten(images)),
            other => other,
        }
    }

    #[track_caller]
    fn tokens(&self) -> &Vit {
        match self {
            Self::Vit(vit) => vit,
            other => panic!("a {} has no tokens", other.family()),
        }
    }
}

impl Backbone for AnyBackbone {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        inside!(self, network => network.forward(images))
    }

    fn d_output(&self) -> usize {
        inside!(self, network => network.d_output())
    }

    fn stages(&self) -> Vec<(String, usize)> {
        inside!(self, network => network.stages())
    }

    fn forward_stages(&self, images: Tensor<4>) -> Vec<Tensor<2>> {
        inside!(self, network => network.forward_stages(images))
    }

    fn pytorch_name(&self, path: &str) -> String {
        inside!(self, network => network.pytorch_name(path))
    }

    fn with_draws(&self, draws: &Draws) -> Self {
        match self {
            Self::ResNet(network) => Self::ResNet(network.with_draws(draws)),
            Self::Vit(network) => Self::Vit(network.with_draws(draws)),
            Self::ConvNext(network) => Self::ConvNext(network.with_draws(draws)),
            Self::Airbench(network) => Self::Airbench(network.with_draws(draws)),
        }
    }
}

impl TokenBackbone for AnyBackbone {
    fn token_count(&self) -> usize {
        self.tokens().token_count()
    }

    fn d_token(&self) -> usize {
        self.tokens().d_token()
    }

    fn grid(&self, images: &Tensor<4>) -> [usize; 2] {
        self.tokens().grid(images)
    }

    fn cut(&self, images: Tensor<4>) -> Tensor<3> {
        self.tokens().cut(images)
    }

    fn prefix(&self) -> usize {
        self.tokens().prefix()
    }

    fn encode(&self, images: Tensor<4>, mask: TokenMask) -> Tensor<3> {
        self.tokens().encode(images, mask)
    }

    fn pool(&self, encoded: Tensor<3>) -> Tensor<2> {
        self.tokens().pool(encoded)
    }
}
