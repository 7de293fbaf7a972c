//! `ConvNeXt`: a convolutional network with the parts of a transformer.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Tensor};
use selfsame_kernels::gelu;
use serde::{Deserialize, Serialize};

use crate::finite::observe;
use crate::layers::linear_normal;
use crate::{Backbone, DepthwiseConv, DepthwiseConvConfig, PatchConv, PatchConvConfig, Seed};

/// Sizes of a [`ConvNext`]. Default: [`tiny`](Self::tiny).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvNextConfig {
    /// Blocks in each stage. Every stage after the first halves the side.
    pub depths: [usize; 4],
    /// Channels of each stage.
    pub dims: [usize; 4],
    /// Channels of an image.
    pub channels: usize,
    /// Side of the stem's patches. Paper: 4. With 2, or 1, images of 32 pixels enter the first stage
    /// as maps of 16 or 32, as images of 224 enter it as maps of 56.
    pub patch: usize,
}

impl Default for ConvNextConfig {
    fn default() -> Self {
        Self::tiny()
    }
}

impl ConvNextConfig {
    /// Returns the sizes of ConvNeXt-T, with 768 features.
    #[must_use]
    pub fn tiny() -> Self {
        Self { depths: [3, 3, 9, 3], dims: [96, 192, 384, 768], channels: 3, patch: 4 }
    }

    /// Returns the width of the features, which is that of the last stage.
    #[must_use]
    pub fn d_output(&self) -> usize {
        self.dims[3]
    }

    /// Creates the network.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> ConvNext {
        let seed = seed.into();
        let stem = PatchConvConfig { channels: [self.channels, self.dims[0]], patch: self.patch };
        let stage = |(index, (&dim, &depth)): (usize, (&usize, &usize))| {
            let seed = seed.at("stages").at(index);
            let downsample = |below: usize| {
                Downsample::new([self.dims[below], dim], seed.at("downsample"), device)
            };
            let block = |block: usize| Block::new(dim, seed.at("blocks").at(block), device);
            Stage {
                downsample: index.checked_sub(1).map(downsample),
                blocks: (0..depth).map(block).collect(),
            }
        };
        ConvNext {
            stem: Stem {
                conv: stem.init(seed.at("stem").at("conv"), device),
                norm: layer_norm(self.dims[0], device),
            },
            stages: self.dims.iter().zip(&self.depths).enumerate().map(stage).collect(),
            norm: layer_norm(self.d_output(), device),
            dims: self.dims,
        }
    }
}

/// A `ConvNeXt`: a stem of patches, four stages of blocks, the mean over the last map, and a layer
/// norm. A block is a 7×7 depthwise convolution, a layer norm of every pixel, and a perceptron of four
/// times the width, with a learned scale of each channel of the result, around which the input is
/// added.
///
/// Stages to read features from are `stem` and `stages.0` to `stages.3`, the mean over each map, and
/// `norm`. An image must have at least 8 patches a side; what a patch or a halving leaves over is not
/// used.
///
/// # Source
/// Liu et al., 2022, [arXiv:2201.03545](https://arxiv.org/abs/2201.03545), and the official code.
/// Deviation: no stochastic depth; weights are normal with standard deviation 0.02, which the code cuts
/// at ±2, a hundred deviations, where there is nothing to cut.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, ConvNextConfig};
///
/// let config = ConvNextConfig { depths: [1; 4], dims: [8, 8, 16, 16], channels: 3, patch: 2 };
/// let convnext = config.init(0, &Device::flex());
/// let features = convnext.forward(Tensor::ones([2, 3, 32, 32], &Device::flex()));
/// assert_eq!(features.dims(), [2, 16]);
/// assert_eq!(convnext.stages()[1], ("stages.0".to_owned(), 8));
/// ```
#[derive(Module, Debug)]
pub struct ConvNext {
    stem: Stem,
    stages: Vec<Stage>,
    norm: LayerNorm,
    dims: [usize; 4],
}

impl Backbone for ConvNext {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let stem = self.stem.forward(images);
        let maps = self.stages.iter().fold(stem, |maps, stage| stage.forward(maps));
        normalize(&self.norm, mean_pixel(maps))
    }

    fn d_output(&self) -> usize {
        self.dims[3]
    }

    fn stages(&self) -> Vec<(String, usize)> {
        let stage = |(index, &dim): (usize, &usize)| (format!("stages.{index}"), dim);
        let stages = self.dims.iter().enumerate().map(stage);
        let (stem, norm) = (("stem".to_owned(), self.dims[0]), ("norm".to_owned(), self.dims[3]));
        [stem].into_iter().chain(stages).chain([norm]).collect()
    }

    fn forward_stages(&self, images: Tensor<4>) -> Vec<Tensor<2>> {
        let mut maps = self.stem.forward(images);
        let mut features = vec![mean_pixel(maps.clone())];
        for stage in &self.stages {
            maps = stage.forward(maps);
            features.push(mean_pixel(maps.clone()));
        }
        features.push(normalize(&self.norm, mean_pixel(maps)));
        features
    }
}

