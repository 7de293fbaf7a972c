//! Vision transformers.

mod patch_embed;
mod resample;

use burn::module::{Module, Param};
use burn::nn::LayerNorm;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use self::patch_embed::PatchEmbed;
use self::resample::resample;
use crate::gather_tokens::gather_rows;
use crate::layers::{TransformerBlock, TransformerBlockConfig, norm, observed_norm};
use crate::{Backbone, Draws, Seed, TokenBackbone, TokenMask, gather_tokens};

/// What the features of a [`Vit`] are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VitPooling {
    /// The class token after the last norm.
    #[default]
    Class,
    /// The mean of the patch tokens after the last norm. The network has no class token.
    Mean,
}

/// Sizes of a [`Vit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VitConfig {
    /// Side of the square image, in pixels, that the position embeddings are learned for; a multiple
    /// of `patch`. Other sizes are possible, by interpolation.
    pub image: usize,
    /// Side of a patch, in pixels. The paper has 16 and 32 for images of 224 pixels.
    pub patch: usize,
    /// Channels of an image. Default 3.
    pub channels: usize,
    /// Width of a token, which is that of the features; a multiple of `heads`.
    pub dim: usize,
    /// Number of blocks. Default 12.
    pub depth: usize,
    /// Heads of each attention. Default 3.
    pub heads: usize,
    /// Width of the hidden layer of each perceptron, in units of `dim`. Default 4, as in the paper.
    pub mlp_ratio: usize,
    /// What the features are. Default the class token, as in the paper.
    pub pooling: VitPooling,
    /// Learned tokens that belong to no patch and are thrown away. Default 0, as in the paper; Darcet
    /// et al. have 4.
    pub registers: usize,
    /// First value of a learned scale of each residual branch; default `None`, no scale, as in the
    /// paper.
    pub layer_scale: Option<f64>,
    /// Probability, in `[0, 1)`, that the branches of the last block are dropped for a sample; it rises
    /// linearly from 0 at the first block. Default 0. Paths are dropped only where a method passes
    /// keys to [`with_draws`](Backbone::with_draws), as [`Mae`](crate::Mae),
    /// [`SimMim`](crate::SimMim) and [`Msn`](crate::Msn) do.
    pub drop_path: f64,
}

impl Default for VitConfig {
    /// Returns ViT-tiny for images of 32 pixels with patches of 4.
    fn default() -> Self {
        Self::tiny(32, 4)
    }
}

impl VitConfig {
    /// Returns the sizes of ViT-tiny: width 192, 12 blocks, 3 heads.
    #[must_use]
    pub fn tiny(image: usize, patch: usize) -> Self {
        Self {
            image,
            patch,
            channels: 3,
            dim: 192,
            depth: 12,
            heads: 3,
            mlp_ratio: 4,
            pooling: VitPooling::Class,
            registers: 0,
            layer_scale: None,
            drop_path: 0.0,
        }
    }

    /// Returns the sizes of ViT-small: width 384, 12 blocks, 6 heads.
    #[must_use]
    pub fn small(image: usize, patch: usize) -> Self {
        Self { dim: 384, heads: 6, ..Self::tiny(image, patch) }
    }

    /// Returns the sizes of ViT-base: width 768, 12 blocks, 12 heads.
    #[must_use]
    pub fn base(image: usize, patch: usize) -> Self {
        Self { dim: 768, heads: 12, ..Self::tiny(image, patch) }
    }

