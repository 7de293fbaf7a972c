//! SwAV: each view predicts the cluster codes of the other views.

use burn::module::{Module, list_param_ids};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{Prototypes, Queue, SwavLossConfig, swav};
use serde::{Deserialize, Serialize};

use super::unit_rows::unit_rows;
use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`Swav`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwavConfig {
    /// Width of the projector's hidden layer. Default 512 (ours); the paper has 2048.
    pub d_hidden: usize,
    /// Width of the embedding. Default 128, as in the paper.
    pub d_output: usize,
    /// Number of prototypes. Default 512, as lightly has on CIFAR-10; the paper has 3,000.
    pub prototypes: usize,
    /// Views that codes are computed for, the first of each sample; all views predict them. Default
    /// 2, as in the paper.
    pub global_views: usize,
    /// τ, greater than 0, of the predictions. Default 0.1, as in the paper.
    pub temperature: f64,
    /// ε, greater than 0, of the codes: smaller is sharper. Default 0.05, as in the paper.
    pub epsilon: f64,
    /// Rounds of Sinkhorn-Knopp, 1 or more. Default 3, as in the paper.
    pub iterations: usize,
    /// Epochs in which the prototypes stay as they are. Default 1, as in the official code.
    pub frozen_epochs: u64,
    /// Embeddings of earlier batches that the codes are balanced over too, for each global view.
    /// Default 0, none; the paper has 3,840 for batches of 256.
    pub queue: usize,
    /// The first epoch, from 0, in which the queue is used. Default 15, as in the paper.
    pub queue_epoch: u64,
}

impl Default for SwavConfig {
    /// Returns the paper's settings for large batches, with fewer prototypes and a narrower
    /// projector (ours).
    fn default() -> Self {
        Self {
            d_hidden: 512,
            d_output: 128,
            prototypes: 512,
            global_views: 2,
            temperature: 0.1,
            epsilon: 0.05,
            iterations: 3,
            frozen_epochs: 1,
            queue: 0,
            queue_epoch: 15,
        }
    }
}

impl SwavConfig {
    /// Creates SwAV around `encoder`.
    ///
    /// # Panics
    /// If there are no prototypes.
    #[must_use]
    #[track_caller]
    pub fn init<B: Backbone>(&self, encoder: B, seed: impl Into<Seed>, device: &Device) -> Swav<B> {
        let seed = seed.into();
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let prototypes = seed.at("prototypes").number();
        let queue = |view: usize| {
            Queue::new(self.queue, self.d_output, seed.at("queues").at(view).number(), device)
        };
        let queues = if self.queue > 0 { self.global_views } else { 0 };
        Swav {
            encoder,
            projector: projector.init(seed.at("projector"), device),
            prototypes: Prototypes::new(self.prototypes, self.d_output, prototypes, device),
            queues: (0..queues).map(queue).collect(),
            config: self.clone(),
        }
    }
}

/// SwAV, whose views predict the codes of each other: the shares that an image has in clusters of
/// equal size.
///
/// ```text
/// loss = mean over (i, v), i ≠ v, of −Σₖ qᵢₖ log softmax(sᵥ/τ)ₖ        s = cos(g(f(view)), prototypes)
/// q    = Sinkhorn-Knopp(s/ε), a constant
/// ```
/// i runs over the global views, v over all. f encoder, g projector. The prototypes are trained, but
/// not in the first epoch; their length is put back to 1 after every update. With small batches, a
/// queue for each global view adds embeddings of earlier batches to the rows that the codes are
/// balanced over. It takes in those of the batch after every update, and is used from a later epoch
/// on, once it holds nothing else.
///
/// # Source
/// Caron et al., 2020, [arXiv:2006.09882](https://arxiv.org/abs/2006.09882), and the official code.
/// Deviation: views are encoded one by one, so batch norm sees one view at a time; the queue fills
/// before it is used, where the official code starts to fill it in `queue_epoch`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, ResNetConfig, SwavConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let mut method = SwavConfig::default().init(encoder, 0, &device);
/// let global = Tensor::random([4, 3, 16, 16], burn::tensor::Distribution::Default, &device);
/// let local = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let views = vec![global.clone(), global, local.clone(), local];
/// let step = method.step(&Batch::new(views), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert!(step.loss.into_scalar::<f32>() > 0.0);
/// ```
#[derive(Module, Debug)]
pub struct Swav<B: Module> {
    encoder: B,
    projector: Mlp,
    prototypes: Prototypes,
    queues: Vec<Queue>,
    #[module(skip)]
    config: SwavConfig,
}

impl<B: Backbone> Swav<B> {
    /// Returns the prototypes.
    #[must_use]
    pub fn prototypes(&self) -> &Prototypes {
        &self.prototypes
    }

    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }

    /// Returns the scores of the queues' rows; none before the queues are used.
    fn queued_scores(&self, batch: usize, context: &Context) -> Vec<Tensor<2>> {
        let clock = context.clock;
        let is_full = clock.step.saturating_mul(batch as u64) >= self.config.queue as u64;
        if clock.epoch() < self.config.queue_epoch || !is_full {
            return Vec::new();
        }
        self.queues.iter().map(|queue| self.prototypes.scores(queue.rows())).collect()
    }
}

