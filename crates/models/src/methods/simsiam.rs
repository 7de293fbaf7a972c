//! SimSiam: the embedding of one view is predicted from the other, without negatives.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::negative_cosine;
use serde::{Deserialize, Serialize};

use crate::{Backbone, Method, Mlp, MlpConfig, Step, Views};

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
    /// Layers of the projector. Default 2, the paper's on CIFAR-10; 3 on ImageNet.
    pub layers: usize,
}

impl Default for SimSiamConfig {
    /// Returns the paper's CIFAR-10 projector, narrowed to 512 with a bottleneck of 128 (ours).
    fn default() -> Self {
        Self { d_output: 512, d_predictor: 128, layers: 2 }
    }
}

impl SimSiamConfig {
    /// Creates SimSiam around `encoder`, with weights that [`seed_weights`](crate::seed_weights)
    /// draws.
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, device: &Device) -> SimSiam<B> {
        let mut widths = vec![self.d_output; self.layers + 1];
        widths[0] = encoder.d_output();
        let around = vec![self.d_output, self.d_predictor, self.d_output];
        SimSiam {
            encoder,
            projector: MlpConfig { widths, normalize_output: true }.init(device),
            predictor: MlpConfig { widths: around, normalize_output: false }.init(device),
        }
    }
}

/// SimSiam, which predicts the embedding of each view from the other.
///
/// ```text
/// loss = −½ cos(h(z_a), sg z_b) − ½ cos(h(z_b), sg z_a)        z = g(f(view))
/// ```
/// f encoder, g projector, h predictor, sg stop-gradient, without which the encoder collapses.
///
/// # Source
/// Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566).
/// Deviation: the predictor follows the schedule of the other networks; the paper keeps its
/// learning rate constant.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Method, ResNetConfig, SimSiamConfig, Views, seed_weights};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(&device);
/// let method = seed_weights(SimSiamConfig::default().init(encoder, &device), 0);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Views::new(vec![view.clone(), view], Vec::new()));
/// assert_eq!(step.embedding.dims(), [4, 512]);
/// assert!(step.loss.into_scalar::<f32>().abs() <= 1.0);
/// ```
#[derive(Module, Debug)]
pub struct SimSiam<B: Module> {
    encoder: B,
    projector: Mlp,
    predictor: Mlp,
}

impl<B: Backbone> SimSiam<B> {
    fn embed(&self, view: Tensor<4>) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for SimSiam<B> {
    type Encoder = B;

    fn step(&self, views: &Views) -> Step {
        let [z_a, z_b] = views.pair().map(|view| self.embed(view));
        let [p_a, p_b] = [&z_a, &z_b].map(|z| self.predictor.forward(z.clone()));
        Step::new(negative_cosine(p_a, p_b, z_a.clone(), z_b), z_a)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }
}