/// Patches as pixels, each normalized.
#[derive(Module, Debug)]
struct Stem {
    conv: PatchConv,
    norm: LayerNorm,
}

impl Stem {
    fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        normalize_pixels(&self.norm, self.conv.forward(images))
    }
}

/// Blocks of one width and side.
#[derive(Module, Debug)]
struct Stage {
    /// All stages but the first have one.
    downsample: Option<Downsample>,
    blocks: Vec<Block>,
}

impl Stage {
    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        let maps = match &self.downsample {
            Some(downsample) => downsample.forward(maps),
            None => maps,
        };
        self.blocks.iter().fold(maps, |maps, block| block.forward(maps))
    }
}

/// Halves the side, between two stages.
#[derive(Module, Debug)]
struct Downsample {
    norm: LayerNorm,
    conv: PatchConv,
}

impl Downsample {
    fn new(channels: [usize; 2], seed: Seed, device: &Device) -> Self {
        Self {
            norm: layer_norm(channels[0], device),
            conv: PatchConvConfig { channels, patch: 2 }.init(seed.at("conv"), device),
        }
    }

    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        self.conv.forward(normalize_pixels(&self.norm, maps))
    }
}

#[derive(Module, Debug)]
struct Block {
    conv_dw: DepthwiseConv,
    norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    /// The scale of each channel. Paper: 1e-6 at the start, so that a block starts as the identity.
    gamma: Param<Tensor<1>>,
}

impl Block {
    fn new(dim: usize, seed: Seed, device: &Device) -> Self {
        Self {
            conv_dw: DepthwiseConvConfig { channels: dim, kernel: 7 }
                .init(seed.at("conv_dw"), device),
            norm: layer_norm(dim, device),
            fc1: linear_normal(dim, 4 * dim, seed.at("fc1"), device),
            fc2: linear_normal(4 * dim, dim, seed.at("fc2"), device),
            gamma: Param::from_tensor(Tensor::full([dim], 1e-6, device)),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let pixels = self.conv_dw.forward(input.clone()).permute([0, 2, 3, 1]);
        let pixels = normalize(&self.norm, pixels);
        let hidden = gelu(observe(self.fc1.weight.id, self.fc1.forward(pixels)));
        let output = observe(self.fc2.weight.id, self.fc2.forward(hidden));
        let output = observe(self.gamma.id, output * self.gamma.val().unsqueeze());
        input + output.permute([0, 3, 1, 2])
    }
}

fn layer_norm(dim: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(dim).with_epsilon(1e-6).init(device)
}

fn normalize<const D: usize>(norm: &LayerNorm, rows: Tensor<D>) -> Tensor<D> {
    observe(norm.gamma.id, norm.forward(rows))
}

/// Normalizes each pixel over its channels.
fn normalize_pixels(norm: &LayerNorm, maps: Tensor<4>) -> Tensor<4> {
    normalize(norm, maps.permute([0, 2, 3, 1])).permute([0, 3, 1, 2])
}

/// Returns the mean over the pixels of a map, `[batch, channels]`.
fn mean_pixel(maps: Tensor<4>) -> Tensor<2> {
    maps.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::optim::GradientsParams;
    use burn::tensor::Tolerance;

    fn small() -> ConvNextConfig {
        ConvNextConfig { depths: [1, 2, 1, 1], dims: [4, 6, 8, 10], channels: 3, patch: 2 }
    }

    fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
        Seed::new(9).at("images").normal(shape, 1.0, device).val().detach()
    }

    #[test]
    fn tiny_has_the_published_number_of_weights() {
        // torchvision's 28,589,128 without the 769,000 of its classifier.
        let convnext = ConvNextConfig::default().init(0, &Device::flex());
        assert_eq!(convnext.num_params(), 27_820_128);
        assert_eq!(convnext.d_output(), 768);
    }

    #[test]
    fn the_side_halves_at_every_stage_but_the_first() {
        let device = Device::flex();
        let convnext = small().init(0, &device);
        let mut maps = convnext.stem.forward(images([1, 3, 37, 32], &device));
        assert_eq!(maps.dims(), [1, 4, 18, 16], "the odd row is not used");
        for (stage, want) in convnext.stages.iter().zip([[18, 16], [9, 8], [4, 4], [2, 2]]) {
            maps = stage.forward(maps);
            assert_eq!(maps.dims()[2..], want);
        }
    }

    #[test]
    fn stages_are_those_of_one_pass_and_the_last_is_the_output() {
        let device = Device::flex();
        let convnext = small().init(3, &device);
        let images = images([2, 3, 16, 16], &device);
        let features = convnext.forward_stages(images.clone());
        let widths: Vec<usize> = features.iter().map(|rows| rows.dims()[1]).collect();
        let (names, want): (Vec<String>, Vec<usize>) = convnext.stages().into_iter().unzip();
        assert_eq!((widths, names.len()), (want, 6));
        assert_eq!(names.last().map(String::as_str), Some("norm"));
        let last = features.last().unwrap().clone().into_data();
        assert_eq!(last, convnext.forward(images).into_data());
    }

