//! SimCLR: the two views of an image attract, and all other images of the batch repel.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{DclLossConfig, NtXentLossConfig, dcl, nt_xent};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`SimClr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimClrConfig {
    /// Width of the projector's hidden layers. Default 256 (ours); the paper has the width of the
    /// features.
    pub d_hidden: usize,
    /// Width of the embedding that the loss compares. Default 128, as in the paper.
    pub d_output: usize,
    /// Layers of the projector, 1 or more. Default 2, as in the paper; 3 is the projector of
    /// `SimCLR` v2.
    pub layers: usize,
    /// τ, greater than 0: smaller values make similar images repel more. Default 0.5, the paper's
    /// on CIFAR-10.
    pub temperature: f64,
    /// The loss. Default NT-Xent, as in the paper.
    pub loss: SimClrLoss,
}

/// The loss of [`SimClr`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimClrLoss {
    /// [`nt_xent`](selfsame_losses::nt_xent()), the paper's.
    #[default]
    NtXent,
    /// [`dcl`](selfsame_losses::dcl()), whose denominators do without the positive, so that it needs
    /// fewer negatives. Its paper has a `temperature` of 0.1.
    Dcl,
    /// The same with weighted positives: far ones count more.
    Dclw {
        /// σ, greater than 0: smaller values make the weights differ more. The paper has 0.5.
        sigma: f64,
    },
}

impl Default for SimClrConfig {
    /// Returns the paper's 128-wide embedding and CIFAR-10 temperature; hidden layer 256 (ours).
    fn default() -> Self {
        Self { d_hidden: 256, d_output: 128, layers: 2, temperature: 0.5, loss: SimClrLoss::NtXent }
    }
}

impl SimClrConfig {
    /// Creates SimCLR around `encoder`.
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
    ) -> SimClr<B> {
        let widths = [encoder.d_output(), self.d_hidden, self.d_output];
        let projector = MlpConfig::of_layers(self.layers, widths);
        let projector = projector.init(seed.into().at("projector"), device);
        SimClr { encoder, projector, config: self.clone() }
    }
}

/// SimCLR, which contrasts the two views of an image with all other images of the batch.
///
/// ```text
/// loss = NT-Xent(g(f(a)), g(f(b)))        f encoder, g projector; a, b the two views
/// ```
/// [`SimClrLoss`] has the decoupled losses that can replace NT-Xent.
///
/// # Source
/// Chen et al., 2020, [arXiv:2002.05709](https://arxiv.org/abs/2002.05709); three layers: Chen et
/// al., 2020, [arXiv:2006.10029](https://arxiv.org/abs/2006.10029); decoupled losses: Yeh et al.,
/// 2021, [arXiv:2110.06848](https://arxiv.org/abs/2110.06848).
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
        let temperature = self.config.temperature;
        let decoupled = |sigma: Option<f64>| DclLossConfig { temperature, sigma };
        let loss = match self.config.loss {
            SimClrLoss::NtXent => nt_xent(a.clone(), b, &NtXentLossConfig { temperature }),
            SimClrLoss::Dcl => dcl(a.clone(), b, &decoupled(None)),
            SimClrLoss::Dclw { sigma } => dcl(a.clone(), b, &decoupled(Some(sigma))),
        };
        Step::new(loss).with_embedding(a)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{assert_close, device, encoder, views};

    fn config() -> SimClrConfig {
        SimClrConfig { d_hidden: 6, d_output: 3, ..SimClrConfig::default() }
    }

    #[test]
    fn three_layers_are_the_projector_of_version_2() {
        let count = |layers: usize| {
            let config = SimClrConfig { layers, ..config() };
            config.init(encoder(1), 1, &device()).projector.num_params()
        };
        let (first, last) = (4 * 6 + 4 * 6, 6 * 3 + 3);
        assert_eq!([count(2), count(3)], [first + last, first + 6 * 6 + 4 * 6 + last]);
    }

    #[test]
    fn the_loss_is_the_one_asked_for() {
        let batch = views(2);
        let losses = [SimClrLoss::NtXent, SimClrLoss::Dcl, SimClrLoss::Dclw { sigma: 0.3 }];
        let [nt_xent_loss, dcl_loss, weighted] = losses.map(|loss| {
            let method = SimClrConfig { loss, ..config() }.init(encoder(1), 1, &device());
            method.step(&batch, &Context::default()).loss
        });
        let method = config().init(encoder(1), 1, &device());
        let [a, b] = batch.pair().map(|view| method.embed(view));
        let temperature = 0.5;
        let decoupled =
            |sigma: Option<f64>| dcl(a.clone(), b.clone(), &DclLossConfig { temperature, sigma });
        assert_close(dcl_loss, decoupled(None));
        assert_close(weighted, decoupled(Some(0.3)));
        assert_close(nt_xent_loss, nt_xent(a, b, &NtXentLossConfig { temperature }));
    }

    #[test]
    fn settings_name_the_loss() {
        let read = |text: &str| serde_json::from_str::<SimClrConfig>(text).map(|found| found.loss);
        assert_eq!(read("{}").unwrap(), SimClrLoss::NtXent);
        assert_eq!(read(r#"{"loss": "dcl"}"#).unwrap(), SimClrLoss::Dcl);
        let weighted = read(r#"{"loss": {"dclw": {"sigma": 0.5}}}"#);
        assert_eq!(weighted.unwrap(), SimClrLoss::Dclw { sigma: 0.5 });
        assert!(read(r#"{"loss": "dcl2"}"#).is_err());
    }
}
