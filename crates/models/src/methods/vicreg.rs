//! VICReg: views agree, every feature varies, and no two features say the same.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{VicregLossConfig, vicreg_views_terms};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`Vicreg`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VicregConfig {
    /// Width of the projector's three layers, and of the embedding. Default 512 (ours); the paper
    /// has 8192.
    pub d_output: usize,
    /// λ, the weight of the views' distance. Default 25, as in the paper.
    pub invariance: f64,
    /// μ, the weight of the variance term. Default 25, as in the paper.
    pub variance: f64,
    /// ν, the weight of the covariance term. Default 1, as in the paper.
    pub covariance: f64,
    /// Views that all others agree with, the first of each sample; all, if there are no more. Default
    /// 2: those of the paper, which has no others.
    pub global_views: usize,
}

impl Default for VicregConfig {
    /// Returns the paper's weights, and an embedding of 512 (ours).
    fn default() -> Self {
        Self { d_output: 512, invariance: 25.0, variance: 25.0, covariance: 1.0, global_views: 2 }
    }
}

impl VicregConfig {
    /// Creates VICReg around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Vicreg<B> {
        let wide = self.d_output;
        let projector = MlpConfig::new([encoder.d_output(), wide, wide, wide]);
        let projector = projector.init(seed.into().at("projector"), device);
        Vicreg { encoder, projector, config: self.clone() }
    }
}

/// VICReg, which keeps the variance of every feature above a threshold instead of contrasting
/// images.
///
/// ```text
/// loss = λ mean (aᵢₖ − bᵢₖ)² + μ ½ (V(A) + V(B)) + ν (C(A) + C(B))        A = g(f(a)), B = g(f(b))
/// V(X) = mean over features of max(0, 1 − std)        C(X) = sum of squared covariances / dim
/// ```
/// With more than two views, all agree with the first, global ones (ours), as
/// [`vicreg_views_terms`](selfsame_losses::vicreg_views_terms) describes. The three terms are logged
/// as `invariance`, `variance` and `covariance`, weighted.
///
/// # Source
/// Bardes et al., 2021, [arXiv:2105.04906](https://arxiv.org/abs/2105.04906), and the official
/// code, which averages the two variance terms.
/// Deviation: the two views are encoded separately, so batch norm sees one view at a time, as in
/// the official code.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, VicregConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = VicregConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// let terms: Vec<&str> = step.terms.iter().map(|(name, _)| *name).collect();
/// assert_eq!(terms, ["invariance", "variance", "covariance"]);
/// ```
#[derive(Module, Debug)]
pub struct Vicreg<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: VicregConfig,
}

impl<B: Backbone> Vicreg<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for Vicreg<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let z: Vec<_> = batch.at_least(2).iter().map(|view| self.embed(view.clone())).collect();
        let VicregConfig { invariance, variance, covariance, global_views, .. } = self.config;
        let (global, local) = z.split_at(global_views.min(z.len()));
        let weights = VicregLossConfig { invariance, variance, covariance, ..Default::default() };
        let terms = vicreg_views_terms(global, local, &weights);
        Step::new(terms.loss())
            .with_embedding(z[0].clone())
            .with_term("invariance", terms.invariance)
            .with_term("variance", terms.variance)
            .with_term("covariance", terms.covariance)
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