    #[test]
    fn a_block_starts_as_nearly_the_identity() {
        let device = Device::flex();
        let block = Block::new(6, Seed::new(0), &device);
        let maps = images([2, 6, 4, 4], &device);
        let moved = block.forward(maps.clone()) - maps;
        let most = moved.abs().max().into_scalar::<f32>();
        assert!(most < 1e-6, "{most}");
    }

    #[test]
    fn every_pixel_is_normalized_over_its_channels() {
        let device = Device::flex();
        let norm = layer_norm(8, &device);
        let pixels = normalize_pixels(&norm, images([2, 8, 3, 5], &device) * 4.0 + 2.0);
        assert_eq!(pixels.dims(), [2, 8, 3, 5]);
        let (variance, mean) = pixels.var_mean_bias(1);
        let tolerance = Tolerance::<f32>::absolute(1e-4);
        mean.into_data()
            .assert_approx_eq(&Tensor::<4>::zeros([2, 1, 3, 5], &device).into_data(), tolerance);
        variance
            .into_data()
            .assert_approx_eq(&Tensor::<4>::ones([2, 1, 3, 5], &device).into_data(), tolerance);
    }

    #[test]
    fn a_gradient_reaches_every_parameter() {
        let device = Device::flex().autodiff();
        let convnext = small().init(1, &device);
        let features = convnext.forward(images([2, 3, 16, 16], &device));
        // The plain sum of rows that a layer norm made equal in mean would have no gradient.
        let weights = Seed::new(2).normal([2, 10], 1.0, &device).val().detach();
        let gradients = (features * weights).sum().backward();
        let found = GradientsParams::from_grads(gradients, &convnext).len();
        // Stem 4, three of a downsampling 4, blocks 2 + 2 + 4 + 1 each, final norm 2.
        assert_eq!(found, 4 + 3 * 4 + 5 * 9 + 2);
    }

    #[test]
    fn one_image_alone_has_the_features_it_has_in_a_batch() {
        let device = Device::flex().autodiff();
        let convnext = small().init(1, &device);
        let batch = images([3, 3, 16, 16], &device);
        let alone = convnext.forward(batch.clone().narrow(0, 1, 1)).into_data();
        let together = convnext.forward(batch).narrow(0, 1, 1).into_data();
        alone.assert_approx_eq::<f32>(&together, Tolerance::rel_abs(1e-4, 1e-4));
    }

    #[test]
    fn what_is_not_finite_stays_visible_and_is_found() {
        let device = Device::flex();
        let convnext = small().init(1, &device);
        let mut data = images([2, 3, 16, 16], &device).into_data();
        data.as_mut_slice::<f32>().unwrap()[5] = f32::NAN;
        let bad = Tensor::<4>::from_data(data, &device);
        let is_nan: Vec<bool> = convnext.forward(bad.clone()).is_nan().into_data().iter().collect();
        assert_eq!(is_nan, [vec![true; 10], vec![false; 10]].concat(), "of the first image only");
        let found = crate::first_non_finite_layer(&convnext, || drop(convnext.forward(bad)));
        assert_eq!(found.map(|layer| layer.path).as_deref(), Some("stem.conv"));
    }

    #[test]
    fn half_precision_is_close_and_every_weight_has_its_gradient() {
        let device = Device::flex().autodiff();
        let convnext = small().init(1, &device);
        let single = convnext.forward(images([2, 3, 16, 16], &device));
        for precision in [burn::tensor::FloatDType::F16, burn::tensor::FloatDType::BF16] {
            let half = crate::cast_convolutions(&convnext, precision);
            let features = half.forward(images([2, 3, 16, 16], &device));
            let apart = (features.clone() - single.clone()).abs().max().into_scalar::<f32>();
            assert!(0.0 < apart && apart < 0.1, "{apart}");
            let gradients = features.square().sum().backward();
            assert_eq!(GradientsParams::from_grads(gradients, &convnext).len(), 63);
        }
    }

    #[test]
    fn settings_read_from_json_with_defaults_and_without_typos() {
        let config: ConvNextConfig = serde_json::from_str(r#"{"patch": 2}"#).unwrap();
        assert_eq!(config, ConvNextConfig { patch: 2, ..ConvNextConfig::tiny() });
        assert!(serde_json::from_str::<ConvNextConfig>(r#"{"patches": 2}"#).is_err());
    }

    #[test]
    fn a_seed_gives_the_same_network_again() {
        let bytes =
            |seed: u64| crate::to_safetensors(&small().init(seed, &Device::flex()), "").unwrap();
        assert!(bytes(1) == bytes(1) && bytes(1) != bytes(2));
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn an_image_of_fewer_than_eight_patches_a_side_is_refused() {
        let device = Device::flex();
        let _ = small().init(0, &device).forward(Tensor::ones([1, 3, 14, 16], &device));
    }
}
