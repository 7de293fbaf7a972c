//! `TiCo`: views agree and avoid the directions of earlier embeddings.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{TicoCovariance, TicoLossConfig, tico};
use selfsame_optim::Schedule;
use serde::{Deserialize, Serialize};

use crate::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, Momentum, Seed, Step, settings,
};

/// Settings of [`Tico`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicoConfig {
    /// Width of the projector's hidden layer. Default 512 (ours); the paper has 4096.
    pub d_hidden: usize,
    /// Width of the embedding. Default 256, as in the paper.
    pub d_output: usize,
    /// β, 0 to 1, the share of the covariance that an update keeps. Default 0.9, as in the paper.
    pub covariance_momentum: f64,
    /// ρ, the weight of the covariance term. Default 8, as in the paper.
    pub covariance: f64,
    /// How much of the target an update keeps, 0 to 1, over the run. Default half a cosine from 0.99
    /// to 1, as lightly on ImageNet.
    pub momentum: Schedule,
}

impl Default for TicoConfig {
    /// Returns the paper's embedding and covariance, with a hidden layer of 512 (ours).
    fn default() -> Self {
        Self {
            d_hidden: 512,
            d_output: 256,
            covariance_momentum: 0.9,
            covariance: 8.0,
            momentum: Schedule::cosine(0.99, 1.0),
        }
    }
}

impl TicoConfig {
    /// Creates `TiCo` around `encoder`; the target starts as a copy, the covariance with zeros.
    #[must_use]
    pub fn init<B: Backbone>(&self, encoder: B, seed: impl Into<Seed>, device: &Device) -> Tico<B> {
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        let online = Branch::new(encoder, projector);
        Tico {
            target: Momentum::of(&online),
            covariance: TicoCovariance::new(self.d_output, device),
            online,
            config: self.clone(),
        }
    }
}

/// `TiCo`, whose embeddings agree with the target's of the other view and avoid the directions that
/// embeddings have had so far.
///
/// ```text
/// loss = 1 − mean âᵢ · b̂ᵢ + ρ mean âᵢᵀ C âᵢ        a = g(f(view a)), b = g'(f'(view b))
/// C ← β C + (1 − β) ÂᵀÂ / batch
/// ```
/// f encoder, g projector; f' and g' are their moving averages, with a momentum that rises to 1, and
/// get no gradient. A hat is a row of unit length. The loss reads `C` with the batch in it, as a
/// constant; that `C` is kept after the update. View a goes through the online network only, view b
/// through the target only. The terms are logged as `invariance` and `covariance`, weighted.
///
/// # Source
/// Zhu et al., 2022, [arXiv:2206.10698](https://arxiv.org/abs/2206.10698), algorithm 1.
/// Deviation: the hidden layer is narrower by default.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, TicoConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let mut method = TicoConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// // A tenth of the covariance of unit rows, whose trace is 1.
/// let trace = (method.covariance().matrix() * Tensor::eye(256, &Device::flex())).sum();
/// assert!((trace.into_scalar::<f32>() - 0.1).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct Tico<B: Backbone> {
    online: Branch<B, Mlp>,
    target: Momentum<Branch<B, Mlp>>,
    covariance: TicoCovariance,
    #[module(skip)]
    config: TicoConfig,
}

impl<B: Backbone> Tico<B> {
    /// Returns the moving covariance of the embeddings.
    #[must_use]
    pub fn covariance(&self) -> &TicoCovariance {
        &self.covariance
    }
}

impl<B: Backbone> Method for Tico<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The embeddings of view a, `[batch, d_output]`.
    type Carry = Tensor<2>;

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step<Tensor<2>> {
        let [a, b] = batch.pair();
        let a = self.online.forward(a);
        let b = self.target.network().forward(b);
        let TicoConfig { covariance_momentum: momentum, covariance: weight, .. } = self.config;
        let covariance = self.covariance.next(a.clone().inner(), momentum);
        let loss = |a, b, covariance_weight| {
            tico(a, b, &covariance, &TicoLossConfig { momentum, covariance: covariance_weight })
        };
        let invariance = loss(a.clone().inner(), b.clone().inner(), 0.0);
        let total = loss(a.clone(), b, weight);
        Step::new(total.clone())
            .with_embedding(a.clone())
            .with_term("invariance", invariance.clone())
            .with_term("covariance", total.inner() - invariance)
            .with_carry(a.inner())
    }

    fn after_update(&mut self, embeddings: Vec<Tensor<2>>, context: &Context) {
        let (step, total) = context.clock.progress();
        self.target.follow(&self.online, self.config.momentum.at(step, total));
        for rows in embeddings {
            self.covariance = self.covariance.next(rows, self.config.covariance_momentum);
        }
    }

    fn encoder(&self) -> &B {
        self.online.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `covariance`, the weight that keeps embeddings apart"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResNet;
    use crate::methods::checks::terms;
    use crate::methods::small::{assert_close, device, encoder, gradients, state, values, views};

    /// `TiCo` whose target is another network than its online one.
    fn method() -> Tico<ResNet> {
        let momentum = Schedule::constant(0.5);
        let config = TicoConfig { d_hidden: 4, d_output: 3, momentum, ..TicoConfig::default() };
        let other = config.init(encoder(7), 7, &device());
        Tico { target: Momentum::of(&other.online), ..config.init(encoder(1), 0, &device()) }
    }

    #[test]
    fn view_a_trains_the_online_network_and_view_b_is_the_targets() {
        let (method, batch) = (method(), views(2));
        let step = method.step(&batch, &Context::default());
        let [a, b] = batch.pair();
        let a = method.online.forward(a);
        let covariance = method.covariance.next(a.clone().inner(), 0.9);
        let b = method.target.network().forward(b);
        let want = tico(a, b, &covariance, &TicoLossConfig::default());
        assert_close(step.loss.clone(), want);
        let trained = gradients(&method, step.loss);
        assert!(trained.contains_key("online.encoder.stem.conv.weight"), "{:?}", trained.keys());
        assert!(trained.keys().all(|path| path.starts_with("online.")), "{:?}", trained.keys());
    }

    #[test]
    fn the_loss_reads_a_covariance_with_the_batch_in_it() {
        let step = method().step(&views(2), &Context::default());
        let [_, covariance] = terms(&step, ["invariance", "covariance"]);
        // It held nothing before. The mean of âᵀCâ for C = ÂᵀÂ / batch in 3 dimensions is 1/3 or more.
        assert!(covariance > 8.0 * 0.1 / 3.0 - 1e-4, "{covariance}");
    }

    #[test]
    fn the_covariance_and_the_target_change_after_the_update_only() {
        let (mut method, batch) = (method(), views(2));
        let first = method.step(&batch, &Context::default());
        let again = method.step(&batch, &Context::default());
        assert_close(first.loss, again.loss);
        assert_eq!(values(method.covariance.matrix()), [0.0; 9]);

        let mut target = Momentum::of(method.target.network());
        target.follow(&method.online, 0.5);
        let next = method.covariance.next(first.carry.clone(), 0.9).next(again.carry.clone(), 0.9);
        method.after_update(vec![first.carry, again.carry], &Context::default());
        assert!(state(&method.target) == state(&target));
        assert_eq!(values(method.covariance.matrix()), values(next.matrix()), "both batches count");
    }
}
