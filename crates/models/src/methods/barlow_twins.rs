//! Barlow Twins: each feature agrees between two views and is uncorrelated with the others.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{BarlowTwinsLossConfig, barlow_twins};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`BarlowTwins`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BarlowTwinsConfig {
    /// Width of the projector's three layers, and of the embedding. Default 512 (ours); the paper
    /// has 8192.
    pub d_output: usize,
    /// λ, the weight of the off-diagonal terms. Default 0.0051, as in the paper.
    pub off_diagonal: f64,
    /// Factor of the loss, which grows with the width, so that plain SGD needs a small one. Default
    /// 0.1, as solo-learn on CIFAR-10; the official code has 0.024.
    pub scale: f64,
}

impl Default for BarlowTwinsConfig {
    /// Returns the paper's λ, an embedding of 512 (ours) and solo-learn's CIFAR-10 scale.
    fn default() -> Self {
        Self { d_output: 512, off_diagonal: 0.0051, scale: 0.1 }
    }
}

impl BarlowTwinsConfig {
    /// Creates Barlow Twins around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> BarlowTwins<B> {
        let wide = self.d_output;
        let projector = MlpConfig::new([encoder.d_output(), wide, wide, wide]);
        let projector = projector.init(seed.into().at("projector"), device);
        BarlowTwins { encoder, projector, config: self.clone() }
    }
}

/// Barlow Twins, which brings the cross-correlation of two views close to the identity.
///
/// ```text
/// loss = scale · (Σᵢ (1 − Cᵢᵢ)² + λ Σᵢ Σⱼ≠ᵢ Cᵢⱼ²)        C = corr(g(f(a)), g(f(b)))
/// ```
///
/// # Source
/// Zbontar et al., 2021, [arXiv:2103.03230](https://arxiv.org/abs/2103.03230).
/// Deviation: `scale`, which the official code also has.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{BarlowTwinsConfig, Batch, Context, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let config = BarlowTwinsConfig { d_output: 16, ..BarlowTwinsConfig::default() };
/// let method = config.init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// // Equal views agree in every feature; only the 16 · 15 off-diagonal terms are left.
/// let loss = step.loss.into_scalar::<f32>();
/// assert!((0.0..0.1 * 0.0051 * 240.0 + 1e-3).contains(&loss), "{loss}");
/// ```
#[derive(Module, Debug)]
pub struct BarlowTwins<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: BarlowTwinsConfig,
}

impl<B: Backbone> BarlowTwins<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for BarlowTwins<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.embed(view));
        let off_diagonal = self.config.off_diagonal;
        let config = BarlowTwinsLossConfig { off_diagonal, ..BarlowTwinsLossConfig::default() };
        let loss = barlow_twins(a.clone(), b, &config) * self.config.scale;
        Step::new(loss).with_embedding(a)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `scale`, or raise `off_diagonal`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}
