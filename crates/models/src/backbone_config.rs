//! Encoders of images by name, and their sizes.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{
    AirbenchConfig, AnyBackbone, ConvNextConfig, ResNetConfig, ResNetStem, Seed, VitConfig,
};

/// The names that [`backbone`] knows, and what each is.
pub const BACKBONES: [(&str, &str); 12] = [
    ("resnet10", "one block per stage: half the work of ResNet-18"),
    ("resnet18", "the usual encoder for small images and for trials"),
    ("resnet34", "twice as deep as ResNet-18"),
    ("resnet50", "bottlenecks and 2,048 features; the encoder of most papers"),
    ("resnet101", "twice as deep as ResNet-50"),
    ("wide_resnet50_2", "ResNet-50 with twice the channels inside its bottlenecks"),
    ("vit_tiny", "a vision transformer of width 192"),
    ("vit_small", "a vision transformer of width 384; the encoder of DINO and MSN"),
    ("vit_base", "a vision transformer of width 768; the encoder of MAE and SimMIM"),
    ("convnext_tiny", "ConvNeXt-T: convolutions in the form of a transformer"),
    ("airbench", "a shallow network that learns CIFAR-10 fastest"),
    ("airbench_small", "the same, narrower: 0.38 times the work"),
];

/// The error of a name that no encoder has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no encoder is called `{name}`; there are {}", BACKBONES.map(|(name, _)| name).join(", "))]
pub struct UnknownBackbone {
    /// The name.
    pub name: String,
}

/// The sizes of an encoder of any family.
///
/// In JSON and TOML the sizes stand beside the name of the `family`; those left out have their
/// defaults.
///
/// # Example
/// ```
/// use selfsame_models::{BackboneConfig, ResNetConfig, backbone};
///
/// let text = r#"{"family": "resnet", "width": 16}"#;
/// let config: BackboneConfig = serde_json::from_str(text).unwrap();
/// assert_eq!(config, BackboneConfig::ResNet(ResNetConfig::resnet18(16)));
/// assert_eq!(config, backbone("resnet18")?.for_images(32).with_width(16));
/// # Ok::<(), selfsame_models::UnknownBackbone>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum BackboneConfig {
    /// Of a residual network.
    #[serde(rename = "resnet")]
    ResNet(ResNetConfig),
    /// Of a vision transformer.
    Vit(VitConfig),
    /// Of a ConvNeXt.
    #[serde(rename = "convnext")]
    ConvNext(ConvNextConfig),
    /// Of a network of airbench's form.
    Airbench(AirbenchConfig),
}

/// Returns the sizes of the encoder called `name`, as published: for photographs of 224 pixels, and
/// those of airbench for 32.
///
/// # Errors
/// If no encoder has this name; the error lists the names.
///
/// # Example
/// ```
/// use selfsame_models::{BACKBONES, backbone};
///
/// assert!(BACKBONES.iter().all(|(name, _)| backbone(name).is_ok()));
/// assert!(backbone("resnet").unwrap_err().to_string().contains("resnet50"));
/// ```
pub fn backbone(name: &str) -> Result<BackboneConfig, UnknownBackbone> {
    let resnet = |config: ResNetConfig| BackboneConfig::ResNet(config.with_large_stem());
    Ok(match name {
        "resnet10" => resnet(ResNetConfig::resnet10(64)),
        "resnet18" => resnet(ResNetConfig::resnet18(64)),
        "resnet34" => resnet(ResNetConfig::resnet34(64)),
        "resnet50" => resnet(ResNetConfig::resnet50(64)),
        "resnet101" => resnet(ResNetConfig::resnet101(64)),
        "wide_resnet50_2" => resnet(ResNetConfig::wide_resnet50_2(64)),
        "vit_tiny" => BackboneConfig::Vit(VitConfig::tiny(224, 16)),
        "vit_small" => BackboneConfig::Vit(VitConfig::small(224, 16)),
        "vit_base" => BackboneConfig::Vit(VitConfig::base(224, 16)),
        "convnext_tiny" => BackboneConfig::ConvNext(ConvNextConfig::tiny()),
        "airbench" => BackboneConfig::Airbench(AirbenchConfig::default()),
        "airbench_small" => BackboneConfig::Airbench(AirbenchConfig::small()),
        _ => return Err(UnknownBackbone { name: name.to_owned() }),
    })
}

