//! `FroSSL`: views agree with their mean, and use all directions equally.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{FrosslLossConfig, frossl_terms};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`Frossl`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrosslConfig {
    /// Width of the projector's two hidden layers. Default 512 (ours); the official code has 2048.
    pub d_hidden: usize,
    /// Width of the embedding. Default 512 (ours); the official code has 1024.
    pub d_output: usize,
    /// Weight, 0 or more, of the distance to the mean view. Default 1, as in the official code.
    pub invariance: f64,
}

impl Default for FrosslConfig {
    /// Returns the official code's weight, with a narrower projector (ours).
    fn default() -> Self {
        Self { d_hidden: 512, d_output: 512, invariance: 1.0 }
    }
}

impl FrosslConfig {
    /// Creates `FroSSL` around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Frossl<B> {
        let Self { d_hidden, d_output, .. } = *self;
        let projector = MlpConfig::new([encoder.d_output(), d_hidden, d_hidden, d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        Frossl { encoder, projector, config: self.clone() }
    }
}

/// `FroSSL`, which lowers the Frobenius norm of each view's covariance, so that its eigenvalues
/// become equal without being computed.
///
/// ```text
/// loss = Σᵥ 2 log ‖ZᵥᵀZᵥ / tr‖_F + w · V · dim · Σᵥ mean (Zᵥ − Z̄)²        z = g(f(view))
/// ```
/// f encoder, g projector; each column of a view `Z` has unit length, `Z̄` is the mean of the V views,
/// 2 or more. The terms are logged as `regularization` and `invariance`, weighted.
///
/// # Source
/// Skean et al., 2023, [arXiv:2310.02903](https://arxiv.org/abs/2310.02903), and the official code.
/// Deviation: none beside the width.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, FrosslConfig, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = FrosslConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let views = vec![view.clone(), view.clone(), view];
/// let step = method.step(&Batch::new(views), &Context::default());
/// // Equal views; the least norm of 4 rows is that of 4 equal eigenvalues.
/// let loss = step.loss.into_scalar::<f32>();
/// assert!((-3.0 * 4.0_f32.ln()..=0.0).contains(&loss), "{loss}");
/// ```
#[derive(Module, Debug)]
pub struct Frossl<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: FrosslConfig,
}

impl<B: Backbone> Frossl<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for Frossl<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let views = batch.at_least(2).iter();
        let z: Vec<_> = views.map(|view| self.embed(view.clone())).collect();
        let config = FrosslLossConfig { invariance: self.config.invariance };
        let terms = frossl_terms(&z, &config);
        Step::new(terms.loss())
            .with_embedding(z[0].clone())
            .with_term("regularization", terms.regularization)
            .with_term("invariance", terms.invariance)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `invariance`, so that the other term counts more"
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

    const CONFIG: FrosslConfig = FrosslConfig { d_hidden: 6, d_output: 3, invariance: 1.0 };

    #[test]
    fn all_views_get_gradients_of_one_size() {
        assert_views_are_alike(&CONFIG.init(encoder(1), 0, &device()), &views(3));
    }

    #[test]
    fn the_distance_to_the_mean_view_has_its_weight() {
        let terms = |invariance| {
            let method = FrosslConfig { invariance, ..CONFIG }.init(encoder(1), 0, &device());
            let step = method.step(&views(3), &Context::default());
            terms(&step, ["regularization", "invariance"])
        };
        let ([norm, apart], [same_norm, more]) = (terms(1.0), terms(3.0));
        assert!(norm < 0.0 && (norm - same_norm).abs() < 1e-5 * norm.abs());
        assert!(apart > 0.0 && (apart * 3.0 - more).abs() < 1e-5 * more);
    }

    #[test]
    #[should_panic(expected = "needs 2 views or more")]
    fn one_view_is_refused() {
        let _ = CONFIG.init(encoder(1), 0, &device()).step(&views(1), &Context::default());
    }
}
