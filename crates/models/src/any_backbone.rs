//! Encoders of images by name.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::one_of::one_of;
use crate::{Backbone, ResNet, ResNetConfig, Seed};

one_of! {
    /// An encoder of images of any of our families, which is chosen at run time.
    ///
    /// Its weights have the same names as those of the type inside, so files of either fit the other.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use selfsame_models::{Backbone, backbone};
    ///
    /// let device = Device::flex();
    /// let encoder = backbone("resnet18")?.for_images(32).with_width(4).init(0, &device);
    /// let features = encoder.forward(Tensor::ones([2, 3, 32, 32], &device));
    /// assert_eq!(features.dims(), [2, 32]);
    /// # Ok::<(), selfsame_models::UnknownBackbone>(())
    /// ```
    AnyBackbone {
        /// A residual network.
        ResNet(ResNet),
    }
}

impl AnyBackbone {
    /// Returns the name of the family, such as `ResNet`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Self::ResNet(_) => "ResNet",
        }
    }

    /// Returns whether it cuts an image into tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        match self {
            Self::ResNet(_) => false,
        }
    }
}

impl Backbone for AnyBackbone {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::ResNet(network) => network.forward(images),
        }
    }

    fn d_output(&self) -> usize {
        match self {
            Self::ResNet(network) => network.d_output(),
        }
    }

    fn stages(&self) -> Vec<(String, usize)> {
        match self {
            Self::ResNet(network) => network.stages(),
        }
    }

    fn forward_stages(&self, images: Tensor<4>) -> Vec<Tensor<2>> {
        match self {
            Self::ResNet(network) => network.forward_stages(images),
        }
    }
}

/// The error of a name that no encoder has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no encoder is called `{name}`; there are {}", NAMES.join(", "))]
pub struct UnknownBackbone {
    /// The name.
    pub name: String,
}

const NAMES: [&str; 2] = ["resnet10", "resnet18"];

/// The sizes of an encoder of any family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum BackboneConfig {
    /// Of a residual network.
    #[serde(rename = "resnet")]
    ResNet(ResNetConfig),
}

/// Returns the sizes of the encoder called `name`, as published for photographs.
///
/// # Errors
/// If no encoder has this name; the error lists the names.
pub fn backbone(name: &str) -> Result<BackboneConfig, UnknownBackbone> {
    Ok(BackboneConfig::ResNet(match name {
        "resnet10" => ResNetConfig::resnet10(64),
        "resnet18" => ResNetConfig::resnet18(64),
        _ => return Err(UnknownBackbone { name: name.to_owned() }),
    }))
}

impl BackboneConfig {
    /// Adapts stem, patches and positions to square images of `side` pixels.
    #[must_use]
    pub fn for_images(self, _side: usize) -> Self {
        self
    }

    /// Sets the width.
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        match self {
            Self::ResNet(config) => Self::ResNet(ResNetConfig { width, ..config }),
        }
    }

    /// Creates the encoder.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> AnyBackbone {
        match self {
            Self::ResNet(config) => AnyBackbone::ResNet(config.init(seed, device)),
        }
    }
}
