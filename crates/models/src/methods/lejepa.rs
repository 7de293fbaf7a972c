//! `LeJEPA`: views agree with the mean global view, and are distributed as a standard normal.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{LeJepaLossConfig, SigRegLossConfig, lejepa_terms, random_slices};
use serde::{Deserialize, Serialize};

use crate::settings::seeded_settings;
use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step};

/// Settings of [`LeJepa`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeJepaConfig {
    /// Width of the projector's two hidden layers. Default 512 (ours); the official code has 2048.
    pub d_hidden: usize,
    /// Width of the embedding. Default 64, as in lightly; the official minimal example is run with 16.
    pub d_output: usize,
    /// Views that the others agree with, the first of each sample; all, if there are no more. Default
    /// 2, as in the official code on ImageNet.
    pub global_views: usize,
    /// λ, 0 to 1, the share of the regularizer. Default 0.05, as in the official code.
    pub regularization: f64,
    /// Directions along which the distribution is compared. Default 1024, as in the official code.
    pub slices: usize,
    /// Points, 2 or more, at which the characteristic functions are compared. Default 17, as in the
    /// official code.
    pub knots: usize,
    /// The last of these points, greater than 0; the first is 0. Default 3, as in the official minimal
    /// example.
    pub t_max: f64,
}

impl Default for LeJepaConfig {
    /// Returns the official code's loss, with a narrower projector (ours).
    fn default() -> Self {
        Self {
            d_hidden: 512,
            d_output: 64,
            global_views: 2,
            regularization: 0.05,
            slices: 1024,
            knots: 17,
            t_max: 3.0,
        }
    }
}

impl LeJepaConfig {
    /// Creates `LeJEPA` around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> LeJepa<B> {
        let seed = seed.into();
        let Self { d_hidden, d_output, .. } = *self;
        let projector = MlpConfig::new([encoder.d_output(), d_hidden, d_hidden, d_output]);
        let projector = projector.init(seed.at("projector"), device);
        LeJepa { encoder, projector, slice_seed: seed.at("slices").number(), config: self.clone() }
    }
}

/// `LeJEPA`, which asks embeddings to be distributed as a standard normal, and so needs neither a
/// momentum network nor a stop-gradient.
///
/// ```text
/// loss = (1 − λ) mean over v, i, k of (zᵥᵢₖ − z̄ᵢₖ)² + λ mean over v of SIGReg(Zᵥ)        z = g(f(view))
/// ```
/// f encoder, g projector; v runs over all views, `z̄` is the mean of the global ones, which gets a
/// gradient too. SIGReg compares the distribution along random directions with a standard normal;
/// they are drawn anew for every step, by the seed and the number of the step, and are the same for
/// all views. The terms are logged as `regularization` and `invariance`, weighted.
///
/// # Source
/// Balestriero & LeCun, 2025, [arXiv:2511.08544](https://arxiv.org/abs/2511.08544), and the official
/// code.
/// Deviation: views are encoded one by one, so batch norm sees one view at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, LeJepaConfig, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = LeJepaConfig::default().init(encoder, 0, &device);
/// let view = |side| Tensor::random([4, 3, side, side], burn::tensor::Distribution::Default, &device);
/// let views = vec![view(16), view(16), view(8), view(8)];
/// let step = method.step(&Batch::new(views), &Context::default());
/// assert!(step.terms.iter().all(|(_, term)| term.clone().into_scalar::<f32>() > 0.0));
/// ```
#[derive(Module, Debug)]
pub struct LeJepa<B: Module> {
    encoder: B,
    projector: Mlp,
    slice_seed: u64,
    #[module(skip)]
    config: LeJepaConfig,
}

impl<B: Backbone> LeJepa<B> {
    /// Returns the directions of a step, `[d_output, slices]`, which depend on the seed of
    /// [`init`](LeJepaConfig::init) and on the number of the step.
    #[must_use]
    pub fn slices(&self, context: &Context, device: &Device) -> Tensor<2> {
        let LeJepaConfig { d_output, slices, .. } = self.config;
        random_slices(d_output, slices, self.slice_seed, context.clock.step, device)
    }

    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for LeJepa<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step {
        let views = batch.at_least(1).iter();
        let z: Vec<_> = views.map(|view| self.embed(view.clone())).collect();
        let (global, local) = z.split_at(self.config.global_views.min(z.len()));
        let LeJepaConfig { regularization, knots, t_max, .. } = self.config;
        let config = LeJepaLossConfig { regularization, sigreg: SigRegLossConfig { knots, t_max } };
        let slices = self.slices(context, &z[0].device());
        let terms = lejepa_terms(global, local, slices, &config);
        Step::new(terms.loss())
            .with_embedding(z[0].clone())
            .with_term("regularization", terms.regularization)
            .with_term("invariance", terms.invariance)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `regularization`, the share that keeps embeddings apart"
    }

    fn settings(&self) -> serde_json::Value {
        seeded_settings(&self.config, self.slice_seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::checks::{assert_views_are_alike, terms};
    use crate::methods::small::{
        assert_close, assert_same_gradients, device, encoder, gradients, values, views,
    };
    use crate::{Clock, ResNet};
    use selfsame_losses::lejepa;

    fn config() -> LeJepaConfig {
        let small = LeJepaConfig { d_hidden: 6, d_output: 3, ..LeJepaConfig::default() };
        LeJepaConfig { regularization: 0.3, slices: 5, ..small }
    }

    fn method(seed: u64) -> LeJepa<ResNet> {
        config().init(encoder(1), seed, &device())
    }

    fn at(step: u64) -> Context {
        Context::new(Clock { step, steps_per_epoch: 4, epochs: 9, ..Clock::default() })
    }

    #[test]
    fn the_first_views_are_global_and_all_views_share_the_slices_of_the_step() {
        let (method, batch) = (method(0), views(3));
        let step = method.step(&batch, &at(7));
        let _ = terms(&step, ["regularization", "invariance"]);
        let z: Vec<_> = batch.views.iter().map(|view| method.embed(view.clone())).collect();
        let slices = method.slices(&at(7), &device());
        let config = LeJepaLossConfig { regularization: 0.3, ..LeJepaLossConfig::default() };
        let want = lejepa(&z[..2], &z[2..], slices, &config);
        assert_close(step.loss.clone(), want.clone());
        // No view and no mean is a constant.
        assert_same_gradients(&gradients(&method, step.loss), &gradients(&method, want));
    }

    #[test]
    fn slices_change_with_each_step_and_a_resumed_run_repeats_them() {
        let slices = |seed, step| values(method(seed).slices(&at(step), &device()));
        assert_eq!(slices(0, 5), slices(0, 5), "the same run, built again");
        assert_ne!(slices(0, 5), slices(0, 6), "another step");
        assert_ne!(slices(0, 5), slices(1, 5), "another seed");
    }

    #[test]
    fn all_global_views_get_gradients_of_one_size() {
        let config = LeJepaConfig { global_views: 3, ..config() };
        assert_views_are_alike(&config.init(encoder(1), 0, &device()), &views(3));
    }
}
