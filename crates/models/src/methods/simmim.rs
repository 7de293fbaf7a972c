//! SimMIM: some patches are replaced by a mask token, and a linear layer fills them in.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::layers::{linear_normal, observed};
use crate::settings::seeded_settings;
use crate::token_split::{TokenSplit, masked_count};
use crate::{Batch, Context, Draws, Method, Seed, Step, TokenBackbone, TokenMask, gather_tokens};

/// Settings of [`SimMim`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimMimConfig {
    /// Share of the image that is masked, in `(0, 1)`; the number of squares is rounded up. Default
    /// 0.6, as in the paper.
    pub mask_ratio: f64,
    /// Side of the squares that are masked, in tokens, at least 1; it divides the rows and columns of
    /// tokens. Default 2, as in the paper, whose squares have 32 pixels and patches 16.
    pub mask_side: usize,
}

impl Default for SimMimConfig {
    /// Returns the paper's settings.
    fn default() -> Self {
        Self { mask_ratio: 0.6, mask_side: 2 }
    }
}

impl SimMimConfig {
    /// Creates SimMIM around `encoder`; `seed` decides mask token and decoder and, with the epoch and
    /// the index of a sample, what is masked.
    ///
    /// # Panics
    /// If `mask_ratio` is not in `(0, 1)` or `mask_side` is 0.
    #[must_use]
    #[track_caller]
    pub fn init<B: TokenBackbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> SimMim<B> {
        let Self { mask_ratio, mask_side } = *self;
        assert!(
            mask_ratio > 0.0 && mask_ratio < 1.0,
            "mask_ratio must be between 0 and 1, got {mask_ratio}"
        );
        assert!(mask_side > 0, "mask_side must be at least 1");
        let seed = seed.into();
        let (d_output, d_token) = (encoder.d_output(), encoder.d_token());
        SimMim {
            encoder,
            mask_token: seed.at("mask_token").normal([1, 1, d_output], 0.02, device),
            decoder: linear_normal(d_output, d_token, seed.at("decoder"), device),
            draw_seed: seed.at("draws").number(),
            config: self.clone(),
        }
    }
}

/// SimMIM, which predicts the pixels of masked patches from the features at their place.
///
/// ```text
/// loss = mean over masked pixels and channels of |W f(patches, mask tokens) + b − pixel|
/// ```
/// The encoder f sees all patches of an image, with one learned embedding in place of those that are
/// masked: random squares, new ones in every epoch.
///
/// The embedding whose spread is measured are the features of the masked images.
///
/// # Source
/// Xie et al., 2021, [arXiv:2111.09886](https://arxiv.org/abs/2111.09886), and the official code.
/// Deviation: the encoder's positions are its own (learned, in [`Vit`](crate::Vit)), where the paper's
/// ViT has a bias for relative positions; the mask token is normal and not cut off at one deviation.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, SimMimConfig, VitConfig};
///
/// let device = Device::flex().autodiff();
/// let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
/// let method = SimMimConfig::default().init(vit.init(0, &device), 0, &device);
/// let batch = Batch::new(vec![Tensor::ones([4, 3, 16, 16], &device)]);
/// let step = method.step(&batch, &Context::default());
/// // All pixels are 1, and the decoder predicts nearly 0 at the start.
/// assert!((step.loss.into_scalar::<f32>() - 1.0).abs() < 0.2);
/// ```
#[derive(Module, Debug)]
pub struct SimMim<B: TokenBackbone> {
    encoder: B,
    mask_token: Param<Tensor<3>>,
    decoder: Linear,
    draw_seed: u64,
    #[module(skip)]
    config: SimMimConfig,
}

impl<B: TokenBackbone> SimMim<B> {
    /// Draws the masked squares of a batch.
    fn split(&self, draws: &Draws, samples: usize, grid: [usize; 2]) -> TokenSplit {
        let SimMimConfig { mask_ratio, mask_side } = self.config;
        assert!(
            grid.iter().all(|side| side.is_multiple_of(mask_side)),
            "squares of mask_side {mask_side} do not cut a grid of {grid:?} tokens evenly"
        );
        let squares = grid.map(|side| side / mask_side);
        let masked = masked_count(squares[0] * squares[1], mask_ratio);
        TokenSplit::squares(draws, samples, squares, mask_side, masked)
    }
}

