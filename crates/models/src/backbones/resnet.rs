//! Residual networks, for small images and for large ones.

mod block;
mod conv_norm;

use burn::module::Module;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};
use selfsame_kernels::Epilogue;
use serde::{Deserialize, Serialize};

pub use self::block::ResNetBlock;
use self::block::{Block, BlockConfig};
use self::conv_norm::ConvNorm;
use crate::{Backbone, Conv2dConfig, Gem, GemConfig, Seed};

/// Sizes and options of a [`ResNet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetConfig {
    /// Blocks in each stage, at least one. The first block of every stage after the first halves
    /// the side.
    pub blocks: Vec<usize>,
    /// Channels of the stem, and the width of the first stage; each later stage doubles it. The
    /// paper's networks have 64.
    pub width: usize,
    /// Channels of an image. Default 3.
    pub channels: usize,
    /// The form of the blocks. Default: basic.
    pub block: ResNetBlock,
    /// The layers before the first stage. Default: those for small images.
    pub stem: ResNetStem,
    /// How a map becomes a row of features. Default: by its mean, as in the paper.
    pub pooling: Pooling,
    /// Whether the last norm of each block has a scale of 0 at the start, so that a block passes on
    /// its input. Default false, as in the paper and by default in torchvision. It comes from Goyal
    /// et al., 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677), section 5.1, for large
    /// batches.
    pub zero_init_last_norm: bool,
}

/// The layers of a [`ResNet`] before its first stage.
///
/// # Example
/// ```
/// use selfsame_models::{ResNetConfig, ResNetStem};
///
/// assert_eq!(ResNetConfig::resnet50(64).with_large_stem().stem, ResNetStem::Large);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResNetStem {
    /// For images of about 32 pixels: a 3×3 convolution of stride 1, as in SimCLR's CIFAR-10
    /// appendix.
    #[default]
    Small,
    /// For images of about 224 pixels, as in the paper: a 7×7 convolution of stride 2, then the
    /// maximum of 3×3 pixels with stride 2. It divides the side by 4.
    Large,
}

/// How a map becomes a row of features, one for each channel.
///
/// # Example
/// ```
/// use selfsame_models::{Pooling, ResNetConfig};
///
/// assert_eq!(ResNetConfig::resnet18(64).pooling, Pooling::Mean);
/// assert_eq!(ResNetConfig::resnet18(64).with_gem().pooling, Pooling::Gem);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of the pixels.
    #[default]
    Mean,
    /// Their generalized mean, [`Gem`].
    Gem,
}

impl Default for ResNetConfig {
    /// Returns the sizes of ResNet-18 of the paper's width, with the stem for small images.
    fn default() -> Self {
        Self {
            blocks: vec![2; 4],
            width: 64,
            channels: 3,
            block: ResNetBlock::Basic,
            stem: ResNetStem::Small,
            pooling: Pooling::Mean,
            zero_init_last_norm: false,
        }
    }
}

impl ResNetConfig {
    /// Returns the sizes of ResNet-10, one block per stage: half the work of ResNet-18.
    #[must_use]
    pub fn resnet10(width: usize) -> Self {
        Self { blocks: vec![1; 4], width, ..Self::default() }
    }

