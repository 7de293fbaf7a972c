//! SimCLR: an image's two views attract, all other images of the batch repel.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{NtXentLossConfig, nt_xent};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Method, Mlp, MlpConfig, Step, Views};

/// What SimCLR adds to an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimClrConfig {
    /// Width of the projector's hidden layer.
    pub d_hidden: usize,
    /// Width of the embedding the loss compares.
    pub d_output: usize,
    /// τ: small values make near images repel more. Paper: 0.5 on CIFAR-10.
    pub temperature: f64,
}

impl Default for SimClrConfig {
    /// The paper's 128-wide embedding and CIFAR-10 temperature; hidden layer 256 (ours).
    fn default() -> Self {
        Self { d_hidden: 256, d_output: 128, temperature: 0.5 }
    }
}

impl SimClrConfig {
    /// SimCLR around `encoder`; the projector's weights wait for
    /// [`seed_weights`](crate::seed_weights).
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, device: &Device) -> SimClr<B> {
        let widths = vec![encoder.d_output(), self.d_hidden, self.d_output];
        let projector = MlpConfig { widths, normalize_output: false }.init(device);
        SimClr { encoder, projector, temperature: self.temperature }
    }
}

/// SimCLR.
///
/// ```text
/// loss = NT-Xent(g(f(a)), g(f(b)))        f encoder, g projector; a, b the two views
/// ```
///
/// # Source
/// Chen et al., 2020, [arXiv:2002.05709](https://arxiv.org/abs/2002.05709).
/// Deviation: the two views are encoded apart, so batch norm sees one view at a time.
#[derive(Module, Debug)]
pub struct SimClr<B: Module> {
    encoder: B,
    projector: Mlp,
    temperature: f64,
}

impl<B: Backbone> SimClr<B> {
    fn embed(&self, view: Tensor<4>) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for SimClr<B> {
    type Encoder = B;

    fn step(&self, views: &Views) -> Step {
        let [a, b] = views.pair().map(|view| self.embed(view));
        let config = NtXentLossConfig { temperature: self.temperature };
        Step::new(nt_xent(a.clone(), b, &config), a)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }
}
