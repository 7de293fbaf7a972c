//! MAE: an encoder sees a quarter of the patches, and a decoder fills in the rest.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::layers::{
    TransformerBlock, TransformerBlockConfig, linear_normal, norm, observed, observed_norm,
};
use crate::settings::seeded_settings;
use crate::token_split::{TokenSplit, kept_count};
use crate::{Batch, Context, Draws, Method, Seed, Step, TokenBackbone, TokenMask, gather_tokens};

/// Settings of [`Mae`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaeConfig {
    /// Share of the patches that are masked, in `(0, 1)`; rounded so that at least one is kept.
    /// Default 0.75, as in the paper.
    pub mask_ratio: f64,
    /// Whether each target patch is normalized by the mean and deviation of its values. Default true,
    /// the better variant of the paper.
    pub normalize_targets: bool,
    /// Width of the decoder's tokens, a multiple of 4 and of `decoder_heads`. Default 512, as in the
    /// paper.
    pub d_decoder: usize,
    /// Blocks of the decoder. Default 8, as in the paper.
    pub decoder_depth: usize,
    /// Heads of the decoder's attention. Default 16, as in the official code.
    pub decoder_heads: usize,
}

impl Default for MaeConfig {
    /// Returns the paper's settings.
    fn default() -> Self {
        Self {
            mask_ratio: 0.75,
            normalize_targets: true,
            d_decoder: 512,
            decoder_depth: 8,
            decoder_heads: 16,
        }
    }
}

impl MaeConfig {
    /// Creates MAE around `encoder`; `seed` decides the decoder and, with the epoch and the index of a
    /// sample, what is masked.
    ///
    /// # Panics
    /// If `mask_ratio` is not in `(0, 1)`, or `d_decoder` is no multiple of 4 and of `decoder_heads`.
    #[must_use]
    #[track_caller]
    pub fn init<B: TokenBackbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Mae<B> {
        let Self { mask_ratio, d_decoder, decoder_heads, .. } = *self;
        assert!(
            mask_ratio > 0.0 && mask_ratio < 1.0,
            "mask_ratio must be between 0 and 1, got {mask_ratio}"
        );
        assert!(
            d_decoder > 0 && d_decoder.is_multiple_of(4) && d_decoder.is_multiple_of(decoder_heads),
            "d_decoder must be a multiple of 4 and of {decoder_heads} heads, got {d_decoder}"
        );
        let seed = seed.into();
        let block = TransformerBlockConfig {
            dim: d_decoder,
            heads: decoder_heads,
            d_hidden: 4 * d_decoder,
            layer_scale: None,
        };
        let block = |index| block.init(seed.at("decoder_blocks").at(index), device);
        let linear =
            |name, sizes: [usize; 2]| linear_normal(sizes[0], sizes[1], seed.at(name), device);
        Mae {
            decoder_embed: linear("decoder_embed", [encoder.d_output(), d_decoder]),
            mask_token: seed.at("mask_token").normal([1, 1, d_decoder], 0.02, device),
            decoder_blocks: (0..self.decoder_depth).map(block).collect(),
            decoder_norm: norm(d_decoder, device),
            decoder_pred: linear("decoder_pred", [d_decoder, encoder.d_token()]),
            encoder,
            draw_seed: seed.at("draws").number(),
            config: self.clone(),
        }
    }
}