/// Images up to this side are small: the first layers must not shrink them.
const SMALL: usize = 64;
/// Patches along the side of a small image. Ours.
const PATCHES: usize = 8;

impl BackboneConfig {
    /// Adapts the first layers to square images of `side` pixels: the stem of a residual network and
    /// of a ConvNeXt, and the patches and positions of a transformer, which are those of the paper
    /// from 160 pixels on, and otherwise cut the image into at least 8×8.
    ///
    /// # Example
    /// ```
    /// use selfsame_models::{BackboneConfig, VitConfig, backbone};
    ///
    /// let vit = backbone("vit_tiny")?;
    /// assert_eq!(vit.clone().for_images(32), BackboneConfig::Vit(VitConfig::tiny(32, 4)));
    /// assert_eq!(vit.clone().for_images(224), vit);
    /// # Ok::<(), selfsame_models::UnknownBackbone>(())
    /// ```
    #[must_use]
    pub fn for_images(self, side: usize) -> Self {
        match self {
            Self::ResNet(config) => {
                let stem = if side <= SMALL { ResNetStem::Small } else { ResNetStem::Large };
                Self::ResNet(ResNetConfig { stem, ..config })
            }
            Self::Vit(config) => {
                let most = if side < 160 { (side / PATCHES).max(1) } else { config.patch };
                let patch = (1..=most).rev().find(|patch| side.is_multiple_of(*patch)).unwrap_or(1);
                Self::Vit(VitConfig { image: side, patch, ..config })
            }
            Self::ConvNext(config) => {
                let patch = if side <= SMALL { 2 } else { config.patch };
                Self::ConvNext(ConvNextConfig { patch, ..config })
            }
            Self::Airbench(config) => Self::Airbench(config),
        }
    }