impl<B: Backbone> Method for Swav<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The embeddings of each global view that has a queue, `[batch, d_output]`, of unit length.
    type Carry = Vec<Tensor<2>>;

    fn step(&self, batch: &Batch<B::Input>, context: &Context) -> Step<Vec<Tensor<2>>> {
        let z: Vec<_> = batch.views.iter().map(|view| self.embed(view.clone())).collect();
        let scores: Vec<_> = z.iter().map(|z| self.prototypes.scores(z.clone())).collect();
        let (global, local) = scores.split_at(self.config.global_views.min(scores.len()));
        let queued = self.queued_scores(z[0].dims()[0], context);
        let SwavConfig { temperature, epsilon, iterations, .. } = self.config;
        let config = SwavLossConfig { temperature, epsilon, iterations };
        let loss = swav(global, local, &queued, &config);
        let newest = self.queues.iter().zip(&z).map(|(_, z)| unit_rows(z.clone().inner()));
        Step::new(loss).with_embedding(z[0].clone()).with_carry(newest.collect())
    }

    fn filter(&self, mut gradients: GradientsParams, context: &Context) -> GradientsParams {
        if context.clock.epoch() < self.config.frozen_epochs {
            for id in list_param_ids(&self.prototypes) {
                let _ = gradients.remove::<2>(id);
            }
        }
        gradients
    }

    fn after_update(&mut self, embeddings: Vec<Vec<Tensor<2>>>, _: &Context) {
        self.prototypes.normalize();
        for views in embeddings {
            for (queue, view) in self.queues.iter_mut().zip(views) {
                queue.push(view);
            }
        }
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `epsilon`, or use a `queue` if the batch is smaller than \
         `prototypes`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{assert_close, device, encoder, gradients, values, views};
    use crate::{Clock, ResNet};
    use burn::module::{ModuleMapper, Param};

    fn config() -> SwavConfig {
        SwavConfig { d_hidden: 6, d_output: 3, prototypes: 7, ..SwavConfig::default() }
    }

    fn method(config: &SwavConfig) -> Swav<ResNet> {
        config.init(encoder(1), 1, &device())
    }

    fn at(step: u64) -> Context {
        Context::new(Clock { step, steps_per_epoch: 2, epochs: 20, ..Clock::default() })
    }

    #[test]
    fn codes_are_those_of_the_global_views() {
        let (method, batch) = (method(&config()), views(4));
        let scores: Vec<Tensor<2>> = (0..4)
            .map(|view| method.prototypes.scores(method.embed(batch.views[view].clone())))
            .collect();
        let want = swav(&scores[..2], &scores[2..], &[], &SwavLossConfig::default());
        assert_close(method.step(&batch, &at(0)).loss, want);
    }

    #[test]
    fn prototypes_stay_in_the_first_epoch() {
        let method = method(&config());
        let ids = list_param_ids(&method.prototypes);
        let filtered = |step: u64| {
            let loss = method.step(&views(2), &at(step)).loss;
            let all = GradientsParams::from_grads(loss.backward(), &method);
            let count = all.len();
            let left = method.filter(all, &at(step));
            (left.get::<2>(ids[0]).is_some(), count - left.len())
        };
        assert_eq!([0, 1, 2, 3].map(filtered), [(false, 1), (false, 1), (true, 0), (true, 0)]);
    }

    /// Triples every parameter.
    struct Triple;

    impl ModuleMapper for Triple {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.inner() * 3.0).map(Tensor::autodiff)
        }
    }

    #[test]
    fn prototypes_have_unit_length_after_an_update_and_are_trained_further() {
        let mut method = method(&config());
        let before = method.prototypes.rows().inner();
        method.prototypes = method.prototypes.map(&mut Triple).train();
        method.after_update(vec![Vec::new()], &at(0));
        assert_close(method.prototypes.rows().inner(), before);
        let found = gradients(&method, method.step(&views(2), &at(0)).loss);
        assert!(found.contains_key("prototypes.rows"), "{:?}", found.keys());
    }

    #[test]
    fn a_queue_waits_for_its_epoch_and_until_it_is_full() {
        let loss = |queue: usize, queue_epoch: u64, step: u64| {
            let method = method(&SwavConfig { queue, queue_epoch, ..config() });
            values(method.step(&views(2), &at(step)).loss)
        };
        let without = loss(0, 0, 0);
        // Each step adds 5 rows; an epoch has 2 steps.
        assert_eq!(loss(10, 2, 3), without, "not yet its epoch");
        assert_ne!(loss(10, 2, 4), without);
        assert_eq!(loss(10, 0, 1), without, "still random rows in it");
        assert_ne!(loss(10, 0, 2), without);
    }

    #[test]
    fn queues_take_in_unit_embeddings_of_their_view_after_the_update() {
        let mut method = method(&SwavConfig { queue: 8, ..config() });
        let (batch, before) = (views(3), method.queues[1].rows());
        let step = method.step(&batch, &at(0));
        assert_close(method.queues[1].rows(), before.clone());
        method.after_update(vec![step.carry], &at(0));
        assert_eq!(method.queues.len(), 2, "local views have none");
        let newest = unit_rows(method.embed(batch.views[1].clone()).inner());
        let want = Tensor::cat(vec![newest, before.narrow(0, 0, 3)], 0);
        assert_close(method.queues[1].rows(), want);
    }
}