    /// Returns the sizes of ResNet-18, `[2, 2, 2, 2]` blocks, with `8 · width` features.
    #[must_use]
    pub fn resnet18(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Returns the sizes of ResNet-34, `[3, 4, 6, 3]` blocks, with `8 · width` features.
    #[must_use]
    pub fn resnet34(width: usize) -> Self {
        Self { blocks: vec![3, 4, 6, 3], width, ..Self::default() }
    }

    /// Returns the sizes of ResNet-50, `[3, 4, 6, 3]` bottlenecks, with `32 · width` features.
    #[must_use]
    pub fn resnet50(width: usize) -> Self {
        Self { block: ResNetBlock::Bottleneck { widen: 1 }, ..Self::resnet34(width) }
    }

    /// Returns the sizes of ResNet-101, `[3, 4, 23, 3]` bottlenecks, with `32 · width` features.
    #[must_use]
    pub fn resnet101(width: usize) -> Self {
        Self { blocks: vec![3, 4, 23, 3], ..Self::resnet50(width) }
    }

    /// Returns the sizes of Wide ResNet-50-2: ResNet-50 with twice the channels inside its
    /// bottlenecks, and as many features.
    #[must_use]
    pub fn wide_resnet50_2(width: usize) -> Self {
        Self { block: ResNetBlock::Bottleneck { widen: 2 }, ..Self::resnet50(width) }
    }

    /// Returns the same network with the stem for large images.
    #[must_use]
    pub fn with_large_stem(self) -> Self {
        Self { stem: ResNetStem::Large, ..self }
    }

    /// Returns the same network with generalized-mean pooling.
    #[must_use]
    pub fn with_gem(self) -> Self {
        Self { pooling: Pooling::Gem, ..self }
    }

    /// Returns the same network with blocks that start as the identity.
    #[must_use]
    pub fn with_zero_init_last_norm(self) -> Self {
        Self { zero_init_last_norm: true, ..self }
    }

    /// Returns the width of the features, which is that of the last stage.
    #[must_use]
    pub fn d_output(&self) -> usize {
        match self.blocks.len() {
            0 => self.width,
            stages => self.d_stage(stages - 1),
        }
    }

    /// Returns the width of a stage's features.
    fn d_stage(&self, stage: usize) -> usize {
        self.block.d_output(self.width << stage)
    }

    /// Creates the network.
    ///
    /// # Panics
    /// If a stage has no blocks.
    #[must_use]
    #[track_caller]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> ResNet {
        assert!(!self.blocks.contains(&0), "every stage needs a block, got {:?}", self.blocks);
        let seed = seed.into();
        let mut d_input = self.width;
        let mut blocks = Vec::new();
        for (stage, &count) in self.blocks.iter().enumerate() {
            for block in 0..count {
                let config = BlockConfig {
                    form: self.block,
                    d_input,
                    width: self.width << stage,
                    stride: if stage > 0 && block == 0 { 2 } else { 1 },
                    last_scale: if self.zero_init_last_norm { 0.0 } else { 1.0 },
                };
                blocks.push(config.init(seed.at("blocks").at(blocks.len()), device));
                d_input = self.d_stage(stage);
            }
        }
        let (kernel, stride) = match self.stem {
            ResNetStem::Small => (3, 1),
            ResNetStem::Large => (7, 2),
        };
        let stem = Conv2dConfig { channels: [self.channels, self.width], kernel, stride };
        ResNet {
            stem: ConvNorm::new(stem, 1.0, seed.at("stem"), device),
            blocks,
            gem: (self.pooling == Pooling::Gem).then(|| GemConfig::default().init(device)),
            config: self.clone(),
        }
    }
}

/// A residual network: a stem, then stages of blocks, then the mean (or the generalized mean) over
/// the last map.
///
/// Its stages are `stem`, and `layer1` to `layer4` as torchvision names them; the features of a
/// stage are its last map, pooled.
///
/// # Source
/// He et al., 2015, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385); the small stem as in
/// SimCLR's CIFAR-10 appendix, Chen et al., 2020,
/// [arXiv:2002.05709](https://arxiv.org/abs/2002.05709), B.9; the wide one as in Zagoruyko &
/// Komodakis, 2016, [arXiv:1605.07146](https://arxiv.org/abs/1605.07146).
/// Deviation: the stride of a bottleneck is on its 3×3 convolution, as in torchvision, and not on
/// the 1×1 before it.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, ResNetConfig};
///
/// let resnet = ResNetConfig::resnet18(8).init(0, &Device::flex());
/// let features = resnet.forward(Tensor::ones([2, 3, 32, 32], &Device::flex()));
/// assert_eq!(features.dims(), [2, 64]);
///
/// let large = ResNetConfig::resnet50(2).with_large_stem().init(0, &Device::flex());
/// let stages = large.forward_stages(Tensor::ones([1, 3, 64, 64], &Device::flex()));
/// assert_eq!(large.stages()[3], ("layer3".to_owned(), 32));
/// assert_eq!(stages[3].dims(), [1, 32]);
/// ```
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    blocks: Vec<Block>,
    gem: Option<Gem>,
    #[module(skip)]
    config: ResNetConfig,
}

