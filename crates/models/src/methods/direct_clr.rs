//! DirectCLR: `SimCLR` on the first features of the encoder, without a projector.

use burn::module::Module;
use burn::tensor::Device;
use selfsame_losses::{DirectClrLossConfig, direct_clr};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Seed, Step, settings};

/// Settings of [`DirectClr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectClrConfig {
    /// The number of first features that are contrasted, 1 or more; narrower features are contrasted
    /// whole. Default 64, as in lightly; the official code has 360 of 2048.
    pub columns: usize,
    /// τ, greater than 0. Default 0.1, as in the official code.
    pub temperature: f64,
}

impl Default for DirectClrConfig {
    /// Returns lightly's 64 features and the official temperature.
    fn default() -> Self {
        Self { columns: 64, temperature: 0.1 }
    }
}

impl DirectClrConfig {
    /// Creates DirectCLR around `encoder`. It adds no weights: seed and device make no difference.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        _seed: impl Into<Seed>,
        _device: &Device,
    ) -> DirectClr<B> {
        DirectClr { encoder, config: self.clone() }
    }
}

/// DirectCLR, which contrasts the first features of the encoder.
///
/// ```text
/// loss = NT-Xent(f(a)[..columns], f(b)[..columns])        f encoder; a, b the two views
/// ```
/// The loss does not see the other features. They still learn, since all features come from the same
/// layers, and residual connections carry what the layers below have learned. This keeps more
/// dimensions in use than a contrast of all features does, which is what
/// [`SimClr`](crate::SimClr) needs a projector for.
///
/// # Source
/// Jing et al., 2021, [arXiv:2110.09348](https://arxiv.org/abs/2110.09348).
/// Deviation: the candidates are all other views of the batch, as in `SimCLR`; those of the official
/// code are the other view's.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, DirectClrConfig, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = DirectClrConfig { columns: 8, ..DirectClrConfig::default() };
/// let method = method.init(encoder, 0, &device);
/// let view = Tensor::ones([4, 3, 8, 8], &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// assert_eq!(step.embedding.map(|rows| rows.dims()), Some([4, 8]));
/// // All images are alike, so the positive is one of seven equal candidates.
/// assert!((step.loss.into_scalar::<f32>() - 7.0_f32.ln()).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct DirectClr<B: Module> {
    encoder: B,
    #[module(skip)]
    config: DirectClrConfig,
}

impl<B: Backbone> Method for DirectClr<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.encoder.forward(view));
        let DirectClrConfig { columns, temperature } = self.config;
        let loss = direct_clr(a.clone(), b, &DirectClrLossConfig { columns, temperature });
        let first = a.dims()[1].min(columns);
        Step::new(loss).with_embedding(a.narrow(1, 0, first))
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `temperature` or `columns`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{assert_close, device, encoder, gradients, views};
    use selfsame_losses::{NtXentLossConfig, nt_xent};

    #[test]
    fn the_features_themselves_are_contrasted_and_only_the_first() {
        let method = DirectClrConfig { columns: 3, temperature: 0.1 };
        let method = method.init(encoder(1), 1, &device());
        let batch = views(2);
        let step = method.step(&batch, &Context::default());
        let [a, b] = batch.pair().map(|view| method.encoder.forward(view).narrow(1, 0, 3));
        let want = nt_xent(a.clone(), b, &NtXentLossConfig { temperature: 0.1 });
        assert_close(step.loss.clone(), want);
        assert_close(step.embedding.unwrap(), a.inner());
        let found = gradients(&method, step.loss);
        // The last norm shifts each feature before the sum with the residual: no gradient, no use.
        let shift = &found["encoder.blocks.0.second.norm.beta"];
        assert!(shift[..3].iter().any(|slope| *slope != 0.0) && shift[3] == 0.0, "{shift:?}");
    }

    #[test]
    fn narrow_features_are_contrasted_whole() {
        let method = DirectClrConfig::default().init(encoder(1), 1, &device());
        let step = method.step(&views(2), &Context::default());
        assert_eq!(step.embedding.unwrap().dims(), [5, 4]);
    }
}
