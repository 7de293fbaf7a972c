//! A small, fast network for images of 32 pixels.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use faer::{Mat, Side};
use selfsame_kernels::{Epilogue, gelu, max_pool2d};
use serde::{Deserialize, Serialize};

use crate::finite::observe;
use crate::layers::{convolve, identity_kernel};
use crate::{Backbone, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Seed};

/// Sizes of an [`Airbench`]. Default: those of airbench94, with a learned first layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AirbenchConfig {
    /// Channels of each group. Source: 64, 256, 256.
    pub widths: [usize; 3],
    /// Channels of an image.
    pub channels: usize,
    /// Whether the kernel of the first layer is fixed, so that it stays the whitening that
    /// [`Airbench::whiten`] sets; otherwise it is learned. Default false, as whitening needs images;
    /// source: true.
    pub whitening: bool,
    /// How a group's map becomes a row of features. Default: by its maximum, as in the source.
    pub pooling: AirbenchPooling,
    /// Whether the features are those of the last two groups side by side. Default false, as in the
    /// source: those of the last alone.
    pub joined: bool,
}

/// How a map of an [`Airbench`] becomes a row of features, one for each channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AirbenchPooling {
    /// The maximum over the pixels.
    #[default]
    Max,
    /// The mean of the pixels. Of an image larger than the views of training, it averages over
    /// patches of their size.
    Mean,
}

impl Default for AirbenchConfig {
    fn default() -> Self {
        Self {
            widths: [64, 256, 256],
            channels: 3,
            whitening: false,
            pooling: AirbenchPooling::Max,
            joined: false,
        }
    }
}

impl AirbenchConfig {
    /// Returns the sizes of a narrower network with as many features, widths 32, 128 and 256, which
    /// does 0.38 times the work.
    #[must_use]
    pub fn small() -> Self {
        Self { widths: [32, 128, 256], ..Self::default() }
    }

    /// Returns the width of the features: that of the last group, or of the last two together.
    #[must_use]
    pub fn d_output(&self) -> usize {
        let [_, second, third] = self.widths;
        if self.joined { second + third } else { third }
    }

    /// Creates the network.
    #[must_use]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> Airbench {
        let seed = seed.into();
        let [a, b, c] = self.widths;
        let d_white = 2 * 4 * self.channels; // each component of a patch, and its negative
        let group = |(index, pair): (usize, &[usize])| {
            Group::new([pair[0], pair[1]], seed.at("groups").at(index), device)
        };
        let kernel =
            identity_kernel([self.channels, d_white], 2, seed.at("first").at("weight"), device);
        Airbench {
            first: First {
                weight: kernel.set_require_grad(!self.whitening),
                bias: Param::from_tensor(Tensor::zeros([d_white], device)),
            },
            groups: [d_white, a, b, c].windows(2).enumerate().map(group).collect(),
            config: self.clone(),
        }
    }
}

/// The network of airbench: a 2×2 convolution that whitens patches, three groups of a convolution,
/// max pooling, another convolution, each with batch norm and GELU, and the maximum over the last map,
/// or its mean.
///
/// Convolutions are 3×3, start near the identity, and are followed by a norm whose scale stays 1. A group
/// halves the side of a map, unless it is one pixel, so that images of any side from 2 on fit; 32 is
/// what it was made for. Stages to read features from are `group1` to `group3`, the maximum over each
/// map.
///
/// # Source
/// Jordan, 2024, [arXiv:2404.00498](https://arxiv.org/abs/2404.00498), and `airbench94.py` of
/// [cifar10-airbench](https://github.com/KellerJordan/cifar10-airbench).
/// Deviation: the norm's epsilon is 1e-5 and its momentum 0.1, for 1e-12 and 0.4, which was tuned for
/// ten epochs with labels; the first layer's bias learns in all epochs, not in three; the last pooling
/// covers the whole map, not its first 3×3 pixels, which is the same at 32 pixels.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use selfsame_models::{AirbenchConfig, Backbone};
///
/// let device = Device::flex().autodiff();
/// let config = AirbenchConfig { widths: [8, 16, 16], whitening: true, ..AirbenchConfig::default() };
/// let images = Tensor::random([4, 3, 32, 32], Distribution::Default, &device);
/// let airbench = config.init(0, &device).whiten(images.clone());
/// assert_eq!(airbench.forward(images).dims(), [4, 16]);
/// ```
#[derive(Module, Debug)]
pub struct Airbench {
    first: First,
    groups: Vec<Group>,
    #[module(skip)]
    config: AirbenchConfig,
}

