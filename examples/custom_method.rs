//! A method written from scratch on the traits: mean shift, which pulls an embedding towards the
//! nearest neighbors of its target among earlier targets. It has a momentum network and a queue.
//! Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of pixels")]

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame::augment::Recipe;
use selfsame::losses::Queue;
use selfsame::models::{
    Backbone, Batch, Branch, Context, Method, Mlp, MlpConfig, Momentum, ResNetConfig, Seed, Step,
    settings,
};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};
use selfsame_examples::textures;
use serde::Serialize;

/// Settings of [`MeanShift`]. They are serialized to be compared when a run is resumed.
#[derive(Clone, Debug, Serialize)]
struct MeanShiftConfig {
    /// Width of the hidden layers of projector and predictor.
    d_hidden: usize,
    /// Width of the embedding.
    d_output: usize,
    /// Targets in the queue.
    queue: usize,
    /// Neighbors that attract an embedding, 1 or more; the nearest is its own target.
    neighbors: usize,
    /// How much of the target network an update keeps, 0 to 1, over the run.
    momentum: Schedule,
}

impl MeanShiftConfig {
    /// Creates the method around any encoder. Each part has its own place under the seed, so a wider
    /// projector does not change the weights of the predictor.
    fn init<B: Backbone>(self, encoder: B, seed: impl Into<Seed>, device: &Device) -> MeanShift<B> {
        let seed = seed.into();
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let predictor = MlpConfig::new([self.d_output, self.d_hidden, self.d_output]);
        let online = Branch::new(encoder, projector.init(seed.at("projector"), device));
        MeanShift {
            predictor: predictor.init(seed.at("predictor"), device),
            target: Momentum::of(&online),
            queue: Queue::new(self.queue, self.d_output, seed.at("queue").number(), device),
            online,
            config: self,
        }
    }
}

/// Mean shift: BYOL, whose target is a group of neighbors instead of a point.
///
/// ```text
/// loss = mean over the k rows n of the queue nearest to t_b of  ‖q_a − n‖²,  and the same for q_b
/// ```
/// q is the prediction of a view and t the target's embedding of one, both of unit length. The
/// targets of the batch are part of the queue.
///
/// All state is a field and a module, so checkpoints hold the queue and the momentum network, too.
///
/// # Source
/// Koohpayegani et al., 2021, [arXiv:2105.07269](https://arxiv.org/abs/2105.07269).
/// Deviation: symmetric in the views.
#[derive(Module, Debug)]
struct MeanShift<B: Backbone> {
    online: Branch<B, Mlp>,
    predictor: Mlp,
    target: Momentum<Branch<B, Mlp>>,
    queue: Queue,
    #[module(skip)]
    config: MeanShiftConfig,
}

impl<B: Backbone> MeanShift<B> {
    fn distance(&self, prediction: Tensor<2>, target: Tensor<2>, support: Tensor<2>) -> Tensor<1> {
        let near = target.matmul(support.clone().transpose());
        let (_, places) = near.topk_with_indices(self.config.neighbors, 1);
        let cosines = prediction.matmul(support.transpose()); // a constant
        (cosines.gather(1, places).mean() - 1.0) * -2.0
    }
}

impl<B: Backbone> Method for MeanShift<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The targets of both views, which the queue takes in after the update.
    type Carry = [Tensor<2>; 2];

    // `&self`: a step changes nothing, so it can be repeated, and accumulated over batches.
    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step<[Tensor<2>; 2]> {
        let views = batch.pair();
        let embeddings = views.clone().map(|view| self.online.forward(view));
        let [p_a, p_b] =
            embeddings.clone().map(|embedding| unit_rows(self.predictor.forward(embedding)));
        let targets = views.map(|view| unit_rows(self.target.network().forward(view).inner()));
        let [t_a, t_b] = targets.clone();
        let support = |target: &Tensor<2>| Tensor::cat(vec![target.clone(), self.queue.rows()], 0);
        let (near_a, near_b) = (support(&t_a), support(&t_b));
        let loss = (self.distance(p_a, t_b, near_b) + self.distance(p_b, t_a, near_a)) * 0.5;
        let [embedding, _] = embeddings;
        Step::new(loss).with_embedding(embedding).with_carry(targets)
    }

    // The only place where state changes.
    fn after_update(&mut self, carries: Vec<[Tensor<2>; 2]>, context: &Context) {
        let (step, total) = context.clock.progress();
        self.target.follow(&self.online, self.config.momentum.at(step, total));
        for target in carries.into_iter().flatten() {
            self.queue.push(target);
        }
    }

    fn encoder(&self) -> &B {
        self.online.encoder()
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or `neighbors`, or raise the first value of `momentum`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

/// Divides each row by its length; a row of zeros stays zero.
fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    let lengths = rows.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
    rows / lengths
}

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let views = Recipe::shapes(16);
    let shown = views.for_evaluation();
    let (train, test) = (textures(1000, 0)?, textures(1000, 1)?);
    let loading = LoaderConfig { batch_size: 25, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let config = MeanShiftConfig {
        d_hidden: 64,
        d_output: 32,
        queue: 500,
        neighbors: 5,
        momentum: Schedule::cosine(0.97, 1.0),
    };
    let method = config.init(ResNetConfig::resnet10(4).init(0, &device), 0, &device);
    let before = held_out.knn(method.encoder(), &Device::flex())?;

    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.03));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device)?.fit()?;
    let after = held_out.knn(outcome.method.encoder(), &Device::flex())?;
    println!("mean shift  kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    println!("settings: {}", outcome.method.settings());
    Ok(())
}
