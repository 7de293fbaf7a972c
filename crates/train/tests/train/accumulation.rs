//! Gradients of several batches make one update.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_augment::Recipe;
use selfsame_models::{
    Backbone, Batch, Classifier, Context, Conv2d, Conv2dConfig, Method, MethodName, Step,
    to_safetensors,
};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{TrainError, Trainer, TrainerConfig};

use crate::run::{Run, SIDE, assert_same, bytes, shapes};

/// A network whose layers do not mix samples.
#[derive(Module, Debug)]
struct Plain {
    conv: Conv2d,
}

impl Backbone for Plain {
    type Input = Tensor<4>;

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.conv.forward(images).flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
    }

    fn d_output(&self) -> usize {
        8
    }
}

fn trained(batch_size: usize, accumulate: usize) -> Vec<f32> {
    let device = Device::flex().autodiff();
    let conv = Conv2dConfig { channels: [3, 8], kernel: 3, stride: 1 }.init(1, &device);
    let method = Classifier::new(Plain { conv }, 10, 1, &device);
    let config = LoaderConfig { batch_size, threads: 1, seed: 5 };
    let loader = Loader::new(shapes(48, 3), Recipe::shapes(SIDE), config).unwrap();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::cosine(0.1, 0.0));
    let config = TrainerConfig { accumulate, ..TrainerConfig::new(3, sgd, schedule) };
    let outcome = Trainer::new(method, loader, config, &device).unwrap().fit().unwrap();
    assert_eq!(outcome.clock.step, 6);
    let bytes = to_safetensors(&outcome.method, "").unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut values = Vec::new();
    let mut names = file.names();
    names.sort_unstable();
    for name in names {
        let tensor = file.tensor(name).unwrap();
        let (chunks, _) = tensor.data().as_chunks::<4>();
        values.extend(chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    values
}

#[test]
fn the_update_is_that_of_the_large_batch_where_the_loss_is_a_mean_over_rows() {
    let (large, small) = (trained(24, 1), trained(8, 3));
    let apart = large.iter().zip(&small).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-5, "{apart}");
    let other = trained(24, 1);
    assert_eq!(large, other);
}

#[test]
fn a_run_that_accumulates_is_resumed_exactly() {
    let run = || {
        let mut run = Run { batch_size: 4, method: MethodName::MocoV2, ..Run::default() };
        run.config.accumulate = 2;
        run
    };
    let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let left = run().go(whole.path()).unwrap();
    assert_eq!(left.step, 6);
    let want = bytes(whole.path(), &left);
    let left = Run { stop_after: 2, ..run() }.go(stopped.path()).unwrap();
    assert_eq!(left.step, 2);
    let left = run().go(stopped.path()).unwrap();
    assert_same(&bytes(stopped.path(), &left), &want, "accumulated");
}

#[test]
fn settings_that_leave_no_step_are_named() {
    for (accumulate, epochs, named) in
        [(0, 2, "`accumulate`"), (4, 2, "an epoch has 3"), (1, 0, "`epochs`")]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::default();
        run.config.accumulate = accumulate;
        run.config.epochs = epochs;
        let error = run.go(folder.path()).unwrap_err();
        assert!(matches!(error, TrainError::Setting { .. }), "{error}");
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

/// Counts the carries of an update.
#[derive(Module, Debug)]
struct Counting {
    encoder: Plain,
    taken: usize,
}

impl Method for Counting {
    type Batch = Batch;
    type Encoder = Plain;
    type Carry = usize;

    fn step(&self, batch: &Batch, _: &Context) -> Step<usize> {
        let rows = self.encoder.forward(batch.views[0].clone());
        Step::new(rows.mean()).with_carry(batch.indices.len())
    }

    fn after_update(&mut self, carries: Vec<usize>, _: &Context) {
        self.taken += carries.iter().sum::<usize>() * 100 + carries.len();
    }

    fn encoder(&self) -> &Plain {
        &self.encoder
    }
}

#[test]
fn an_update_takes_in_what_every_batch_carried() {
    let device = Device::flex().autodiff();
    let conv = Conv2dConfig { channels: [3, 8], kernel: 3, stride: 1 }.init(1, &device);
    let method = Counting { encoder: Plain { conv }, taken: 0 };
    let config = LoaderConfig { batch_size: 4, threads: 1, seed: 5 };
    let loader = Loader::new(shapes(16, 3), Recipe::shapes(SIDE), config).unwrap();
    let (sgd, schedule) = (OptimizerConfig::sgd(0.0, 0.0), Schedule::constant(0.1));
    let config = TrainerConfig { accumulate: 2, ..TrainerConfig::new(1, sgd, schedule) };
    let outcome = Trainer::new(method, loader, config, &device).unwrap().fit().unwrap();
    // Two updates, each of two batches of four samples.
    assert_eq!(outcome.method.taken, 2 * (800 + 2));
}
