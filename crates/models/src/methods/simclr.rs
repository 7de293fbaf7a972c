//! SimCLR: the two views of an image attract, and all other images of the batch repel.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{NtXentLossConfig, nt_xent};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`SimClr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimClrConfig {
    /// Width of the projector's hidden layer. Default 256 (ours); the paper has the width of the
    /// features.
    pub d_hidden: usize,
    /// Width of the embedding that the loss compares. Default 128, as in the paper.
    pub d_output: usize,
    /// τ, greater than 0: smaller values make similar images repel more. Default 0.5, the paper's
    /// on CIFAR-10.
    pub temperature: f64,
}

impl Default for SimClrConfig {
    /// Returns the paper's 128-wide embedding and CIFAR-10 temperature; hidden layer 256 (ours).
    fn default() -> Self {
        Self { d_hidden: 256, d_output: 128, temperature: 0.5 }
    }
}

impl SimClrConfig {
    /// Creates SimCLR around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> SimClr<B> {
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        SimClr { encoder, projector, config: self.clone() }
    }
}

/// SimCLR, which contrasts the two views of an image with all other images of the batch.
///
/// ```text
/// loss = NT-Xent(g(f(a)), g(f(b)))        f encoder, g projector; a, b the two views
/// ```
///
/// # Source
/// Chen et al., 2020, [arXiv:2002.05709](https://arxiv.org/abs/2002.05709).
/// Deviation: the two views are encoded separately, so batch norm sees one view at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, SimClrConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = SimClrConfig::default().init(encoder, 0, &device);
/// let view = Tensor::ones([4, 3, 8, 8], &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// // All images are alike, so the positive is one of seven equal candidates.
/// assert!((step.loss.into_scalar::<f32>() - 7.0_f32.ln()).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct SimClr<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: SimClrConfig,
}

impl<B: Backbone> SimClr<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for SimClr<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.embed(view));
        let config = NtXentLossConfig { temperature: self.config.temperature };
        Step::new(nt_xent(a.clone(), b, &config)).with_embedding(a)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or raise `temperature`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}