    /// Creates the network.
    ///
    /// Linear weights and position embeddings are normal with standard deviation 0.02, the class
    /// token and the registers with 1e-6, the patch embedding uniform in `±1/√(channels · patch²)`,
    /// and other biases 0, as in timm.
    ///
    /// # Panics
    /// If patches do not cut `image` evenly, `dim` is no multiple of `heads`, a size is 0, or
    /// `drop_path` is not in `[0, 1)`.
    #[must_use]
    #[track_caller]
    pub fn init(&self, seed: impl Into<Seed>, device: &Device) -> Vit {
        let Self { image, patch, dim, heads, drop_path, .. } = *self;
        assert!(
            patch > 0 && image > 0 && image.is_multiple_of(patch),
            "patches of {patch} pixels do not cut images of {image} pixels evenly"
        );
        assert!(
            heads > 0 && dim > 0 && dim.is_multiple_of(heads),
            "{heads} heads cannot share tokens of width {dim}"
        );
        assert!((0.0..1.0).contains(&drop_path), "drop_path must be in [0, 1), got {drop_path}");
        let seed = seed.into();
        let block = TransformerBlockConfig {
            dim,
            heads,
            d_hidden: self.mlp_ratio * dim,
            layer_scale: self.layer_scale,
        };
        let block = |index| block.init(seed.at("blocks").at(index), device);
        let side = image / patch;
        let positions = side * side + usize::from(self.has_class_position());
        let token = |name, count| seed.at(name).normal([1, count, dim], 1e-6, device);
        Vit {
            cls_token: (self.pooling == VitPooling::Class).then(|| token("cls_token", 1)),
            reg_token: (self.registers > 0).then(|| token("reg_token", self.registers)),
            pos_embed: seed.at("pos_embed").normal([1, positions, dim], 0.02, device),
            patch_embed: PatchEmbed::new(self.channels, dim, patch, seed.at("patch_embed"), device),
            blocks: (0..self.depth).map(block).collect(),
            norm: norm(dim, device),
            config: self.clone(),
            draws: None,
        }
    }

    /// Returns whether the class token has a position embedding. As in timm's networks, it has
    /// none where there are registers.
    fn has_class_position(&self) -> bool {
        self.pooling == VitPooling::Class && self.registers == 0
    }
}

/// A vision transformer: patches become tokens, to which blocks of attention and perceptrons are
/// applied.
///
/// ```text
/// x = [class, registers, embed(patches)] + positions        features = norm(blocks(x))[class]
/// ```
/// Positions are learned. For images of another size they are interpolated (bicubic, as timm does
/// it); the sides of an image are multiples of the patch. Parameters have the names of timm's.
///
/// Paths of the blocks are dropped at random only in a network made by
/// [`with_draws`](Backbone::with_draws): the choices of a sample depend on its keys alone.
///
/// # Source
/// Dosovitskiy et al., 2020, [arXiv:2010.11929](https://arxiv.org/abs/2010.11929), tiny and small as
/// in Touvron et al., 2020, [arXiv:2012.12877](https://arxiv.org/abs/2012.12877); registers: Darcet et
/// al., 2023, [arXiv:2309.16588](https://arxiv.org/abs/2309.16588); dropped paths: Huang et al., 2016,
/// [arXiv:1603.09382](https://arxiv.org/abs/1603.09382); details as in timm.
/// Deviation: no dropout; the mean is taken after the last norm, where timm normalizes the mean.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Backbone, TokenBackbone, VitConfig};
///
/// let device = Device::flex();
/// let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) }.init(0, &device);
/// let images = Tensor::ones([2, 3, 16, 16], &device);
/// assert_eq!(vit.forward(images.clone()).dims(), [2, 16]);
/// assert_eq!(vit.tokens(images, None).dims(), [2, 16, 16]);
/// assert_eq!(vit.forward(Tensor::ones([1, 3, 24, 32], &device)).dims(), [1, 16]);
/// ```
#[derive(Module, Debug)]
pub struct Vit {
    cls_token: Option<Param<Tensor<3>>>,
    reg_token: Option<Param<Tensor<3>>>,
    /// Of the class token, unless there are registers, then of the patches row by row.
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    #[module(skip)]
    config: VitConfig,
    #[module(skip)]
    draws: Option<Draws>,
}