/// MAE, which reconstructs the masked patches of an image from the visible ones.
///
/// ```text
/// loss = mean over masked patches and their values of (d(f(visible), mask tokens) − target)²
/// ```
/// The encoder f sees the visible patches alone, which are a new random set in every epoch. The
/// decoder d, a small transformer, sees f's output and one learned token at every masked place, with
/// fixed positions. Targets are the values of the patch, normalized by its mean and deviation.
///
/// The embedding whose spread is measured are the features of the visible patches.
///
/// # Source
/// He et al., 2021, [arXiv:2111.06377](https://arxiv.org/abs/2111.06377), and the official code.
/// Deviation: the encoder's positions are its own (learned, in [`Vit`](crate::Vit)), not fixed; the
/// decoder's weights are normal, not Xavier uniform.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, MaeConfig, Method, VitConfig};
///
/// let device = Device::flex().autodiff();
/// let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
/// let config = MaeConfig { d_decoder: 16, decoder_depth: 1, decoder_heads: 2, ..Default::default() };
/// let method = config.init(vit.init(0, &device), 0, &device);
/// let view = Tensor::random([4, 3, 16, 16], burn::tensor::Distribution::Default, &device);
/// let batch = Batch::new(vec![view]).with_indices(vec![3, 1, 4, 5]);
/// let step = method.step(&batch, &Context::default());
/// // Targets have the variance 1, and the decoder predicts nearly 0 at the start.
/// assert!((step.loss.into_scalar::<f32>() - 1.0).abs() < 0.1);
/// ```
#[derive(Module, Debug)]
pub struct Mae<B: TokenBackbone> {
    encoder: B,
    decoder_embed: Linear,
    mask_token: Param<Tensor<3>>,
    decoder_blocks: Vec<TransformerBlock>,
    decoder_norm: LayerNorm,
    decoder_pred: Linear,
    draw_seed: u64,
    #[module(skip)]
    config: MaeConfig,
}

impl<B: TokenBackbone> Mae<B> {
    /// Predicts the values of the masked patches, `[batch, masked, d_token]`, from the encoder's
    /// output.
    fn decode(&self, encoded: Tensor<3>, split: &TokenSplit, grid: [usize; 2]) -> Tensor<3> {
        let (prefix, device) = (self.encoder.prefix(), encoded.device());
        let [batch, seen, _] = encoded.dims();
        let masked = prefix + grid[0] * grid[1] - seen;
        let seen = observed(&self.decoder_embed, encoded);
        let masks = self.mask_token.val().repeat_dim(0, batch).repeat_dim(1, masked);
        let all = Tensor::cat(vec![seen, masks], 1);
        let tokens = gather_tokens(all, split.restore(prefix, &device));
        let tokens = tokens + sine_positions(prefix, grid, self.config.d_decoder, &device);
        let blocks = self.decoder_blocks.iter();
        let tokens = blocks.fold(tokens, |tokens, block| block.forward(tokens));
        let masked = gather_tokens(tokens, split.masked(prefix, &device));
        observed(&self.decoder_pred, observed_norm(&self.decoder_norm, masked))
    }

    /// Returns what the masked patches of `patches` are to be: `[batch, masked, d_token]`.
    fn targets(&self, patches: Tensor<3>, split: &TokenSplit) -> Tensor<3> {
        let places = split.masked(0, &patches.device());
        let patches = gather_tokens(patches, places);
        if !self.config.normalize_targets {
            return patches;
        }
        let values = patches.dims()[2];
        let centered = patches.clone() - patches.mean_dim(2);
        let unbiased = centered.clone().square().sum_dim(2) / (values - 1).max(1) as f64;
        centered / (unbiased + 1e-6).sqrt()
    }
}

impl<B: TokenBackbone> Method for Mae<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step {
        let view = batch.first();
        let patches = self.encoder.cut(view.clone());
        let [rows, count, _] = patches.dims();
        let draws = Draws::of(self.draw_seed, batch, context);
        let kept = kept_count(count, self.config.mask_ratio);
        assert!(kept < count, "no patch can be masked in an image of {count}");
        let split = TokenSplit::random(&draws, rows, count, kept);
        let visible = TokenMask::Keep(split.kept(&patches.device()));
        let grid = self.encoder.grid(&view);
        let encoded = self.encoder.with_draws(&draws).encode(view, visible);
        let found = self.decode(encoded.clone(), &split, grid);
        let loss = (found - self.targets(patches, &split)).square().mean();
        Step::new(loss).with_embedding(self.encoder.pool(encoded))
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `mask_ratio`"
    }

    fn settings(&self) -> serde_json::Value {
        seeded_settings(&self.config, self.draw_seed)
    }
}

