//! BYOL: the online network predicts what its moving average makes of the other view.

use burn::module::Module;
use burn::tensor::Device;
use selfsame_losses::byol;
use selfsame_optim::Schedule;
use serde::{Deserialize, Serialize};

use crate::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, Momentum, Seed, Step, settings,
};

/// Settings of [`Byol`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ByolConfig {
    /// Width of the hidden layer of projector and predictor. Default 512 (ours); the paper has
    /// 4096.
    pub d_hidden: usize,
    /// Width of the embedding. Default 256, as in the paper.
    pub d_output: usize,
    /// How much of the target an update keeps, 0 to 1, over the run. Default half a cosine from 0.99
    /// to 1; the paper starts at 0.996 for 1,000 epochs of ImageNet.
    pub momentum: Schedule,
}

impl Default for ByolConfig {
    /// Returns the paper's embedding, a hidden layer of 512 (ours) and a target that follows faster
    /// than the paper's, for shorter runs.
    fn default() -> Self {
        Self { d_hidden: 512, d_output: 256, momentum: Schedule::cosine(0.99, 1.0) }
    }
}

impl ByolConfig {
    /// Creates BYOL around `encoder`; the target starts as a copy.
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, seed: impl Into<Seed>, device: &Device) -> Byol<B> {
        let seed = seed.into();
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let predictor = MlpConfig::new([self.d_output, self.d_hidden, self.d_output]);
        let online = Branch::new(encoder, projector.init(seed.at("projector"), device));
        Byol {
            predictor: predictor.init(seed.at("predictor"), device),
            target: Momentum::of(&online),
            online,
            config: self.clone(),
        }
    }
}

/// BYOL, which predicts the target's embedding of each view from the online embedding of the other.
///
/// ```text
/// loss = ‖ĥ(z_a) − ẑ'_b‖² + ‖ĥ(z_b) − ẑ'_a‖²        z = g(f(view)), z' = g'(f'(view))
/// ```
/// f encoder, g projector, h predictor; a hat is a row of unit length. f' and g' are the moving
/// averages of f and g, with a momentum that rises to 1, and get no gradient.
///
/// # Source
/// Grill et al., 2020, [arXiv:2006.07733](https://arxiv.org/abs/2006.07733).
/// Deviation: the momentum starts at 0.99 by default.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, ByolConfig, Context, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let mut method = ByolConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert!((0.0..=8.0).contains(&step.loss.into_scalar::<f32>()));
/// ```
#[derive(Module, Debug)]
pub struct Byol<B: Backbone> {
    online: Branch<B, Mlp>,
    predictor: Mlp,
    target: Momentum<Branch<B, Mlp>>,
    #[module(skip)]
    config: ByolConfig,
}

impl<B: Backbone> Method for Byol<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let views = batch.pair();
        let [z_a, z_b] = views.clone().map(|view| self.online.forward(view));
        let [p_a, p_b] = [&z_a, &z_b].map(|z| self.predictor.forward(z.clone()));
        let [target_a, target_b] = views.map(|view| self.target.network().forward(view));
        Step::new(byol(p_a, p_b, target_a, target_b)).with_embedding(z_a)
    }

    fn after_update(&mut self, _: Vec<()>, context: &Context) {
        let (step, total) = context.clock.progress();
        self.target.follow(&self.online, self.config.momentum.at(step, total));
    }

    fn encoder(&self) -> &B {
        self.online.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise the first value of `momentum`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}
