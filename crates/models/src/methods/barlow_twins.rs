//! Barlow Twins: the two views' features agree one by one, and no two say the same.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{BarlowTwinsLossConfig, barlow_twins};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Method, Mlp, MlpConfig, Step, Views};

/// What Barlow Twins adds to an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BarlowTwinsConfig {
    /// Width of the projector's three layers, and of the embedding. Paper: 8192.
    pub d_output: usize,
    /// λ, the weight of the off-diagonal terms. Paper: 0.0051.
    pub off_diagonal: f64,
    /// The loss is multiplied by this. It grows with the width, so plain SGD needs it small;
    /// the official code has 0.024, solo-learn 0.1 on CIFAR-10.
    pub scale: f64,
}

impl Default for BarlowTwinsConfig {
    /// The paper's λ, an embedding of 512 (ours) and solo-learn's CIFAR-10 scale.
    fn default() -> Self {
        Self { d_output: 512, off_diagonal: 0.0051, scale: 0.1 }
    }
}

impl BarlowTwinsConfig {
    /// Barlow Twins around `encoder`; the projector's weights wait for
    /// [`seed_weights`](crate::seed_weights).
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, device: &Device) -> BarlowTwins<B> {
        let widths = vec![encoder.d_output(), self.d_output, self.d_output, self.d_output];
        let projector = MlpConfig { widths, normalize_output: false }.init(device);
        BarlowTwins { encoder, projector, off_diagonal: self.off_diagonal, scale: self.scale }
    }
}

/// Barlow Twins.
///
/// ```text
/// loss = scale · (Σᵢ (1 − Cᵢᵢ)² + λ Σᵢ Σⱼ≠ᵢ Cᵢⱼ²)        C = corr(g(f(a)), g(f(b)))
/// ```
///
/// # Source
/// Zbontar et al., 2021, [arXiv:2103.03230](https://arxiv.org/abs/2103.03230).
/// Deviation: `scale`, which the official code also has.
#[derive(Module, Debug)]
pub struct BarlowTwins<B: Module> {
    encoder: B,
    projector: Mlp,
    off_diagonal: f64,
    scale: f64,
}

impl<B: Backbone> BarlowTwins<B> {
    fn embed(&self, view: Tensor<4>) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for BarlowTwins<B> {
    type Encoder = B;

    fn step(&self, views: &Views) -> Step {
        let [a, b] = views.pair().map(|view| self.embed(view));
        let off_diagonal = self.off_diagonal;
        let config = BarlowTwinsLossConfig { off_diagonal, ..BarlowTwinsLossConfig::default() };
        Step::new(barlow_twins(a.clone(), b, &config) * self.scale, a)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }
}