    /// Sets the channels of the first stage, or the width of a transformer's tokens; those of other
    /// stages follow. A transformer has a head for every 64 columns, and at least one.
    ///
    /// # Example
    /// ```
    /// use selfsame_models::{BackboneConfig, ConvNextConfig, backbone};
    ///
    /// let narrow = ConvNextConfig { dims: [24, 48, 96, 192], ..ConvNextConfig::tiny() };
    /// assert_eq!(backbone("convnext_tiny")?.with_width(24), BackboneConfig::ConvNext(narrow));
    /// # Ok::<(), selfsame_models::UnknownBackbone>(())
    /// ```
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        match self {
            Self::ResNet(config) => Self::ResNet(ResNetConfig { width, ..config }),
            Self::Vit(config) => {
                let most = (width / 64).max(1);
                let heads =
                    (1..=most).rev().find(|heads| width.is_multiple_of(*heads)).unwrap_or(1);
                Self::Vit(VitConfig { dim: width, heads, ..config })
            }
            Self::ConvNext(config) => {
                let dims = [1, 2, 4, 8].map(|times| times * width);
                Self::ConvNext(ConvNextConfig { dims, ..config })
            }
            Self::Airbench(config) => {
                let [first, second, third] = config.widths;
                let widths = [width, second * width / first.max(1), third * width / first.max(1)];
                Self::Airbench(AirbenchConfig { widths, ..config })
            }
        }
    }

    /// Sets the side of a patch, in pixels, of a transformer or of a ConvNeXt's stem; other networks
    /// have no patches and stay as they are.
    #[must_use]
    pub fn with_patch(self, patch: usize) -> Self {
        match self {
            Self::Vit(config) => Self::Vit(VitConfig { patch, ..config }),
            Self::ConvNext(config) => Self::ConvNext(ConvNextConfig { patch, ..config }),
            other => other,
        }
    }

    /// Returns the name that [`backbone`] knows the encoder by, whatever images it is adapted to;
    /// `None` if its sizes are other ones.
    ///
    /// # Example
    /// ```
    /// use selfsame_models::backbone;
    ///
    /// let resnet = backbone("resnet18")?.for_images(32);
    /// assert_eq!((resnet.name(), resnet.with_width(3).name()), (Some("resnet18"), None));
    /// # Ok::<(), selfsame_models::UnknownBackbone>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        let published = match self.clone() {
            transformer @ Self::Vit(_) => transformer.with_patch(16),
            // How it begins is no size.
            Self::ResNet(config) => {
                Self::ResNet(ResNetConfig { zero_init_last_norm: false, ..config })
            }
            other => other.with_patch(4),
        };
        let published = published.for_images(224);
        let is_it = |name: &&str| backbone(name).as_ref() == Ok(&published);
        BACKBONES.iter().map(|(name, _)| *name).find(is_it)
    }

    /// Returns the width of the features.
    #[must_use]
    pub fn d_output(&self) -> usize {
        match self {
            Self::ResNet(config) => config.d_output(),
            Self::Vit(config) => config.dim,
            Self::ConvNext(config) => config.d_output(),
            Self::Airbench(config) => config.d_output(),
        }
    }

    /// Creates the encoder.
    ///
    /// # Panics
    /// If the sizes do not fit each other, as the `init` of each family says.
    #[must_use]
    #[track_caller]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> AnyBackbone {
        match self {
            Self::ResNet(config) => AnyBackbone::ResNet(config.init(seed, device)),
            Self::Vit(config) => AnyBackbone::Vit(config.init(seed, device)),
            Self::ConvNext(config) => AnyBackbone::ConvNext(config.init(seed, device)),
            Self::Airbench(config) => AnyBackbone::Airbench(config.init(seed, device)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backbone;
    use burn::tensor::Tensor;

    #[test]
    fn every_encoder_computes_features_of_every_stage_of_small_images() {
        let device = Device::flex();
        for (name, _) in BACKBONES {
            let config = backbone(name).unwrap().for_images(16).with_width(4);
            let network = config.init(0, &device);
            let images = Tensor::ones([2, 3, 16, 16], &device);
            let features = network.forward(images.clone());
            assert_eq!(features.dims(), [2, config.d_output()], "{name}");
            assert_eq!(network.d_output(), config.d_output(), "{name}");
            let stages = network.forward_stages(images);
            let names = network.stages();
            assert_eq!(stages.len(), names.len(), "{name}");
            for (stage, (stage_name, width)) in stages.iter().zip(&names) {
                assert_eq!(stage.dims(), [2, *width], "{name}, {stage_name}");
            }
            let last = stages.last().unwrap().clone().into_data();
            assert_eq!(last, features.into_data(), "{name}");
        }
    }

    #[test]
    fn sizes_are_read_back_from_json_and_unknown_ones_refused() {
        for (name, _) in BACKBONES {
            let config = backbone(name).unwrap();
            assert_eq!(config.clone().for_images(32).name(), Some(name));
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<BackboneConfig>(&json).unwrap(), config, "{name}");
            let wrong = json.replacen('{', r#"{"wide": 3,"#, 1);
            assert!(serde_json::from_str::<BackboneConfig>(&wrong).is_err(), "{name}");
        }
    }

    #[test]
    fn patches_fit_any_side() {
        for side in [8, 16, 31, 32, 48, 96, 100, 160, 224, 225] {
            let BackboneConfig::Vit(vit) = backbone("vit_base").unwrap().for_images(side) else {
                panic!("a transformer")
            };
            assert!(side % vit.patch == 0 && vit.image == side, "{side}: {}", vit.patch);
        }
    }
}