impl Vit {
    /// Returns what the first block sees: `[batch, prefix + kept, dim]`.
    fn embed(&self, images: Tensor<4>, mask: TokenMask) -> Tensor<3> {
        let positions = self.patch_positions(self.grid(&images));
        let patches = self.cut(images);
        let [batch, ..] = patches.dims();
        let patches = match mask {
            TokenMask::None => self.patch_embed.forward(patches) + positions.unsqueeze(),
            TokenMask::Keep(kept) => {
                let positions = gather_rows(positions, kept.clone());
                self.patch_embed.forward(gather_tokens(patches, kept)) + positions
            }
            TokenMask::Replace { masked, token } => {
                let patches = self.patch_embed.forward(patches);
                let dims = patches.dims();
                let masked = masked.unsqueeze_dim::<3>(2).expand(dims);
                patches.mask_where(masked, token.expand(dims)) + positions.unsqueeze()
            }
        };
        let class = self.cls_token.as_ref().map(|token| {
            let first = || self.pos_embed.val().narrow(1, 0, 1);
            if self.config.has_class_position() { token.val() + first() } else { token.val() }
        });
        let prefix = class.into_iter().chain(self.reg_token.as_ref().map(Param::val));
        let prefix = prefix.map(|tokens| tokens.repeat_dim(0, batch));
        Tensor::cat(prefix.chain([patches]).collect(), 1)
    }

    /// Returns the position embeddings of a grid of patches, `[rows · columns, dim]`.
    fn patch_positions(&self, grid: [usize; 2]) -> Tensor<2> {
        let side = self.config.image / self.config.patch;
        let first = usize::from(self.config.has_class_position());
        let learned = self.pos_embed.val().narrow(1, first, side * side).squeeze_dim(0);
        if grid == [side; 2] { learned } else { resample(learned, [side; 2], grid) }
    }

    /// Applies the blocks, and returns the tokens after each.
    fn block_outputs(&self, embedded: Tensor<3>) -> impl Iterator<Item = Tensor<3>> {
        let factors = self.path_factors(embedded.dims()[0], &embedded.device());
        self.blocks.iter().zip(factors).scan(embedded, |tokens, (block, factors)| {
            *tokens = block.forward_with(tokens.clone(), factors);
            Some(tokens.clone())
        })
    }

    /// Returns, for each block, the factors of its branches for each sample: 0 if a path is dropped,
    /// otherwise what keeps the mean.
    fn path_factors(&self, batch: usize, device: &Device) -> Vec<Option<[Tensor<3>; 2]>> {
        let depth = self.blocks.len();
        let Some(draws) = self.draws.as_ref().filter(|_| self.config.drop_path > 0.0) else {
            return vec![None; depth];
        };
        let mut rngs: Vec<_> = (0..batch).map(|row| draws.drop_path_rng(row)).collect();
        let last = depth.saturating_sub(1).max(1) as f64;
        let rates = (0..depth).map(|index| self.config.drop_path * index as f64 / last);
        let factors = rates.map(|rate| {
            let branch = [(); 2].map(|()| {
                let draw = |rng: &mut rand_chacha::ChaCha8Rng| rng.random::<f64>() < rate;
                let factor = |dropped| if dropped { 0.0 } else { (1.0 - rate).recip() };
                let factors: Vec<f64> = rngs.iter_mut().map(|rng| factor(draw(rng))).collect();
                Tensor::from_data(TensorData::new(factors, [batch, 1, 1]), device)
            });
            Some(branch)
        });
        factors.collect()
    }
}