impl Airbench {
    /// Returns the sizes and options that the network was created with.
    #[must_use]
    pub fn config(&self) -> &AirbenchConfig {
        &self.config
    }

    /// Returns the network with a first layer that whitens the 2×2 patches of `images`: its outputs
    /// are the patches' principal components, each with a mean square of nearly 1, and their negatives.
    ///
    /// Call it before the network becomes part of a method. A few thousand training images are
    /// enough, prepared as those to come. The layer stays so with
    /// [`whitening`](AirbenchConfig::whitening), and learns from there without.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    ///
    /// # Panics
    /// If there is no patch, a pixel is not finite, or the channels differ from the network's.
    ///
    /// # Source
    /// `init_whitening_conv` of the same code, which adds 5e-4 to every mean square.
    /// Deviation: the largest weight of every component is positive, so that the result does not
    /// depend on how eigenvectors are computed.
    #[must_use]
    #[track_caller]
    pub fn whiten(mut self, images: Tensor<4>) -> Self {
        self.first = self.first.whiten(images);
        self
    }

    /// Reduces a map to a row of features, `[batch, channels]`.
    fn pool(&self, maps: Tensor<4>) -> Tensor<2> {
        let [_, _, height, width] = maps.dims();
        match self.config.pooling {
            AirbenchPooling::Max => max_pool2d(maps, [height, width]).flatten(1, 3),
            AirbenchPooling::Mean => {
                maps.flatten::<3>(2, 3).sum_dim(2).squeeze_dim::<2>(2) / (height * width) as f64
            }
        }
    }
}

impl Backbone for Airbench {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        if self.config.joined {
            return Tensor::cat(self.forward_stages(images).split_off(1), 1);
        }
        let first = self.first.forward(images);
        self.pool(self.groups.iter().fold(first, |maps, group| group.forward(maps)))
    }

    fn d_output(&self) -> usize {
        self.config.d_output()
    }

    fn stages(&self) -> Vec<(String, usize)> {
        let stage = |(index, group): (usize, &Group)| (format!("group{}", index + 1), group.width);
        self.groups.iter().enumerate().map(stage).collect()
    }

    fn forward_stages(&self, images: Tensor<4>) -> Vec<Tensor<2>> {
        let stage = |maps: &mut Tensor<4>, group: &Group| {
            *maps = group.forward(maps.clone());
            Some(self.pool(maps.clone()))
        };
        self.groups.iter().scan(self.first.forward(images), stage).collect()
    }
}

/// The first layer: a 2×2 convolution without padding, with bias, and GELU.
#[derive(Module, Debug)]
struct First {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl First {
    fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.val();
        let [d_output] = bias.dims();
        let maps = convolve(images, self.weight.val(), 1, 0) + bias.reshape([1, d_output, 1, 1]);
        gelu(observe(self.weight.id, maps))
    }

    #[track_caller]
    fn whiten(self, images: Tensor<4>) -> Self {
        let [d_output, channels, ..] = self.weight.dims();
        let size = 4 * channels;
        assert_eq!(images.dims()[1], channels, "images and the first layer differ in channels");
        let moments = mean_products(images);
        let products = |row: usize, column: usize| moments[row * size + column];
        let components = components(&Mat::from_fn(size, size, products));
        let negatives = components.iter().map(|value| -value);
        let kernel: Vec<f32> = components.iter().copied().chain(negatives).collect();
        let data = TensorData::new(kernel, [d_output, channels, 2, 2]);
        let weight = Param::from_data(data, &self.weight.device());
        Self { weight: weight.set_require_grad(self.weight.is_require_grad()), ..self }
    }
}

/// Returns the mean of `p pᵀ` over all 2×2 patches `p`, each in the order of a kernel's weights.
#[track_caller]
fn mean_products(images: Tensor<4>) -> Vec<f64> {
    let [batch, channels, height, width] = images.dims();
    assert!(batch > 0 && height > 1 && width > 1, "no 2×2 patch in images of {:?}", images.dims());
    let images = images.inner();
    let corner =
        |[y, x]: [usize; 2]| images.clone().narrow(2, y, height - 1).narrow(3, x, width - 1);
    let corners = [[0, 0], [0, 1], [1, 0], [1, 1]].map(corner).to_vec();
    let count = (height - 1) * (width - 1);
    let patches = Tensor::stack::<5>(corners, 2).reshape([batch, 4 * channels, count]);
    // Image by image, so that a sum in single precision has few terms.
    let products = patches.clone().matmul(patches.transpose()) / count as f64;
    products.mean_dim(0).into_data().convert::<f64>().iter().collect()
}

