//! SimSiam: the embedding of one view is predicted from the other, without negatives.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::negative_cosine;
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`SimSiam`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimSiamConfig {
    /// Width of the projector's layers and of the embedding. Default 512 (ours); the paper has 2048
    /// for features of 2048.
    pub d_output: usize,
    /// Width of the predictor's bottleneck. Default 128, a quarter of the embedding as in the
    /// paper.
    pub d_predictor: usize,
    /// Layers of the projector, 1 or more. Default 2, the paper's on CIFAR-10; 3 on ImageNet.
    pub layers: usize,
}

impl Default for SimSiamConfig {
    /// Returns the paper's CIFAR-10 projector, narrowed to 512 with a bottleneck of 128 (ours).
    fn default() -> Self {
        Self { d_output: 512, d_predictor: 128, layers: 2 }
    }
}

impl SimSiamConfig {
    /// Creates SimSiam around `encoder`.
    ///
    /// # Panics
    /// If `layers` is 0.
    #[must_use]
    #[track_caller]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> SimSiam<B> {
        let (projector, predictor) = self.heads(encoder.d_output(), seed.into(), device);
        SimSiam { encoder, projector, predictor, config: self.clone() }
    }

    /// Creates the projector, on features of width `d_input`, and the predictor.
    #[track_caller]
    pub(super) fn heads(&self, d_input: usize, seed: Seed, device: &Device) -> (Mlp, Mlp) {
        let widths = [d_input, self.d_output, self.d_output];
        let projector = MlpConfig::of_layers(self.layers, widths).with_output_norm();
        let predictor = MlpConfig::new([self.d_output, self.d_predictor, self.d_output]);
        (projector.init(seed.at("projector"), device), predictor.init(seed.at("predictor"), device))
    }
}

/// SimSiam, which predicts the embedding of each view from the other.
///
/// ```text
/// loss = −½ cos(h(z_a), sg z_b) − ½ cos(h(z_b), sg z_a)        z = g(f(view))
/// ```
/// f encoder, g projector, h predictor, sg stop-gradient, without which the encoder collapses. The
/// learning rate of the predictor stays constant.
///
/// # Source
/// Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566).
/// Deviation: the two views are encoded separately, so batch norm sees one view at a time, as in
/// the official code.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, SimSiamConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = SimSiamConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// assert_eq!(step.embedding.map(|rows| rows.dims()), Some([4, 512]));
/// assert!(step.loss.into_scalar::<f32>().abs() <= 1.0);
/// ```
#[derive(Module, Debug)]
pub struct SimSiam<B: Module> {
    encoder: B,
    projector: Mlp,
    predictor: Mlp,
    #[module(skip)]
    config: SimSiamConfig,
}

impl<B: Backbone> SimSiam<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for SimSiam<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [z_a, z_b] = batch.pair().map(|view| self.embed(view));
        let [p_a, p_b] = [&z_a, &z_b].map(|z| self.predictor.forward(z.clone()));
        Step::new(negative_cosine(p_a, p_b, z_a.clone(), z_b)).with_embedding(z_a)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn constant_rate(&self) -> &'static [&'static str] {
        &["predictor"]
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or narrow the predictor with `d_predictor`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}