impl Backbone for Vit {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.pool(self.encode(images, TokenMask::None))
    }

    fn d_output(&self) -> usize {
        self.config.dim
    }

    fn stages(&self) -> Vec<(String, usize)> {
        let blocks = (0..self.blocks.len()).map(|index| format!("blocks.{index}"));
        blocks.chain(["norm".to_owned()]).map(|name| (name, self.config.dim)).collect()
    }

    fn forward_stages(&self, images: Tensor<4>) -> Vec<Tensor<2>> {
        let embedded = self.embed(images, TokenMask::None);
        let mut outputs: Vec<Tensor<3>> = self.block_outputs(embedded.clone()).collect();
        let last = outputs.last().cloned().unwrap_or(embedded);
        outputs.push(observed_norm(&self.norm, last));
        outputs.into_iter().map(|tokens| self.pool(tokens)).collect()
    }

    fn with_draws(&self, draws: &Draws) -> Self {
        Self { draws: Some(draws.clone()), ..self.clone() }
    }
}

impl TokenBackbone for Vit {
    fn token_count(&self) -> usize {
        (self.config.image / self.config.patch).pow(2)
    }

    fn d_token(&self) -> usize {
        self.config.channels * self.config.patch.pow(2)
    }

    fn grid(&self, images: &Tensor<4>) -> [usize; 2] {
        let [_, _, height, width] = images.dims();
        let patch = self.config.patch;
        assert!(
            height.is_multiple_of(patch) && width.is_multiple_of(patch),
            "patches of {patch} pixels do not cut images of {height}×{width} pixels evenly"
        );
        [height / patch, width / patch]
    }