/// Returns the eigenvectors, each divided by the root of its eigenvalue, largest first, row by row.
#[track_caller]
fn components(moments: &Mat<f64>) -> Vec<f32> {
    const EPSILON: f64 = 5e-4;
    let is_finite = moments.col_iter().all(|column| column.iter().all(|value| value.is_finite()));
    assert!(is_finite, "images to whiten must be finite");
    let Ok(eigen) = moments.self_adjoint_eigen(Side::Lower) else {
        panic!("the patches have no principal components")
    };
    let component = |index: usize| {
        let vector: Vec<f64> = eigen.U().col(index).iter().copied().collect();
        let largest = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let scale = largest.unwrap_or(1.0).signum() / (eigen.S()[index].max(0.0) + EPSILON).sqrt();
        vector.into_iter().map(move |value| scale * value)
    };
    #[allow(clippy::cast_possible_truncation, reason = "weights are single precision")]
    (0..moments.nrows()).rev().flat_map(component).map(|value| value as f32).collect()
}

/// A convolution, pooling and another convolution, all at one width.
#[derive(Module, Debug)]
struct Group {
    conv1: Conv2d,
    norm1: BatchNorm,
    conv2: Conv2d,
    norm2: BatchNorm,
    width: usize,
}

impl Group {
    fn new(channels: [usize; 2], seed: Seed, device: &Device) -> Self {
        let conv = |channels: [usize; 2], name: &str| {
            Conv2dConfig { channels, kernel: 3, stride: 1 }.init_identity(seed.at(name), device)
        };
        let norm = || BatchNormConfig::new(channels[1]).init(device).with_fixed_scale();
        Self {
            conv1: conv(channels, "conv1"),
            norm1: norm(),
            conv2: conv([channels[1]; 2], "conv2"),
            norm2: norm(),
            width: channels[1],
        }
    }

    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        let maps = self.conv1.forward(maps);
        let [_, _, height, width] = maps.dims();
        let maps = max_pool2d(maps, [height.min(2), width.min(2)]);
        let maps = self.norm1.forward_with(maps, Epilogue::Gelu);
        self.norm2.forward_with(self.conv2.forward(maps), Epilogue::Gelu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::optim::GradientsParams;
    use burn::tensor::Tolerance;

    fn tiny(whitening: bool) -> AirbenchConfig {
        AirbenchConfig { widths: [4, 6, 8], whitening, ..AirbenchConfig::default() }
    }

    /// Images whose pixels, channels and neighbors are correlated, with a mean.
    fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
        let noise = Seed::new(9).at("images").normal(shape, 1.0, device).val().detach();
        let rows = noise.clone().cumsum(2) * 0.3;
        noise + rows.mean_dim(1) * 2.0 + 0.5
    }

    #[test]
    fn has_the_number_of_weights_of_its_source() {
        let airbench = AirbenchConfig::default().init(0, &Device::flex());
        // 1,969,080 trained or whitening, without a classifier; and a fixed scale, a running mean and
        // a variance for each of the 1,152 normalized channels.
        assert_eq!(airbench.num_params(), 1_969_080 + 3 * 1_152);
        assert_eq!((airbench.d_output(), AirbenchConfig::small().d_output()), (256, 256));
    }

    #[test]
    fn maps_have_the_sides_of_the_source_and_any_side_fits() {
        let device = Device::flex();
        let airbench = tiny(false).init(0, &device);
        let mut maps = airbench.first.forward(images([1, 3, 32, 32], &device));
        assert_eq!(maps.dims(), [1, 24, 31, 31]);
        for (group, want) in airbench.groups.iter().zip([[4, 15], [6, 7], [8, 3]]) {
            maps = group.forward(maps);
            assert_eq!([maps.dims()[1], maps.dims()[2]], want);
        }
        for (height, width) in [(2, 2), (8, 8), (9, 24), (33, 16)] {
            let features = airbench.forward(images([2, 3, height, width], &device));
            assert_eq!(features.dims(), [2, 8], "{height} × {width}");
        }
    }

