//! A custom loss: a function of tensors, which a method of a few lines trains with. Here it is the
//! spectral contrastive loss, with its two parts logged. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::sync::Arc;

use anyhow::ensure;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame::augment::Recipe;
use selfsame::datasets::{Split, Synthetic, SyntheticConfig};
use selfsame::models::{
    Backbone, Batch, Context, Method, Mlp, MlpConfig, ResNet, ResNetConfig, Step, settings,
};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};
use serde::Serialize;

/// Returns the two parts of the spectral contrastive loss, whose sum is the loss.
///
/// ```text
/// attract = −2 mean over i of aᵢ·bᵢ        repel = mean over i ≠ j of (aᵢ·bⱼ)²
/// ```
/// Rows are scaled to a squared length of `radius`.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image
/// - output: `[1]` each
///
/// # Source
/// `HaoChen` et al., 2021, [arXiv:2106.04156](https://arxiv.org/abs/2106.04156).
/// Deviation: rows have a fixed length, and the negatives are the other images of the batch.
fn spectral_contrastive(view_a: Tensor<2>, view_b: Tensor<2>, radius: f64) -> [Tensor<1>; 2] {
    let batch = view_a.dims()[0] as f64;
    let [a, b] = [view_a, view_b].map(|rows| {
        let lengths = rows.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
        rows / lengths * radius.sqrt()
    });
    let positives = (a.clone() * b.clone()).sum_dim(1);
    let pairs = a.matmul(b.transpose()).square().sum();
    let negatives = pairs - positives.clone().square().sum();
    [positives.mean() * -2.0, negatives / (batch * (batch - 1.0))]
}

/// Settings of [`SpectralContrast`]. They are serialized to be compared when a run is resumed.
#[derive(Clone, Debug, Serialize)]
struct SpectralContrastConfig {
    /// Squared length of the rows, above 0.
    radius: f64,
}

/// An encoder and a projector, trained with [`spectral_contrastive`].
#[derive(Module, Debug)]
struct SpectralContrast {
    encoder: ResNet,
    projector: Mlp,
    // Settings are not state: they come from the program, not from a checkpoint.
    #[module(skip)]
    config: SpectralContrastConfig,
}

impl Method for SpectralContrast {
    type Batch = Batch;
    type Encoder = ResNet;
    type Carry = ();

    fn step(&self, batch: &Batch, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.projector.forward(self.encoder.forward(view)));
        let [attract, repel] = spectral_contrastive(a.clone(), b, self.config.radius);
        Step::new(attract.clone() + repel.clone())
            .with_embedding(a)
            .with_term("attract", attract)
            .with_term("repel", repel)
    }

    fn encoder(&self) -> &ResNet {
        &self.encoder
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();

    // A loss is checked on rows so small that the answer is known: two images at right angles, each
    // seen the same twice.
    let rows = Tensor::<2>::eye(2, &Device::flex()) * 7.0;
    let [attract, repel] =
        spectral_contrastive(rows.clone(), rows, 1.0).map(Tensor::into_scalar::<f32>);
    ensure!((attract + 2.0).abs() < 1e-6 && repel.abs() < 1e-6, "−2 and 0, not {attract}, {repel}");

    let device = Device::flex().autodiff();
    let views = Recipe::shapes(16);
    let shown = views.for_evaluation();
    let drawn = SyntheticConfig { images: 1000, size: 16, seed: 0, split: Split::Train };
    let train = Arc::new(Synthetic::new(drawn));
    let test = Arc::new(Synthetic::new(SyntheticConfig { split: Split::Test, ..drawn }));
    let loading = LoaderConfig { batch_size: 100, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let encoder = ResNetConfig::resnet10(4).init(0, &device);
    let projector = MlpConfig::new([encoder.d_output(), 64, 32]).init(1, &device);
    let config = SpectralContrastConfig { radius: 3.0 };
    let method = SpectralContrast { encoder, projector, config };
    let before = held_out.knn(method.encoder(), &Device::flex())?;

    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.1));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device)?.fit()?;
    println!("epoch  attract  repel");
    for epoch in &outcome.history.0 {
        let [attract, repel] = ["attract", "repel"].map(|term| epoch.metrics[term]);
        println!("{:5}  {attract:7.3}  {repel:5.3}", epoch.epoch);
    }
    let after = held_out.knn(outcome.method.encoder(), &Device::flex())?;
    println!("spectral contrast  kNN before {before:.3} after {after:.3}");
    Ok(())
}