impl<B: TokenBackbone> Method for SimMim<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step {
        let view = batch.first();
        let patches = self.encoder.cut(view.clone());
        let device = patches.device();
        let draws = Draws::of(self.draw_seed, batch, context);
        let split = self.split(&draws, patches.dims()[0], self.encoder.grid(&view));
        let masked = split.is_masked(&device);
        let mask = TokenMask::Replace { masked, token: self.mask_token.val() };
        let encoded = self.encoder.with_draws(&draws).encode(view, mask);
        let places = split.masked(self.encoder.prefix(), &device);
        let found = observed(&self.decoder, gather_tokens(encoded.clone(), places));
        let loss = (found - gather_tokens(patches, split.masked(0, &device))).abs().mean();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untrained::untrained;
    use crate::{Vit, VitConfig};
    use burn::tensor::TensorData;

    fn method(device: &Device) -> SimMim<Vit> {
        let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
        SimMimConfig::default().init(vit.init(0, device), 7, device)
    }

    fn batch(device: &Device) -> Batch {
        let values = Seed::new(9).normal([2, 3, 16, 16], 1.0, &Device::flex()).val();
        Batch::new(vec![Tensor::from_data(values.into_data(), device)]).with_indices(vec![4, 9])
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    /// Whether each pixel is masked, `[2, 3, 16, 16]`.
    fn masked(method: &SimMim<Vit>, batch: &Batch, device: &Device) -> Vec<bool> {
        let draws = Draws::of(method.draw_seed, batch, &Context::default());
        let split = method.split(&draws, 2, [4, 4]);
        let tokens: Vec<bool> = split.is_masked(device).into_data().iter().collect();
        let pixel = |pixel: usize| {
            let (sample, row, column) = (pixel / 768, pixel / 16 % 16, pixel % 16);
            tokens[sample * 16 + row / 4 * 4 + column / 4]
        };
        (0..2 * 768).map(pixel).collect()
    }

    #[test]
    fn the_encoder_does_not_see_masked_patches_and_the_loss_no_others() {
        let device = Device::flex().autodiff();
        let (mut method, batch) = (method(&device), batch(&device));
        let masked = masked(&method, &batch, &device);
        // Three of the four squares are masked in either image.
        assert_eq!(masked.iter().filter(|masked| **masked).count(), 2 * 3 * 3 * 64);
        let pixels = values(batch.first());
        let changed = |masked_by: f32, visible_by: f32| {
            let by = |masked| if masked { masked_by } else { visible_by };
            let pixels = pixels.iter().zip(&masked).map(|(pixel, masked)| pixel + by(*masked));
            let pixels = TensorData::new(pixels.collect::<Vec<f32>>(), [2, 3, 16, 16]);
            let batch = Batch { views: vec![Tensor::from_data(pixels, &device)], ..batch.clone() };
            method.step(&batch, &Context::default())
        };
        let seen = |step: Step| values(step.embedding.unwrap());
        let plain = seen(changed(0.0, 0.0));
        assert_eq!(seen(changed(f32::NAN, 0.0)), plain);
        assert_ne!(seen(changed(0.0, 1.0)), plain);
        assert!(changed(f32::NAN, 0.0).loss.into_scalar::<f32>().is_nan());

        // Against a prediction of 0, the loss is the mean distance of masked pixels from 0.
        method.decoder.weight = method.decoder.weight.map(|weight| weight * 0.0);
        let loss = method.step(&batch, &Context::default()).loss.into_scalar::<f32>();
        let distances = pixels.iter().zip(&masked).filter(|(_, masked)| **masked);
        let want = distances.map(|(pixel, _)| pixel.abs()).sum::<f32>() / (2 * 3 * 3 * 64) as f32;
        assert!((loss - want).abs() < 1e-5, "{loss} for {want}");
    }

    #[test]
    fn gradients_reach_every_parameter() {
        let device = Device::flex().autodiff();
        let method = method(&device);
        let step = method.step(&batch(&device), &Context::default());
        assert_eq!(untrained(&method, &step.loss), [""; 0]);
    }

    #[test]
    #[should_panic(expected = "mask_side 3 do not cut a grid of [4, 4] tokens evenly")]
    fn squares_that_do_not_fit_are_named() {
        let device = Device::flex();
        let vit = VitConfig { dim: 16, depth: 2, heads: 2, ..VitConfig::tiny(16, 4) };
        let config = SimMimConfig { mask_side: 3, ..SimMimConfig::default() };
        let method = config.init(vit.init(0, &device), 7, &device);
        let _ = method.step(&batch(&device), &Context::default());
    }
}