    /// Values of a patch are in the order of channels, then rows, then columns.
    fn cut(&self, images: Tensor<4>) -> Tensor<3> {
        let [rows, columns] = self.grid(&images);
        let [batch, channels, ..] = images.dims();
        let patch = self.config.patch;
        images
            .reshape([batch, channels, rows, patch, columns, patch])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, rows * columns, channels * patch * patch])
    }

    fn prefix(&self) -> usize {
        usize::from(self.cls_token.is_some()) + self.config.registers
    }

    fn encode(&self, images: Tensor<4>, mask: TokenMask) -> Tensor<3> {
        let embedded = self.embed(images, mask);
        let last = self.block_outputs(embedded.clone()).last();
        observed_norm(&self.norm, last.unwrap_or(embedded))
    }

    fn pool(&self, encoded: Tensor<3>) -> Tensor<2> {
        match self.config.pooling {
            VitPooling::Class => encoded.narrow(1, 0, 1).squeeze_dim(1),
            VitPooling::Mean => {
                let patches = encoded.dims()[1] - self.prefix();
                encoded.narrow(1, self.prefix(), patches).mean_dim(1).squeeze_dim(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untrained::untrained;
    use crate::{Batch, Clock, Context, first_non_finite_layer, to_safetensors};
    use burn::tensor::{DType, Int, Tolerance};

    const CLOSE: f32 = 1e-5;

    fn small() -> VitConfig {
        VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) }
    }

    fn images(batch: usize, side: usize, device: &Device) -> Tensor<4> {
        let values = Seed::new(9).normal([batch, 3, side, side], 1.0, &Device::flex()).val();
        Tensor::from_data(values.into_data(), device)
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    fn assert_close<const D: usize>(found: Tensor<D>, want: Tensor<D>) {
        let tolerance = Tolerance::rel_abs(CLOSE, CLOSE);
        found.into_data().assert_approx_eq::<f32>(&want.into_data(), tolerance);
    }

    #[test]
    fn networks_have_as_many_parameters_as_timms() {
        let device = Device::flex();
        let published = [
            (VitConfig::tiny(224, 16), 5_524_416),
            (VitConfig::small(224, 16), 21_665_664),
            (VitConfig::base(224, 16), 85_798_656),
        ];
        for (config, count) in published {
            let of_depth =
                |depth| VitConfig { depth, ..config.clone() }.init(0, &device).num_params();
            let (one, two) = (of_depth(1), of_depth(2));
            assert_eq!(one + (config.depth - 1) * (two - one), count, "{config:?}");
        }
    }

    #[test]
    fn parameters_have_the_names_of_timms() {
        let config = VitConfig { depth: 1, registers: 3, layer_scale: Some(0.1), ..small() };
        let bytes = to_safetensors(&config.init(0, &Device::flex()), "").unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut found: Vec<String> = file
            .tensors()
            .into_iter()
            .map(|(name, view)| format!("{name} {:?}", view.shape()))
            .collect();
        found.sort();
        let want = [
            "blocks.0.attn.proj.bias [16]",
            "blocks.0.attn.proj.weight [16, 16]",
            "blocks.0.attn.qkv.bias [48]",
            "blocks.0.attn.qkv.weight [16, 48]",
            "blocks.0.ls1.gamma [16]",
            "blocks.0.ls2.gamma [16]",
            "blocks.0.mlp.fc1.bias [64]",
            "blocks.0.mlp.fc1.weight [16, 64]",
            "blocks.0.mlp.fc2.bias [16]",
            "blocks.0.mlp.fc2.weight [64, 16]",
            "blocks.0.norm1.beta [16]",
            "blocks.0.norm1.gamma [16]",
            "blocks.0.norm2.beta [16]",
            "blocks.0.norm2.gamma [16]",
            "cls_token [1, 1, 16]",
            "norm.beta [16]",
            "norm.gamma [16]",
            "patch_embed.proj.bias [16]",
            "patch_embed.proj.weight [16, 3, 4, 4]",
            "pos_embed [1, 16, 16]",
            "reg_token [1, 3, 16]",
        ];
        assert_eq!(found, want);
        let plain = small().init(0, &Device::flex());
        assert_eq!(plain.pos_embed.val().dims(), [1, 17, 16], "one for the class token");
    }

    #[test]
    fn a_patch_is_embedded_as_by_a_convolution_of_its_size() {
        let device = Device::flex();
        let vit = small().init(0, &device);
        let images = images(2, 16, &device);
        let found = vit.patch_embed.forward(vit.cut(images.clone()));
        let (weight, bias) = vit.patch_embed.parameters();
        let options = burn::tensor::ops::ConvOptions::new([4, 4], [0, 0], [1, 1], 1);
        let maps = burn::tensor::module::conv2d(images, weight, Some(bias), options);
        assert_close(found, maps.flatten::<3>(2, 3).swap_dims(1, 2));
    }

    #[test]
    fn kept_tokens_are_embedded_as_without_a_mask() {
        let device = Device::flex();
        for (registers, first) in [(0, 1), (2, 3)] {
            let vit = VitConfig { registers, ..small() }.init(1, &device);
            let images = images(2, 16, &device);
            let kept = Tensor::<2, Int>::from_ints([[3, 0, 15], [7, 8, 9]], &device);
            let found = vit.embed(images.clone(), TokenMask::Keep(kept.clone()));
            let whole = vit.embed(images, TokenMask::None);
            let prefix = vit.prefix();
            let want = gather_tokens(whole.clone(), kept + first);
            assert_close(found.clone().narrow(1, prefix, 3), want);
            assert_close(found.narrow(1, 0, prefix), whole.narrow(1, 0, prefix));
        }
    }

    #[test]
    fn a_mask_token_takes_the_place_of_the_patch_and_keeps_its_position() {
        let device = Device::flex();
        let vit = small().init(1, &device);
        let images = images(1, 16, &device);
        let mut masked = [false; 16];
        masked[5] = true;
        let mask = TokenMask::Replace {
            masked: Tensor::from_data(TensorData::new(masked.to_vec(), [1, 16]), &device),
            token: Tensor::full([1, 1, 16], 3.0, &device),
        };
        let found = vit.embed(images.clone(), mask);
        let whole = vit.embed(images, TokenMask::None);
        let place = 1 + 5;
        assert_close(found.clone().narrow(1, 0, place), whole.clone().narrow(1, 0, place));
        let position = vit.pos_embed.val().narrow(1, place, 1);
        assert_close(found.clone().narrow(1, place, 1), position + 3.0);
        assert_close(found.narrow(1, place + 1, 10), whole.narrow(1, place + 1, 10));
    }

    #[test]
    fn the_order_of_kept_tokens_does_not_change_the_features() {
        let device = Device::flex();
        let vit = small().init(1, &device);
        let pooled = |kept: [[i32; 3]; 1]| {
            let kept = TokenMask::Keep(Tensor::from_ints(kept, &device));
            vit.pool(vit.encode(images(1, 16, &device), kept))
        };
        assert_close(pooled([[3, 0, 15]]), pooled([[0, 15, 3]]));
        assert_ne!(values(pooled([[3, 0, 15]])), values(pooled([[3, 0, 14]])));
    }

    #[test]
    fn features_are_the_class_token_or_the_mean_of_the_patches() {
        let device = Device::flex();
        for registers in [0, 2] {
            let vit = VitConfig { registers, ..small() }.init(1, &device);
            let images = images(2, 16, &device);
            let encoded = vit.encode(images.clone(), TokenMask::None);
            assert_eq!(encoded.dims(), [2, 1 + registers + 16, 16]);
            let class = encoded.narrow(1, 0, 1).squeeze_dim::<2>(1);
            assert_eq!(values(vit.forward(images.clone())), values(class));

            let config = VitConfig { registers, pooling: VitPooling::Mean, ..small() };
            let vit = config.init(1, &device);
            assert!(vit.cls_token.is_none() && vit.prefix() == registers);
            let mean = vit.tokens(images.clone(), None).mean_dim(1).squeeze_dim::<2>(1);
            assert_close(vit.forward(images), mean);
        }
    }

    #[test]
    fn stages_end_with_the_features() {
        let device = Device::flex();
        let vit = small().init(1, &device);
        let names: Vec<String> = vit.stages().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["blocks.0", "blocks.1", "norm"]);
        let images = images(2, 16, &device);
        let stages = vit.forward_stages(images.clone());
        assert_eq!(stages.len(), 3);
        assert!(stages.iter().all(|stage| stage.dims() == [2, 16]));
        assert_eq!(values(stages[2].clone()), values(vit.forward(images)));
    }

    #[test]
    fn positions_of_the_configured_size_are_the_learned_ones() {
        let vit = small().init(1, &Device::flex());
        let learned = vit.pos_embed.val().narrow(1, 1, 16).squeeze_dim::<2>(0);
        assert_eq!(values(vit.patch_positions([4, 4])), values(learned.clone()));
        assert_close(resample(learned, [4, 4], [4, 4]), vit.patch_positions([4, 4]));
        assert_eq!(vit.patch_positions([3, 6]).dims(), [18, 16]);
    }

    #[test]
    fn gradients_reach_every_parameter() {
        let device = Device::flex().autodiff();
        for pooling in [VitPooling::Class, VitPooling::Mean] {
            let config = VitConfig { pooling, registers: 1, layer_scale: Some(0.5), ..small() };
            let vit = config.init(1, &device);
            for side in [16, 24] {
                let features = vit.forward(images(2, side, &device));
                let loss = features.clone() * features.clone() * features;
                assert_eq!(untrained(&vit, &loss.sum()), [""; 0]);
            }
        }
    }

    #[test]
    fn a_sample_does_not_depend_on_its_batch_and_nan_stays_in_it() {
        let device = Device::flex();
        let vit = small().init(1, &device);
        let images = images(2, 16, &device);
        let alone = vit.forward(images.clone().narrow(0, 0, 1));
        let spoiled = images.slice_fill([1..2, 0..1, 0..1, 0..1], f32::NAN);
        let both = vit.forward(spoiled.clone());
        assert_close(both.clone().narrow(0, 0, 1), alone);
        assert!(values(both.narrow(0, 1, 1)).iter().all(|value| value.is_nan()));
        let layer = first_non_finite_layer(&vit, || drop(vit.forward(spoiled))).unwrap();
        assert_eq!((layer.path.as_str(), layer.has_finite_weights), ("patch_embed.proj", true));
    }

    fn draws(indices: [usize; 2], step: u64) -> Draws {
        let batch = Batch::<()>::new(vec![()]).with_indices(indices.to_vec());
        let clock = Clock { step, steps_per_epoch: 1, epochs: 9, schedule_start: 0 };
        Draws::of(3, &batch, &Context::new(clock))
    }

    #[test]
    fn dropped_paths_are_those_of_the_sample_and_the_epoch() {
        let device = Device::flex();
        let config = VitConfig { drop_path: 0.9, depth: 6, ..small() };
        let (vit, plain) = (config.init(1, &device), small());
        let plain = VitConfig { depth: 6, ..plain }.init(1, &device);
        let images = images(2, 16, &device);
        let features =
            |draws: &Draws, images: &Tensor<4>| vit.with_draws(draws).forward(images.clone());
        let whole = values(plain.forward(images.clone()));
        assert_eq!(values(vit.forward(images.clone())), whole, "no keys, no dropped path");
        let off = plain.with_draws(&draws([4, 8], 0));
        assert_eq!(values(off.forward(images.clone())), whole, "rate 0");
        let found = features(&draws([4, 8], 0), &images);
        assert_ne!(values(found.clone()), whole);
        let swapped = features(&draws([8, 4], 0), &images.clone().flip([0]));
        assert_close(swapped.flip([0]), found.clone());
        assert_ne!(values(features(&draws([4, 8], 1), &images)), values(found));
    }

    #[test]
    fn paths_are_dropped_at_the_rate_of_their_block_and_keep_their_mean() {
        let device = Device::flex();
        let config = VitConfig { drop_path: 0.5, depth: 3, ..small() };
        let indices = (0..4000).collect();
        let batch = Batch::<()>::new(vec![()]).with_indices(indices);
        let draws = Draws::of(3, &batch, &Context::default());
        let factors = config.init(1, &device).with_draws(&draws).path_factors(4000, &device);
        for (branches, rate) in factors.into_iter().zip([0.0, 0.25, 0.5_f64]) {
            for branch in branches.unwrap() {
                assert_eq!(branch.dtype(), DType::F32);
                let factors = values(branch);
                let apart = |factor: f32, other: f64| (f64::from(factor) - other).abs();
                let kept = (1.0 - rate).recip();
                let is_either = |factor: &f32| apart(*factor, kept).min(apart(*factor, 0.0)) < 1e-6;
                assert!(factors.iter().all(is_either));
                // The mean of 4,000 factors has the deviation √(rate / (1 − rate) / 4000).
                let mean = factors.iter().sum::<f32>() / 4000.0;
                assert!((mean - 1.0).abs() < 0.08, "{mean} at {rate}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "patches of 4 pixels do not cut images of 16×18 pixels evenly")]
    fn an_image_that_patches_do_not_cut_is_named() {
        let device = Device::flex();
        let _ = small().init(0, &device).forward(Tensor::ones([1, 3, 16, 18], &device));
    }

    #[test]
    #[should_panic(expected = "3 heads cannot share tokens of width 16")]
    fn heads_that_do_not_divide_the_width_are_named() {
        let _ = VitConfig { heads: 3, ..small() }.init(0, &Device::flex());
    }

    #[test]
    fn a_config_is_json_and_back() {
        let config =
            VitConfig { registers: 4, pooling: VitPooling::Mean, ..VitConfig::base(32, 2) };
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<VitConfig>(&text).unwrap(), config);
        assert_eq!(serde_json::from_str::<VitConfig>("{}").unwrap(), VitConfig::tiny(32, 4));
        assert!(serde_json::from_str::<VitConfig>(r#"{"width": 3}"#).is_err());
    }
}