/// Returns fixed positions of a grid of tokens, after `prefix` rows of zeros:
/// `[1, prefix + tokens, dim]`. The first half of `dim` tells the column, the second half the row,
/// each by sines and cosines of `dim / 4` frequencies from 1 to 1/10,000.
fn sine_positions(
    prefix: usize,
    [rows, columns]: [usize; 2],
    dim: usize,
    device: &Device,
) -> Tensor<3> {
    let count = dim / 4;
    let angles = |place: usize| {
        let angle = move |index| place as f64 / 10_000_f64.powf(index as f64 / count as f64);
        let sines = (0..count).map(move |index| angle(index).sin());
        sines.chain((0..count).map(move |index| angle(index).cos()))
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let places = places.flat_map(|(row, column)| angles(column).chain(angles(row)));
    let values: Vec<f64> = std::iter::repeat_n(0.0, prefix * dim).chain(places).collect();
    Tensor::from_data(TensorData::new(values, [1, prefix + rows * columns, dim]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untrained::untrained;
    use crate::{Clock, Vit, VitConfig};
    use burn::tensor::Tolerance;

    fn method(config: MaeConfig, device: &Device) -> Mae<Vit> {
        let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
        config.init(vit.init(0, device), 7, device)
    }

    fn small() -> MaeConfig {
        MaeConfig { d_decoder: 8, decoder_depth: 2, decoder_heads: 2, ..MaeConfig::default() }
    }

    fn images(batch: usize, device: &Device) -> Tensor<4> {
        let values = Seed::new(9).normal([batch, 3, 16, 16], 1.0, &Device::flex()).val();
        Tensor::from_data(values.into_data(), device)
    }

    fn batch(indices: &[usize], device: &Device) -> Batch {
        Batch::new(vec![images(indices.len(), device)]).with_indices(indices.to_vec())
    }

    fn split(method: &Mae<Vit>, batch: &Batch, context: &Context) -> TokenSplit {
        TokenSplit::random(&Draws::of(method.draw_seed, batch, context), batch.indices.len(), 16, 4)
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    fn loss(step: &Step) -> f32 {
        step.loss.clone().into_scalar()
    }

    /// The images of `batch` with NaN in every pixel of the patches at `places`.
    fn spoil(batch: &Batch, places: Vec<f32>) -> Batch {
        let rows = batch.indices.len();
        let device = batch.views[0].device();
        let spoiled = Tensor::<1>::from_floats(places.as_slice(), &device);
        let pixels = spoiled.reshape([rows, 1, 4, 1, 4, 1]).repeat_dim(3, 4).repeat_dim(5, 4);
        let pixels = pixels.reshape([rows, 1, 16, 16]).repeat_dim(1, 3);
        let view = batch.first().mask_fill(pixels.equal_elem(1.0), f32::NAN);
        Batch::new(vec![view]).with_indices(batch.indices.clone())
    }

    #[test]
    fn the_encoder_sees_the_visible_patches_alone() {
        let device = Device::flex().autodiff();
        let (method, batch) = (method(small(), &device), batch(&[4, 9], &device));
        let context = Context::default();
        let masked = values(split(&method, &batch, &context).is_masked(&device).float());
        let seen = |batch: &Batch| values(method.step(batch, &context).embedding.unwrap());
        let whole = seen(&batch);
        assert_eq!(seen(&spoil(&batch, masked.clone())), whole);
        let visible = masked.iter().map(|masked| 1.0 - masked).collect();
        assert!(seen(&spoil(&batch, visible)).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn the_loss_counts_the_masked_patches_alone() {
        let device = Device::flex().autodiff();
        let (method, batch) = (method(small(), &device), batch(&[4, 9], &device));
        let context = Context::default();
        let split = split(&method, &batch, &context);
        let masked: Vec<f32> = values(split.is_masked(&device).float());
        let patches = method.encoder.cut(batch.first());
        let visible = TokenMask::Keep(split.kept(&device));
        let encoded = method.encoder.encode(batch.first(), visible);
        let mut found = values(method.decode(encoded, &split, [4, 4])).into_iter();
        let (mut total, mut count) = (0.0, 0.0);
        for (patch, masked) in values(patches).chunks(48).zip(masked) {
            if masked == 0.0 {
                continue;
            }
            let mean = patch.iter().sum::<f32>() / 48.0;
            let variance = patch.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 47.0;
            for value in patch {
                let target = (value - mean) / (variance + 1e-6).sqrt();
                total += (found.next().unwrap() - target).powi(2);
                count += 1.0;
            }
        }
        assert_eq!((count, found.next()), (2.0 * 12.0 * 48.0, None));
        let loss = loss(&method.step(&batch, &context));
        assert!((loss - total / count).abs() < 1e-5, "{loss} for {}", total / count);
        let visible = values(split.is_masked(&device).float()).iter().map(|x| 1.0 - x).collect();
        let targets =
            |batch: &Batch| values(method.targets(method.encoder.cut(batch.first()), &split));
        assert_eq!(targets(&spoil(&batch, visible)), targets(&batch));
    }

    #[test]
    fn a_sample_is_masked_alike_in_any_batch_of_the_epoch() {
        let device = Device::flex().autodiff();
        let method = method(small(), &device);
        let both = batch(&[4, 9], &device);
        let swapped = Batch::new(vec![both.first().flip([0])]).with_indices(vec![9, 4]);
        let at = |batch: &Batch, step| {
            let clock = Clock { step, steps_per_epoch: 2, epochs: 9, schedule_start: 0 };
            loss(&method.step(batch, &Context::new(clock)))
        };
        assert!((at(&both, 0) - at(&swapped, 1)).abs() < 1e-6);
        assert!((at(&both, 0) - at(&both, 2)).abs() > 1e-5, "another epoch");
        let others = Batch::new(vec![both.first()]).with_indices(vec![5, 9]);
        assert!((at(&both, 0) - at(&others, 0)).abs() > 1e-5, "another sample");
    }

    #[test]
    fn gradients_reach_every_parameter() {
        let device = Device::flex().autodiff();
        for normalize_targets in [true, false] {
            let method = method(MaeConfig { normalize_targets, ..small() }, &device);
            let step = method.step(&batch(&[4, 9], &device), &Context::default());
            assert_eq!(untrained(&method, &step.loss), [""; 0]);
        }
    }

    #[test]
    fn settings_tell_runs_with_other_masks_apart() {
        let device = Device::flex();
        let vit = || VitConfig { dim: 16, depth: 1, heads: 2, ..VitConfig::tiny(16, 4) };
        let [a, b] =
            [7, 8].map(|seed| small().init(vit().init(0, &device), seed, &device).settings());
        assert_eq!((&a["mask_ratio"], &a["mask_ratio"]), (&b["mask_ratio"], &0.75.into()));
        assert_ne!(a["draw_seed"], b["draw_seed"]);
    }

    #[test]
    fn one_sample_is_enough() {
        let device = Device::flex().autodiff();
        let step = method(small(), &device).step(&batch(&[4], &device), &Context::default());
        assert!(loss(&step).is_finite() && step.embedding.unwrap().dims() == [1, 16]);
    }

    #[test]
    fn positions_are_sines_and_cosines_of_the_column_and_the_row() {
        let found = sine_positions(1, [2, 3], 8, &Device::flex());
        assert_eq!(found.dims(), [1, 7, 8]);
        let found = found.narrow(1, 0, 7);
        assert!(values(found.clone().narrow(1, 0, 1)).iter().all(|value| *value == 0.0));
        let [column, row] = [[2.0_f32, 0.02], [1.0, 0.01]];
        let want =
            [column.map(f32::sin), column.map(f32::cos), row.map(f32::sin), row.map(f32::cos)];
        let want = Tensor::<2>::from_floats(want, &Device::flex()).flatten::<1>(0, 1).into_data();
        let last = found.narrow(1, 6, 1).flatten::<1>(0, 2).into_data();
        last.assert_approx_eq::<f32>(&want, Tolerance::absolute(1e-6));
    }

    #[test]
    #[should_panic(expected = "mask_ratio must be between 0 and 1, got 1")]
    fn a_mask_of_everything_is_refused() {
        let _ = method(MaeConfig { mask_ratio: 1.0, ..small() }, &Device::flex());
    }

    #[test]
    #[should_panic(expected = "the recipe makes none")]
    fn a_batch_without_a_view_is_refused() {
        let device = Device::flex();
        let _ = method(small(), &device).step(&Batch::new(Vec::new()), &Context::default());
    }
}
