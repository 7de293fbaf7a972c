//! `MoCo` v3: a query finds its key among the keys of the batch, without a queue.

use burn::module::Module;
use burn::tensor::Device;
use selfsame_losses::{MocoV3LossConfig, moco_v3};
use selfsame_optim::Schedule;
use serde::{Deserialize, Serialize};

use crate::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, MlpOutput, Momentum, Seed, Step,
    settings,
};

/// Settings of [`MocoV3`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MocoV3Config {
    /// Width of the hidden layers of projector and predictor. Default 512 (ours); the paper has
    /// 4096.
    pub d_hidden: usize,
    /// Width of the embedding. Default 256, as in the paper.
    pub d_output: usize,
    /// Layers of the projector, 1 or more. Default 2, as in the official code for residual networks;
    /// 3 for transformers.
    pub layers: usize,
    /// Whether the predictor's output is normalized over the batch, as the projector's is. Default
    /// false, as in the official code for residual networks; true for transformers.
    pub normalize_prediction: bool,
    /// τ, greater than 0. Default 0.2, as in the official code for transformers; 1 for residual
    /// networks.
    pub temperature: f64,
    /// How much of the key network an update keeps, 0 to 1, over the run. Default half a cosine from
    /// 0.99 to 1, as in the official code; from 0.996 in runs of 1,000 epochs.
    pub momentum: Schedule,
}

impl Default for MocoV3Config {
    /// Returns the official heads for residual networks, with hidden layers of 512 (ours), and the
    /// official temperature for transformers.
    fn default() -> Self {
        Self {
            d_hidden: 512,
            d_output: 256,
            layers: 2,
            normalize_prediction: false,
            temperature: 0.2,
            momentum: Schedule::cosine(0.99, 1.0),
        }
    }
}

impl MocoV3Config {
    /// Creates `MoCo` v3 around `encoder`; the key network starts as a copy.
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
    ) -> MocoV3<B> {
        let seed = seed.into();
        let widths = [encoder.d_output(), self.d_hidden, self.d_output];
        let projector = MlpConfig::of_layers(self.layers, widths).with_output_norm();
        let output =
            if self.normalize_prediction { MlpOutput::Norm } else { MlpOutput::WithoutBias };
        let predictor = MlpConfig::new([self.d_output, self.d_hidden, self.d_output]);
        let online = Branch::new(encoder, projector.init(seed.at("projector"), device));
        MocoV3 {
            predictor: predictor.with_output(output).init(seed.at("predictor"), device),
            target: Momentum::of(&online),
            online,
            config: self.clone(),
        }
    }
}

/// `MoCo` v3, which contrasts the prediction from each view with the keys of the other view.
///
/// ```text
/// loss = 2τ (CE(q_a, sg k_b) + CE(q_b, sg k_a))        q = h(g(f(view))), k = g'(f'(view))
/// CE   = mean over i of  −s(qᵢ, kᵢ)/τ + log Σₙ exp(s(qᵢ, kₙ)/τ)
/// ```
/// f encoder, g projector, h predictor, s cosine, sg stop-gradient; n runs over the batch. f' and g'
/// are the moving averages of f and g, with a momentum that rises to 1.
///
/// # Source
/// Chen et al., 2021, [arXiv:2104.02057](https://arxiv.org/abs/2104.02057), and the official code.
/// Deviation: the patch projection of a transformer is trained; the paper freezes it for stability.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, MocoV3Config, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let mut method = MocoV3Config::default().init(encoder, 0, &device);
/// let view = Tensor::ones([4, 3, 8, 8], &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// // All images are alike, so each key is one of four equal ones, in both directions.
/// let want = 2.0 * 0.2 * 2.0 * 4.0_f32.ln();
/// assert!((step.loss.into_scalar::<f32>() - want).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct MocoV3<B: Backbone> {
    online: Branch<B, Mlp>,
    predictor: Mlp,
    target: Momentum<Branch<B, Mlp>>,
    #[module(skip)]
    config: MocoV3Config,
}

