//! `SupCon`: all views of a class attract, and those of other classes repel.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{SupConLossConfig, sup_con};
use serde::{Deserialize, Serialize};

use super::class_labels::class_labels;
use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`SupCon`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupConConfig {
    /// Width of the projector's hidden layer. Default 256 (ours); the paper has 2048, the official
    /// code the width of the features.
    pub d_hidden: usize,
    /// Width of the embedding. Default 128, as in the paper.
    pub d_output: usize,
    /// τ, greater than 0. Default 0.1, as in the paper.
    pub temperature: f64,
}

impl Default for SupConConfig {
    /// Returns the paper's embedding and temperature; hidden layer 256 (ours).
    fn default() -> Self {
        Self { d_hidden: 256, d_output: 128, temperature: 0.1 }
    }
}

impl SupConConfig {
    /// Creates `SupCon` around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> SupCon<B> {
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.without_hidden_norm().init(seed.into().at("projector"), device);
        SupCon { encoder, projector, config: self.clone() }
    }
}

/// `SupCon`, which contrasts the classes of a labeled batch. It needs a label for every sample.
///
/// ```text
/// loss = mean over all 2B views i of  −(1/|P(i)|) Σₚ s(i, p)/τ + log Σₖ≠ᵢ exp(s(i, k)/τ)
/// ```
/// P(i) holds the other views of `i`'s class, s is the cosine of g(f(view)), f encoder, g projector.
/// It is a yardstick for what labels add: with all labels different it is
/// [`SimClr`](crate::SimClr)'s loss.
///
/// # Source
/// Khosla et al., 2020, [arXiv:2004.11362](https://arxiv.org/abs/2004.11362), and the official code.
/// Deviation: no factor τ / 0.07, which the official code has; the two views are encoded separately,
/// so batch norm sees one view at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, SupConConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = SupConConfig::default().init(encoder, 0, &device);
/// let view = Tensor::ones([4, 3, 8, 8], &device);
/// let labels = [0, 0, 3, 3].map(Some).to_vec();
/// let batch = Batch::new(vec![view.clone(), view]).with_labels(labels);
/// let step = method.step(&batch, &Context::default());
/// // All images are alike, so each positive is one of seven equal candidates.
/// assert!((step.loss.into_scalar::<f32>() - 7.0_f32.ln()).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct SupCon<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: SupConConfig,
}

impl<B: Backbone> SupCon<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for SupCon<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.embed(view));
        let labels = class_labels(batch, &a.device());
        let config = SupConLossConfig { temperature: self.config.temperature };
        Step::new(sup_con(a.clone(), b, labels, &config)).with_embedding(a)
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
    use burn::tensor::Int;
    use selfsame_losses::{NtXentLossConfig, nt_xent};

    fn method() -> SupCon<crate::ResNet> {
        let config = SupConConfig { d_hidden: 6, d_output: 3, ..SupConConfig::default() };
        config.init(encoder(1), 1, &device())
    }

    fn loss(labels: [usize; 5]) -> Tensor<1> {
        let batch = views(2).with_labels(labels.map(Some).to_vec());
        method().step(&batch, &Context::default()).loss
    }

    #[test]
    fn without_two_images_of_a_class_it_is_simclr() {
        let (method, batch) = (method(), views(2));
        let [a, b] = batch.pair().map(|view| method.embed(view));
        let want = nt_xent(a, b, &NtXentLossConfig { temperature: 0.1 });
        assert_close(loss([4, 3, 2, 1, 0]), want);
    }

    #[test]
    fn views_of_a_class_are_positives() {
        let (method, batch) = (method(), views(2));
        let [a, b] = batch.pair().map(|view| method.embed(view).inner());
        let labels = Tensor::<1, Int>::from_ints([1, 0, 1, 1, 0], &Device::flex());
        let want = sup_con(a, b, labels, &SupConLossConfig { temperature: 0.1 });
        assert_close(loss([1, 0, 1, 1, 0]).inner(), want);
    }

    #[test]
    #[should_panic(expected = "4 of 5 have one")]
    fn every_sample_needs_a_label() {
        let mut batch = views(2).with_labels(vec![Some(0); 5]);
        batch.labels[2] = None;
        let _ = method().step(&batch, &Context::default());
    }
}
