//! EMP-SSL: many patches of an image agree, while the patches of a batch fill the space.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{EmpSslLossConfig, emp_ssl_terms};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`EmpSsl`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmpSslConfig {
    /// Width of the projector's two hidden layers. Default 512 (ours); the official code has 4096.
    pub d_hidden: usize,
    /// Width of the embedding. Default 512 (ours); the official code has 1024.
    pub d_output: usize,
    /// ε, greater than 0, the squared size of the noise that the coding rate is measured against.
    /// Default 0.2, as in the official code.
    pub epsilon: f64,
    /// Weight, 0 or more, of the cosine to the mean patch. Default 200, as in the official code.
    pub invariance: f64,
}

impl Default for EmpSslConfig {
    /// Returns the official code's loss, with a narrower projector (ours).
    fn default() -> Self {
        Self { d_hidden: 512, d_output: 512, epsilon: 0.2, invariance: 200.0 }
    }
}

impl EmpSslConfig {
    /// Creates EMP-SSL around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> EmpSsl<B> {
        let Self { d_hidden, d_output, .. } = *self;
        let projector = MlpConfig::new([encoder.d_output(), d_hidden, d_hidden, d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        EmpSsl { encoder, projector, config: self.clone() }
    }
}

/// EMP-SSL, which learns in few epochs from many patches of each image.
///
/// ```text
/// loss = mean over v of −½ log det(I + dim/(batch·ε) ZᵥᵀZᵥ) − w · mean over v, i of cos(zᵥᵢ, z̄ᵢ)
/// ```
/// z = g(f(patch)) of unit length, f encoder, g projector; `z̄` is the mean over the patches, 2 or
/// more. The first term, the negative coding rate, is logged as `regularization`, the second as
/// `invariance`, weighted.
///
/// # Source
/// Tong et al., 2023, [arXiv:2304.03977](https://arxiv.org/abs/2304.03977), and the official code.
/// Deviation: the encoder is what is kept; the paper keeps the projector's first hidden layer with it,
/// and averages the features of 128 patches of an image. Patches are encoded one by one, so batch
/// norm sees one patch of each image at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, EmpSslConfig, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = EmpSslConfig::default().init(encoder, 0, &device);
/// let patch = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![patch.clone(), patch]), &Context::default());
/// // Equal patches have the cosine 1, and some coding rate.
/// assert!(step.loss.into_scalar::<f32>() < -200.0);
/// ```
#[derive(Module, Debug)]
pub struct EmpSsl<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: EmpSslConfig,
}

impl<B: Backbone> EmpSsl<B> {
    fn embed(&self, patch: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(patch))
    }
}

impl<B: Backbone> Method for EmpSsl<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let patches = batch.at_least(2).iter();
        let z: Vec<_> = patches.map(|patch| self.embed(patch.clone())).collect();
        let EmpSslConfig { epsilon, invariance, .. } = self.config;
        let terms = emp_ssl_terms(&z, &EmpSslLossConfig { epsilon, invariance });
        Step::new(terms.loss())
            .with_embedding(z[0].clone())
            .with_term("regularization", terms.regularization)
            .with_term("invariance", terms.invariance)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `invariance`, so that the coding rate counts more"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::checks::{assert_views_are_alike, terms};
    use crate::methods::small::{device, encoder, views};

    const CONFIG: EmpSslConfig =
        EmpSslConfig { d_hidden: 6, d_output: 3, epsilon: 0.2, invariance: 200.0 };

    fn found(config: &EmpSslConfig) -> [f32; 2] {
        let step = config.init(encoder(1), 0, &device()).step(&views(3), &Context::default());
        terms(&step, ["regularization", "invariance"])
    }

    #[test]
    fn all_patches_get_gradients_of_one_size() {
        assert_views_are_alike(&CONFIG.init(encoder(1), 0, &device()), &views(3));
    }

    #[test]
    fn a_high_coding_rate_and_agreement_lower_the_loss() {
        let [rate, cosine] = found(&CONFIG);
        assert!(rate < 0.0 && (-200.0..0.0).contains(&cosine), "{rate}, {cosine}");
    }

    #[test]
    fn each_setting_reaches_its_term() {
        let [rate, cosine] = found(&CONFIG);
        let [same_rate, half] = found(&EmpSslConfig { invariance: 100.0, ..CONFIG });
        assert!((rate - same_rate).abs() < 1e-5 && (half * 2.0 - cosine).abs() < 1e-3);
        let [less, same_cosine] = found(&EmpSslConfig { epsilon: 2.0, ..CONFIG });
        assert!(rate < less && (cosine - same_cosine).abs() < 1e-3);
    }

    #[test]
    #[should_panic(expected = "needs 2 views or more")]
    fn one_patch_is_refused() {
        let _ = CONFIG.init(encoder(1), 0, &device()).step(&views(1), &Context::default());
    }
}