impl ResNet {
    /// Returns the sizes and options that the network was created with.
    #[must_use]
    pub fn config(&self) -> &ResNetConfig {
        &self.config
    }

    /// Maps images to the map that the first stage takes.
    fn stem(&self, images: Tensor<4>) -> Tensor<4> {
        let maps = self.stem.forward_with(images, Epilogue::Relu);
        match self.config.stem {
            ResNetStem::Small => maps,
            ResNetStem::Large => {
                let options = MaxPoolOptions::new([3; 2]).with_stride([2; 2]).with_padding([1; 2]);
                max_pool2d(maps, options)
            }
        }
    }

    /// Returns torchvision's name of a layer `blocks.N.…`; torchvision counts the blocks of each stage.
    fn pytorch_name_in_block(&self, path: &str) -> Option<String> {
        let (block, layer) = path.strip_prefix("blocks.")?.split_once('.')?;
        let mut block: usize = block.parse().ok()?;
        let mut stage = 0;
        while block >= *self.config.blocks.get(stage)? {
            block -= self.config.blocks[stage];
            stage += 1;
        }
        let stage = stage + 1;
        let layer = match layer {
            "first.conv" => "conv1",
            "first.norm" => "bn1",
            "second.conv" => "conv2",
            "second.norm" => "bn2",
            "third.conv" => "conv3",
            "third.norm" => "bn3",
            "shortcut.conv" => "downsample.0",
            "shortcut.norm" => "downsample.1",
            _ => return None,
        };
        Some(format!("layer{stage}.{block}.{layer}"))
    }

    fn pool(&self, maps: Tensor<4>) -> Tensor<2> {
        if let Some(gem) = &self.gem {
            return gem.forward(maps);
        }
        let [.., height, width] = maps.dims();
        // The mean as it is defined, since the exporter to ONNX knows no `mean_dim`.
        maps.flatten::<3>(2, 3).sum_dim(2).squeeze_dim::<2>(2) / (height * width) as f64
    }
}

