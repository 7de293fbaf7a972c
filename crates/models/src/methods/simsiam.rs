//! SimSiam: predict one view's embedding from the other's, and let only the predictor learn.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::negative_cosine;
use serde::{Deserialize, Serialize};

use crate::{Backbone, Method, Mlp, MlpConfig, Step, Views};

/// What SimSiam adds to an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimSiamConfig {
    /// Width of the projector's layers and of the embedding. Paper: 2048 for features of 2048.
    pub d_output: usize,
    /// Width of the predictor's bottleneck. Paper: a quarter of the embedding.
    pub d_predictor: usize,
    /// Layers of the projector. Paper: 3, and 2 on CIFAR-10.
    pub layers: usize,
}

impl Default for SimSiamConfig {
    /// The paper's CIFAR-10 projector, narrowed to 512 with a bottleneck of 128 (ours).
    fn default() -> Self {
        Self { d_output: 512, d_predictor: 128, layers: 2 }
    }
}

impl SimSiamConfig {
    /// SimSiam around `encoder`; the heads' weights wait for [`seed_weights`](crate::seed_weights).
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

/// SimSiam.
///
/// ```text
/// loss = −½ cos(h(z_a), sg z_b) − ½ cos(h(z_b), sg z_a)        z = g(f(view))
/// ```
/// f encoder, g projector, h predictor, sg stop-gradient, without which all images collapse.
///
/// # Source
/// Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566).
/// Deviation: the predictor's learning rate is not held constant by itself; the run's schedule
/// decides.
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