    #[test]
    fn whitened_patches_have_the_identity_as_their_mean_product() {
        let device = Device::flex();
        let images = images([64, 3, 12, 12], &device);
        let airbench = tiny(true).init(0, &device).whiten(images.clone());
        let maps = convolve(images.clone(), airbench.first.weight.val(), 1, 0);
        let rows = maps.permute([1, 0, 2, 3]).flatten::<2>(1, 3); // [24, patches]
        let patches = rows.dims()[1];
        let found = rows.clone().matmul(rows.transpose()) / patches as f64;
        let eye = Tensor::<2>::eye(12, &device);
        let signs = [vec![eye.clone(), -eye.clone()], vec![-eye.clone(), eye]];
        let want = Tensor::cat(signs.into_iter().map(|row| Tensor::cat(row, 1)).collect(), 0);
        // The 5e-4 that is added lowers a mean square of 0.1 to 0.995.
        found.into_data().assert_approx_eq::<f32>(&want.into_data(), Tolerance::absolute(6e-3));
        let before = mean_products(images);
        let off = (1..12).map(|column| before[column].abs()).fold(0.0, f64::max);
        assert!(off > 0.1, "the patches were correlated: {off}");
        assert!(before[0] > 0.0 && before.len() == 144);
    }

    #[test]
    fn components_come_largest_first_with_their_largest_weight_positive() {
        let moments = Mat::from_fn(2, 2, |row, column| [[1.0, 0.0], [0.0, 4.0]][row][column]);
        let found = components(&moments);
        let want = [0.0, 0.5, 1.0, 0.0];
        for (found, want) in found.iter().zip(want) {
            assert!((found - want).abs() < 1e-3, "{found} for {want}");
        }
    }

    #[test]
    fn constant_images_have_a_finite_whitening() {
        let device = Device::flex();
        let images = Tensor::zeros([1, 3, 2, 2], &device);
        let airbench = tiny(true).init(0, &device).whiten(images.clone());
        assert!(airbench.forward(images).is_finite().all().into_scalar::<bool>());
    }

    #[test]
    #[should_panic(expected = "must be finite")]
    fn images_that_are_not_finite_cannot_whiten() {
        let device = Device::flex();
        let images = Tensor::full([1, 3, 4, 4], f32::NAN, &device);
        let _ = tiny(true).init(0, &device).whiten(images);
    }

    fn trained(airbench: &Airbench, device: &Device) -> (bool, usize) {
        let features = airbench.forward(images([4, 3, 16, 16], device));
        let weights = Seed::new(2).normal([4, 8], 1.0, device).val().detach();
        let gradients = (features * weights).sum().backward();
        let gradients = GradientsParams::from_grads(gradients, airbench);
        (gradients.get::<4>(airbench.first.weight.id).is_some(), gradients.len())
    }

    #[test]
    fn a_gradient_reaches_every_parameter_but_a_fixed_whitening() {
        let device = Device::flex().autodiff();
        // Bias of the first layer; two kernels and two shifts in each of three groups.
        let others = 1 + 3 * 4;
        let images = images([4, 3, 8, 8], &device);
        for (whitening, want) in [(false, (true, others + 1)), (true, (false, others))] {
            let airbench = tiny(whitening).init(1, &device);
            assert_eq!(trained(&airbench, &device), want);
            let airbench = airbench.whiten(images.clone());
            assert_eq!(trained(&airbench, &device), want, "whitened");
            assert_eq!(
                trained(&airbench.valid().train(), &device),
                want,
                "a copy for training of one for evaluation"
            );
        }
    }

    #[test]
    fn a_momentum_copy_has_the_whitening() {
        let device = Device::flex().autodiff();
        let airbench = tiny(true).init(1, &device).whiten(images([4, 3, 8, 8], &device));
        let mut target = crate::Momentum::of(&airbench);
        target.follow(&airbench, 0.5);
        let weight = |network: &Airbench| network.first.weight.val().into_data();
        assert_eq!(weight(target.network()), weight(&airbench));
    }

