//! `VISReg`: views agree, and their center, scale and shape are those of a standard normal.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{VisRegLossConfig, random_slices, visreg_terms};
use serde::{Deserialize, Serialize};

use crate::settings::seeded_settings;
use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step};

/// Settings of [`VisReg`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisRegConfig {
    /// Width of the projector's two hidden layers. Default 512 (ours); the official code has 2048.
    pub d_hidden: usize,
    /// Width of the embedding. Default 128, as in the official code on Imagenette.
    pub d_output: usize,
    /// Views that the others agree with, the first of each sample; all, if there are no more. Default
    /// 2 (ours); the official code has 4.
    pub global_views: usize,
    /// λ, 0 to 1, the share of the regularizer. Default 0.6, the paper's for small data sets; 0.9 on
    /// ImageNet.
    pub regularization: f64,
    /// Directions along which the shape is compared. Default 256, the default of the official code;
    /// the paper has 4096.
    pub slices: usize,
}

impl Default for VisRegConfig {
    /// Returns the paper's settings for small data sets, with a narrower projector (ours) and fewer
    /// slices.
    fn default() -> Self {
        Self { d_hidden: 512, d_output: 128, global_views: 2, regularization: 0.6, slices: 256 }
    }
}

impl VisRegConfig {
    /// Creates `VISReg` around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> VisReg<B> {
        let seed = seed.into();
        let Self { d_hidden, d_output, .. } = *self;
        let projector = MlpConfig::new([encoder.d_output(), d_hidden, d_hidden, d_output]);
        let projector = projector.init(seed.at("projector"), device);
        VisReg { encoder, projector, slice_seed: seed.at("slices").number(), config: self.clone() }
    }
}

/// `VISReg`, which asks for embeddings of mean 0, deviation 1 and a normal shape, each by a term of its
/// own, so that a collapsed encoder still gets a gradient.
///
/// ```text
/// loss = (1 − λ) mean over v, i, k of (zᵥᵢₖ − z̄ᵢₖ)²
///      + λ mean over v of [ mean (mean Zᵥ)² + mean (1 − std Zᵥ)² + shape(Zᵥ) ]        z = g(f(view))
/// ```
/// f encoder, g projector; v runs over all views, `z̄` is the mean of the global ones. The shape is the
/// squared Wasserstein distance of the standardized embeddings from a standard normal, along random
/// directions; they are drawn anew for every step, by the seed and the number of the step, and are
/// the same for all views. The terms are logged as `invariance`, `center`, `scale` and `shape`,
/// weighted.
///
/// # Source
/// Wu et al., 2026, [arXiv:2606.02572](https://arxiv.org/abs/2606.02572), and the official code.
/// Deviation: views are encoded one by one, so batch norm sees one view at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, VisRegConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = VisRegConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// let terms: Vec<&str> = step.terms.iter().map(|(name, _)| *name).collect();
/// assert_eq!(terms, ["invariance", "center", "scale", "shape"]);
/// ```
#[derive(Module, Debug)]
pub struct VisReg<B: Module> {
    encoder: B,
    projector: Mlp,
    slice_seed: u64,
    #[module(skip)]
    config: VisRegConfig,
}

impl<B: Backbone> VisReg<B> {
    /// Returns the directions of a step, `[d_output, slices]`, which depend on the seed of
    /// [`init`](VisRegConfig::init) and on the number of the step.
    #[must_use]
    pub fn slices(&self, context: &Context, device: &Device) -> Tensor<2> {
        let VisRegConfig { d_output, slices, .. } = self.config;
        random_slices(d_output, slices, self.slice_seed, context.clock.step, device)
    }

    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for VisReg<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step {
        let views = batch.at_least(1).iter();
        let z: Vec<_> = views.map(|view| self.embed(view.clone())).collect();
        let (global, local) = z.split_at(self.config.global_views.min(z.len()));
        let regularization = self.config.regularization;
        let config = VisRegLossConfig { regularization, ..VisRegLossConfig::default() };
        let slices = self.slices(context, &z[0].device());
        let terms = visreg_terms(global, local, slices, &config);
        Step::new(terms.loss())
            .with_embedding(z[0].clone())
            .with_term("invariance", terms.invariance)
            .with_term("center", terms.center)
            .with_term("scale", terms.scale)
            .with_term("shape", terms.shape)
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
    use selfsame_losses::visreg;

    fn config() -> VisRegConfig {
        let small = VisRegConfig { d_hidden: 6, d_output: 3, ..VisRegConfig::default() };
        VisRegConfig { regularization: 0.3, slices: 5, ..small }
    }

    fn method(seed: u64) -> VisReg<ResNet> {
        config().init(encoder(1), seed, &device())
    }

    fn at(step: u64) -> Context {
        Context::new(Clock { step, steps_per_epoch: 4, epochs: 9, ..Clock::default() })
    }

    #[test]
    fn the_first_views_are_global_and_all_views_share_the_slices_of_the_step() {
        let (method, batch) = (method(0), views(3));
        let step = method.step(&batch, &at(7));
        let _ = terms(&step, ["invariance", "center", "scale", "shape"]);
        let z: Vec<_> = batch.views.iter().map(|view| method.embed(view.clone())).collect();
        let slices = method.slices(&at(7), &device());
        let config = VisRegLossConfig { regularization: 0.3, ..VisRegLossConfig::default() };
        let want = visreg(&z[..2], &z[2..], slices, &config);
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
        let config = VisRegConfig { global_views: 3, ..config() };
        assert_views_are_alike(&config.init(encoder(1), 0, &device()), &views(3));
    }
}
