//! `MoCo` v2: a query finds its key among a queue of older keys.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{MocoLossConfig, Queue, moco};
use serde::{Deserialize, Serialize};

use super::unit_rows::unit_rows;
use crate::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, Momentum, Seed, Step, settings,
};

/// Settings of [`MocoV2`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MocoV2Config {
    /// Width of the projector's hidden layer. Default 256 (ours); the paper has the width of the
    /// features, 2048.
    pub d_hidden: usize,
    /// Width of the embedding. Default 128, as in the paper.
    pub d_output: usize,
    /// τ, greater than 0. Default 0.2, as in the paper.
    pub temperature: f64,
    /// How much of the key network an update keeps, 0 to 1. Default 0.99, as the authors'
    /// CIFAR-10 demo; the paper has 0.999.
    pub momentum: f64,
    /// Keys in the queue. Default 4096, as the authors' CIFAR-10 demo; the paper has 65,536.
    pub queue: usize,
}

impl Default for MocoV2Config {
    /// Returns the settings of the authors' CIFAR-10 demo with the projector of version 2, whose
    /// hidden layer is 256 (ours), and its temperature.
    fn default() -> Self {
        Self { d_hidden: 256, d_output: 128, temperature: 0.2, momentum: 0.99, queue: 4096 }
    }
}

impl MocoV2Config {
    /// Creates `MoCo` v2 around `encoder`; the key network starts as a copy, the queue with random
    /// keys.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> MocoV2<B> {
        let seed = seed.into();
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.without_hidden_norm().init(seed.at("projector"), device);
        let online = Branch::new(encoder, projector);
        MocoV2 {
            target: Momentum::of(&online),
            queue: Queue::new(self.queue, self.d_output, seed.at("queue").number(), device),
            online,
            config: self.clone(),
        }
    }
}

/// `MoCo` v2, which contrasts each query with its key and with the keys of earlier batches.
///
/// ```text
/// loss = −log( exp(s(q, k)/τ) / (exp(s(q, k)/τ) + Σₙ exp(s(q, n)/τ)) )      q = g(f(a)), k = g'(f'(b))
/// ```
/// f encoder, g projector, s cosine; f' and g' are their moving averages. n runs over the queue,
/// which takes in the keys after the update.
///
/// # Source
/// Chen et al., 2020, [arXiv:2003.04297](https://arxiv.org/abs/2003.04297), with the momentum and
/// the queue of He et al., 2019, [arXiv:1911.05722](https://arxiv.org/abs/1911.05722).
/// Deviation: keys are not shuffled between devices, since there is one device.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, MocoV2Config, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let config = MocoV2Config { queue: 16, ..MocoV2Config::default() };
/// let mut method = config.init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert_eq!(method.queue().rows().dims(), [16, 128]);
/// ```
#[derive(Module, Debug)]
pub struct MocoV2<B: Backbone> {
    online: Branch<B, Mlp>,
    target: Momentum<Branch<B, Mlp>>,
    queue: Queue,
    #[module(skip)]
    config: MocoV2Config,
}

impl<B: Backbone> MocoV2<B> {
    /// Returns the keys of earlier batches, newest first.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl<B: Backbone> Method for MocoV2<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The keys, `[batch, d_output]`.
    type Carry = Tensor<2>;

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step<Tensor<2>> {
        let [a, b] = batch.pair();
        let query = self.online.forward(a);
        let key = unit_rows(self.target.network().forward(b).inner());
        let config = MocoLossConfig { temperature: self.config.temperature };
        let loss = moco(query.clone(), key.clone(), self.queue.rows(), &config);
        Step::new(loss).with_embedding(query).with_carry(key)
    }

    fn after_update(&mut self, keys: Vec<Tensor<2>>, _: &Context) {
        self.target.follow(&self.online, self.config.momentum);
        for key in keys {
            self.queue.push(key);
        }
    }

    fn encoder(&self) -> &B {
        self.online.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `momentum` or `temperature`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}
