//! `VIbCReg`: VICReg with whitened embeddings and correlations in place of covariances.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{VibcregLossConfig, vibcreg_terms};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, IterNorm, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`Vibcreg`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VibcregConfig {
    /// Width of the projector's three layers, and of the embedding. Default 512 (ours); the official
    /// code has 4096.
    pub d_output: usize,
    /// Groups of features that are whitened together; they divide `d_output`. Default 64, as in the
    /// official code.
    pub groups: usize,
    /// λ, the weight of the views' distance. Default 25, as in the official code.
    pub invariance: f64,
    /// μ, the weight of the variance term. Default 25, as in the official code.
    pub variance: f64,
    /// ν, the weight of the correlation term. Default 200, as in the official code.
    pub correlation: f64,
}

impl Default for VibcregConfig {
    /// Returns the official code's weights and groups, and an embedding of 512 (ours).
    fn default() -> Self {
        Self { d_output: 512, groups: 64, invariance: 25.0, variance: 25.0, correlation: 200.0 }
    }
}

impl VibcregConfig {
    /// Creates `VIbCReg` around `encoder`.
    ///
    /// # Panics
    /// If `groups` does not divide `d_output`.
    #[must_use]
    #[track_caller]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Vibcreg<B> {
        let wide = self.d_output;
        let projector = MlpConfig::new([encoder.d_output(), wide, wide, wide]);
        Vibcreg {
            projector: projector.init(seed.into().at("projector"), device),
            norm: IterNorm::new(wide, self.groups, device),
            encoder,
            config: self.clone(),
        }
    }
}

/// `VIbCReg`, which whitens embeddings in groups, keeps every feature's variance above a threshold
/// and lowers all correlations.
///
/// ```text
/// loss = λ mean (aᵢₖ − bᵢₖ)² + μ (V(A) + V(B)) + ν (R(A) + R(B))        A = w(g(f(a))), B = w(g(f(b)))
/// V(X) = mean over features of max(0, 1 − std)        R(X) = sum of squared correlations / dim²
/// ```
/// f encoder, g projector, w iterative normalization. The three terms are logged as `invariance`,
/// `variance` and `correlation`, weighted.
///
/// # Source
/// Lee & Aune, 2021, [arXiv:2109.00783](https://arxiv.org/abs/2109.00783), and the official code.
/// Deviation: the iterative normalization has no running statistics, which only an evaluation of the
/// projector would use.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, VibcregConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let config = VibcregConfig { d_output: 32, groups: 4, ..VibcregConfig::default() };
/// let method = config.init(encoder, 0, &device);
/// let view = Tensor::random([16, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// let terms: Vec<&str> = step.terms.iter().map(|(name, _)| *name).collect();
/// assert_eq!(terms, ["invariance", "variance", "correlation"]);
/// ```
#[derive(Module, Debug)]
pub struct Vibcreg<B: Module> {
    encoder: B,
    projector: Mlp,
    norm: IterNorm,
    #[module(skip)]
    config: VibcregConfig,
}

impl<B: Backbone> Vibcreg<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.norm.forward(self.projector.forward(self.encoder.forward(view)))
    }
}

impl<B: Backbone> Method for Vibcreg<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.embed(view));
        let VibcregConfig { invariance, variance, correlation, .. } = self.config;
        let weights = VibcregLossConfig { invariance, variance, correlation, ..Default::default() };
        let terms = vibcreg_terms(a.clone(), b, &weights);
        Step::new(terms.loss())
            .with_embedding(a)
            .with_term("invariance", terms.invariance)
            .with_term("variance", terms.variance)
            .with_term("correlation", terms.covariance)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or raise `variance`, the weight that keeps features apart"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::checks::{assert_views_are_alike, terms};
    use crate::methods::small::{assert_close, device, encoder, values, views};

    const CONFIG: VibcregConfig = VibcregConfig {
        d_output: 4,
        groups: 2,
        invariance: 25.0,
        variance: 25.0,
        correlation: 200.0,
    };

    #[test]
    fn both_views_get_gradients_of_one_size() {
        assert_views_are_alike(&CONFIG.init(encoder(1), 0, &device()), &views(2));
    }

    #[test]
    fn embeddings_are_whitened_in_groups() {
        let (method, batch) = (CONFIG.init(encoder(1), 0, &device()), views(2));
        let projected = method.projector.forward(method.encoder.forward(batch.pair()[0].clone()));
        let want = IterNorm::new(4, 2, &device()).forward(projected.clone());
        let found = method.step(&batch, &Context::default()).embedding.unwrap();
        assert_close(found, want.clone().inner());
        let apart = values((want - projected).abs().mean());
        assert!(apart[0] > 0.1, "whitening changes {apart:?}");
    }

    #[test]
    fn each_term_has_its_weight() {
        let terms = |config: &VibcregConfig| {
            let step = config.init(encoder(1), 0, &device()).step(&views(2), &Context::default());
            terms(&step, ["invariance", "variance", "correlation"])
        };
        let ones = VibcregConfig { invariance: 1.0, variance: 1.0, correlation: 1.0, ..CONFIG };
        let (weighted, plain) = (terms(&CONFIG), terms(&ones));
        for ((weighted, plain), weight) in weighted.iter().zip(plain).zip([25.0, 25.0, 200.0]) {
            assert!(plain > 0.0 && (weighted - plain * weight).abs() < 1e-4 * weighted);
        }
    }
}