    #[test]
    fn stages_are_those_of_one_pass_and_the_last_is_the_output() {
        let device = Device::flex();
        let airbench = tiny(false).init(3, &device);
        let images = images([2, 3, 16, 16], &device);
        let features = airbench.forward_stages(images.clone());
        let widths: Vec<usize> = features.iter().map(|rows| rows.dims()[1]).collect();
        let (names, want): (Vec<String>, Vec<usize>) = airbench.stages().into_iter().unzip();
        assert_eq!((widths, names.join(" ")), (want, "group1 group2 group3".to_owned()));
        assert_eq!(features[2].clone().into_data(), airbench.forward(images).into_data());
    }

    #[test]
    fn joined_features_are_those_of_the_last_two_groups() {
        let device = Device::flex();
        let images = images([2, 3, 16, 16], &device);
        let config = AirbenchConfig { joined: true, ..tiny(false) };
        let (alone, joined) = (tiny(false).init(3, &device), config.init(3, &device));
        let stages = alone.forward_stages(images.clone()).split_off(1);
        let want = Tensor::cat(stages, 1).into_data();
        assert_eq!((config.d_output(), joined.d_output()), (6 + 8, 6 + 8));
        assert_eq!(joined.forward(images).into_data(), want);
    }

    #[test]
    fn features_can_be_the_mean_over_the_last_map() {
        let device = Device::flex();
        let config = AirbenchConfig { pooling: AirbenchPooling::Mean, ..tiny(false) };
        let airbench = config.init(3, &device);
        let images = images([2, 3, 32, 32], &device);
        let first = airbench.first.forward(images.clone());
        let maps = airbench.groups.iter().fold(first, |maps, group| group.forward(maps));
        assert_eq!(maps.dims(), [2, 8, 3, 3]);
        let mean = maps.reshape([2, 8, 9]).mean_dim(2).reshape([2, 8]).into_data();
        airbench
            .forward(images)
            .into_data()
            .assert_approx_eq(&mean, Tolerance::<f32>::absolute(1e-5));
    }

    #[test]
    fn what_is_not_finite_stays_visible_and_is_found() {
        let device = Device::flex();
        let airbench = tiny(false).init(1, &device);
        let mut data = images([2, 3, 32, 32], &device).into_data();
        data.as_mut_slice::<f32>().unwrap()[400] = f32::NAN;
        let bad = Tensor::<4>::from_data(data, &device);
        let is_nan: Vec<bool> = airbench.forward(bad.clone()).is_nan().into_data().iter().collect();
        assert_eq!(is_nan, [[true; 8], [false; 8]].concat(), "of the first image only");
        let found = crate::first_non_finite_layer(&airbench, || drop(airbench.forward(bad)));
        assert_eq!(found.map(|layer| layer.path).as_deref(), Some("first"));
    }

    #[test]
    fn a_batch_of_one_trains() {
        let device = Device::flex().autodiff();
        let airbench = tiny(false).init(1, &device);
        let features = airbench.forward(images([1, 3, 8, 8], &device));
        assert!(features.clone().is_finite().all().into_scalar::<bool>());
        let gradients = GradientsParams::from_grads(features.sum().backward(), &airbench);
        let first = gradients.get::<4>(airbench.first.weight.id).unwrap();
        assert!(first.is_finite().all().into_scalar::<bool>());
    }

    #[test]
    fn half_precision_is_close() {
        let device = Device::flex();
        let airbench = tiny(false).init(1, &device);
        let images = images([2, 3, 16, 16], &device);
        let single = airbench.forward(images.clone());
        let half = crate::cast_convolutions(&airbench, burn::tensor::FloatDType::BF16);
        let apart = (half.forward(images) - single).abs().max().into_scalar::<f32>();
        assert!(0.0 < apart && apart < 0.1, "{apart}");
    }

    #[test]
    fn settings_read_from_json_with_defaults_and_without_typos() {
        let config: AirbenchConfig = serde_json::from_str(r#"{"whitening": true}"#).unwrap();
        assert_eq!(config, AirbenchConfig { whitening: true, ..AirbenchConfig::default() });
        assert!(serde_json::from_str::<AirbenchConfig>(r#"{"whiten": true}"#).is_err());
    }

    #[test]
    fn a_seed_gives_the_same_network_again() {
        let bytes = |seed: u64| {
            crate::to_safetensors(&tiny(false).init(seed, &Device::flex()), "").unwrap()
        };
        assert!(bytes(1) == bytes(1) && bytes(1) != bytes(2));
    }
}