impl Backbone for ResNet {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let stem = self.stem(images);
        self.pool(self.blocks.iter().fold(stem, |maps, block| block.forward(maps)))
    }

    fn d_output(&self) -> usize {
        self.config.d_output()
    }

    fn stages(&self) -> Vec<(String, usize)> {
        let stages = 0..self.config.blocks.len();
        let stages =
            stages.map(|stage| (format!("layer{}", stage + 1), self.config.d_stage(stage)));
        std::iter::once(("stem".to_owned(), self.config.width)).chain(stages).collect()
    }

    fn forward_stages(&self, images: Tensor<4>) -> Vec<Tensor<2>> {
        let mut maps = self.stem(images);
        let mut features = vec![self.pool(maps.clone())];
        let mut blocks = self.blocks.iter();
        for &count in &self.config.blocks {
            maps = blocks.by_ref().take(count).fold(maps, |maps, block| block.forward(maps));
            features.push(self.pool(maps.clone()));
        }
        features
    }

    /// Returns the name that the layer has in torchvision and in timm.
    fn pytorch_name(&self, path: &str) -> String {
        match path {
            "stem.conv" => "conv1".to_owned(),
            "stem.norm" => "bn1".to_owned(),
            _ => self.pytorch_name_in_block(path).unwrap_or_else(|| path.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::optim::GradientsParams;
    use burn::tensor::TensorData;
    use serde_json::json;

    /// One of each form: basic blocks on small images, bottlenecks on large ones with every option.
    fn networks() -> [ResNetConfig; 2] {
        let basic = ResNetConfig { blocks: vec![1, 2], width: 2, ..ResNetConfig::default() };
        let block = ResNetBlock::Bottleneck { widen: 2 };
        let large = ResNetConfig { block, ..basic.clone() }.with_large_stem().with_gem();
        [basic, large]
    }

    fn images(dims: [usize; 4], device: &Device) -> Tensor<4> {
        Seed::new(3).normal(dims, 1.0, device).val()
    }

    #[test]
    fn networks_have_torchvisions_number_of_weights() {
        let large = ResNetConfig::with_large_stem;
        for (config, weights, statistics) in [
            // Of torchvision's networks without classifier: parameters, and running means and
            // variances.
            (large(ResNetConfig::resnet18(64)), 11_176_512, 9_600),
            (large(ResNetConfig::resnet34(64)), 21_284_672, 17_024),
            (large(ResNetConfig::resnet50(64)), 23_508_032, 53_120),
            (large(ResNetConfig::resnet101(64)), 42_500_160, 105_344),
            (large(ResNetConfig::wide_resnet50_2(64)), 66_834_240, 68_224),
            // With a kernel of 3 · 3 instead of 7 · 7 in the stem.
            (ResNetConfig::resnet18(64), 11_176_512 - 64 * 3 * 40, 9_600),
            (ResNetConfig::resnet18(64).with_gem(), 11_176_512 - 64 * 3 * 40 + 1, 9_600),
        ] {
            let network = config.init(0, &Device::flex());
            assert_eq!(network.num_params(), weights + statistics, "{config:?}");
        }
    }

    #[test]
    fn stages_have_their_names_widths_and_sides() {
        let device = Device::flex();
        let [basic, large] = networks().map(|config| config.init(0, &device));
        let names = |widths: [usize; 3]| {
            ["stem", "layer1", "layer2"].map(str::to_owned).into_iter().zip(widths)
        };
        assert!(basic.stages().into_iter().eq(names([2, 2, 4])));
        assert!(large.stages().into_iter().eq(names([2, 8, 16])));
        for network in [basic, large] {
            let images = images([2, 3, 15, 22], &device);
            let stages = network.forward_stages(images.clone());
            let widths: Vec<usize> = stages.iter().map(|features| features.dims()[1]).collect();
            assert!(widths.into_iter().eq(network.stages().into_iter().map(|stage| stage.1)));
            let (last, features) = (stages.last().unwrap(), network.forward(images));
            assert_eq!(features.dims(), [2, network.d_output()]);
            features.into_data().assert_eq(&last.to_data(), true);
        }
    }

    #[test]
    fn the_large_stem_divides_the_side_by_four() {
        let device = Device::flex();
        let network = ResNetConfig::resnet10(2).with_large_stem().init(0, &device);
        for (side, want) in [(224, 56), (33, 9), (8, 2), (1, 1)] {
            assert_eq!(network.stem(images([1, 3, side, 8], &device)).dims(), [1, 2, want, 2]);
        }
    }

    #[test]
    fn the_large_stem_keeps_the_largest_of_nine_pixels() {
        let device = Device::flex();
        let network = ResNetConfig::resnet10(2).with_large_stem().init(0, &device);
        let images = images([1, 3, 9, 12], &device);
        let maps = network.stem.forward_with(images.clone(), Epilogue::Relu);
        assert_eq!(maps.dims(), [1, 2, 5, 6]);
        let pooled = network.stem(images);
        assert_eq!(pooled.dims(), [1, 2, 3, 3]);
        // The middle one is of rows 1 to 3 and columns 1 to 3.
        let want = maps.slice([0..1, 0..2, 1..4, 1..4]).flatten::<3>(2, 3).max_dim(2);
        let found = pooled.slice([0..1, 0..2, 1..2, 1..2]).flatten::<3>(2, 3);
        found.into_data().assert_eq(&want.into_data(), true);
    }

    #[test]
    fn every_weight_has_a_gradient() {
        let device = Device::flex().autodiff();
        // Stem, two or three convolutions in each of three blocks, and shortcuts; each with scale
        // and shift. The exponent of GeM pooling.
        for (config, count) in networks().into_iter().zip([3 * (1 + 6 + 1), 3 * (1 + 9 + 2) + 1]) {
            let network = config.init(0, &device);
            let images = images([3, 3, 24, 21], &device).require_grad();
            let features = network.forward(images.clone());
            let gradients = (features.clone() * features).sum().backward();
            let of_images = images.grad(&gradients).unwrap();
            assert!(of_images.abs().sum().into_scalar::<f32>() > 0.0);
            assert_eq!(GradientsParams::from_grads(gradients, &network).len(), count);
        }
    }

    #[test]
    fn nan_in_an_image_is_seen_in_its_features_and_in_no_others() {
        let device = Device::flex();
        for config in networks() {
            let images = images([2, 3, 24, 24], &device);
            let images = images.slice_fill([1..2, 0..1, 12..13, 12..13], f32::NAN);
            let network = config.init(0, &device);
            let has_nan = network.forward(images).is_nan().any_dim(1).into_data();
            has_nan.assert_eq(&TensorData::from([[false], [true]]), false);
        }
    }

    #[test]
    fn blocks_that_start_as_the_identity_have_a_last_scale_of_zero() {
        let device = Device::flex();
        let config = ResNetConfig { blocks: vec![2], width: 2, ..ResNetConfig::default() };
        let images = images([2, 3, 6, 5], &device);
        for (config, is_identity) in
            [(config.clone().with_zero_init_last_norm(), true), (config, false)]
        {
            let stages = config.init(0, &device).forward_stages(images.clone());
            let [stem, layer] = [&stages[0], &stages[1]].map(Tensor::to_data);
            assert_eq!(stem == layer, is_identity);
        }
    }

    #[test]
    fn a_seed_gives_the_bytes_it_always_gave() {
        let device = Device::flex();
        let small =
            ResNetConfig { blocks: vec![1, 1], width: 4, channels: 1, ..Default::default() };
        for (config, seed, want) in [
            (ResNetConfig::resnet10(2), 0, 0xE035_8A68_16D3_1CE2_u64),
            (ResNetConfig::resnet18(4), 7, 0x6618_A345_F149_668D),
            (small, 7, 0x8F01_5B0B_BB05_91FF),
        ] {
            let bytes = crate::to_safetensors(&config.init(seed, &device), "").unwrap();
            let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3) // FNV-1a
            });
            assert_eq!(hash, want, "{config:?}");
        }
    }

    #[test]
    fn sizes_saved_before_there_were_options_are_read_and_others_too() {
        let read = |json: &str| serde_json::from_str::<ResNetConfig>(json);
        let old = read(r#"{"blocks": [1, 1], "width": 4, "channels": 1}"#).unwrap();
        let want = ResNetConfig { blocks: vec![1, 1], width: 4, channels: 1, ..Default::default() };
        assert_eq!(old, want);
        let every = ResNetConfig::wide_resnet50_2(8).with_large_stem().with_gem();
        let every = every.with_zero_init_last_norm();
        let json = json!({
            "blocks": [3, 4, 6, 3], "width": 8, "channels": 3, "block": {"bottleneck": {"widen": 2}},
            "stem": "large", "pooling": "gem", "zero_init_last_norm": true,
        });
        assert_eq!(serde_json::to_value(&every).unwrap(), json);
        assert_eq!(read(&json.to_string()).unwrap(), every);
        assert!(read(r#"{"wide": 4}"#).is_err());
    }

    #[test]
    #[should_panic(expected = "every stage needs a block, got [1, 0]")]
    fn a_stage_without_blocks_is_refused() {
        let config = ResNetConfig { blocks: vec![1, 0], ..ResNetConfig::resnet10(1) };
        let _ = config.init(0, &Device::flex());
    }
}