impl<B: Backbone> Method for MocoV3<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let views = batch.pair();
        let [z_a, z_b] = views.clone().map(|view| self.online.forward(view));
        let [q_a, q_b] = [&z_a, &z_b].map(|z| self.predictor.forward(z.clone()));
        let [k_a, k_b] = views.map(|view| self.target.network().forward(view));
        let config = MocoV3LossConfig { temperature: self.config.temperature };
        Step::new(moco_v3(q_a, q_b, k_a, k_b, &config)).with_embedding(z_a)
    }

    fn after_update(&mut self, _: Vec<()>, context: &Context) {
        let (step, total) = context.clock.progress();
        self.target.follow(&self.online, self.config.momentum.at(step, total));
    }

    fn encoder(&self) -> &B {
        self.online.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `temperature` or the first value of `momentum`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{assert_close, device, encoder, gradients, state, views};
    use crate::{Clock, ResNet};

    fn config() -> MocoV3Config {
        MocoV3Config { d_hidden: 6, d_output: 3, ..MocoV3Config::default() }
    }

    /// A method whose target is not a copy of its online network.
    fn method() -> MocoV3<ResNet> {
        let other = config().init(encoder(2), 2, &device());
        let method = config().init(encoder(1), 1, &device());
        MocoV3 { target: Momentum::of(&other.online), ..method }
    }

    #[test]
    fn heads_are_the_official_ones() {
        let count = |config: MocoV3Config| {
            let method = config.init(encoder(1), 1, &device());
            [method.online.projector().num_params(), method.predictor.num_params()]
        };
        // Weights; scale, shift and statistics of hidden layers; statistics of a normalized output.
        assert_eq!(count(config()), [4 * 6 + 4 * 6 + 6 * 3 + 2 * 3, 3 * 6 + 4 * 6 + 6 * 3]);
        let transformer = MocoV3Config { layers: 3, normalize_prediction: true, ..config() };
        let hidden = 6 * 6 + 4 * 6;
        assert_eq!(
            count(transformer),
            [4 * 6 + 4 * 6 + hidden + 6 * 3 + 2 * 3, 3 * 6 + 4 * 6 + 6 * 3 + 2 * 3]
        );
    }

    #[test]
    fn keys_are_the_targets_of_the_other_view() {
        let (method, batch) = (method(), views(2));
        let query = |view: usize| {
            method.predictor.forward(method.online.forward(batch.views[view].clone()))
        };
        let key = |view: usize| method.target.network().forward(batch.views[view].clone());
        let loss = MocoV3LossConfig { temperature: 0.2 };
        let want = moco_v3(query(0), query(1), key(0), key(1), &loss);
        assert_close(method.step(&batch, &Context::default()).loss, want);
    }

    #[test]
    fn no_gradient_reaches_the_target() {
        let method = method();
        let found = gradients(&method, method.step(&views(2), &Context::default()).loss);
        for path in found.keys() {
            assert!(path.starts_with("online.") || path.starts_with("predictor."), "{path}");
        }
        assert!(found.keys().any(|path| path.starts_with("predictor.")));
    }

    #[test]
    fn the_target_follows_after_the_update_by_the_schedule() {
        let (mut method, batch) = (method(), views(2));
        let step = method.step(&batch, &Context::default());
        let mut target = method.target.clone();
        target.follow(&method.online, 0.99);
        let first = state(&target);
        let clock = Clock { steps_per_epoch: 2, epochs: 5, ..Clock::default() };
        method.after_update(vec![step.carry], &Context::new(clock));
        assert_eq!(state(&method.target), first);
        method.after_update(vec![()], &Context::new(Clock { step: 10, ..clock }));
        assert_eq!(state(&method.target), first, "the momentum ends at 1");
    }

    #[test]
    fn all_networks_have_the_rate_of_the_schedule() {
        assert!(method().constant_rate().is_empty());
    }
}
