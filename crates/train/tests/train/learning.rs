//! Every method learns from drawn shapes.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_augment::Recipe;
use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
use selfsame_models::{Backbone, Batch, Method};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{HeldOut, Trainer, TrainerConfig};

use crate::methods::{Visitor, Widths, encoder, with_method};

const SIDE: u32 = 16;

fn env(name: &str, default: f64) -> f64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn shapes(images: usize, split: Split) -> Arc<dyn Dataset> {
    Arc::new(Synthetic::new(SyntheticConfig { images, size: 32, seed: 1, split }))
}

/// Trains, and measures the accuracy of nearest neighbors before and after.
struct Learn {
    peak: f64,
    epochs: u64,
}

impl Visitor for Learn {
    type Output = (f64, f64);

    fn visit<M>(self, method: M) -> (f64, f64)
    where
        M: Method<Batch = Batch> + 'static,
        M::Encoder: Backbone<Input = Tensor<4>>,
    {
        let device = Device::flex().autodiff();
        let held_out = HeldOut {
            train: shapes(600, Split::Train),
            queries: shapes(300, Split::Test),
            recipe: Recipe::evaluation(SIDE),
            batch: 100,
        };
        let knn = |method: &M| {
            held_out.knn(&method.encoder().valid(), &Device::flex()).unwrap()
        };
        let before = knn(&method);
        let config = LoaderConfig { batch_size: 64, threads: 1, seed: 0 };
        let recipe = Recipe::shapes(SIDE);
        let loader = Loader::new(shapes(env("N", 640.0) as usize, Split::Train), recipe, config).unwrap();
        let (sgd, schedule) =
            (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(env("PEAK", self.peak)));
        let config = TrainerConfig::new(env("E", self.epochs as f64) as u64, sgd, schedule);
        let outcome = Trainer::new(method, loader, config, &device).unwrap().fit().unwrap();
        (before, knn(&outcome.method))
    }
}

fn assert_learns(name: &str, peak: f64, epochs: u64) {
    let device = Device::flex().autodiff();
    let widths = Widths { hidden: 64, output: 32, queue: 256 };
    let learn = Learn { peak, epochs };
    let (before, after) = with_method(name, selfsame_models::ResNetConfig { blocks: vec![1; env("B", 2.0) as usize], width: env("W", 8.0) as usize, channels: 3 }.init(env("S", 5.0) as u64, &device), widths, &device, learn);
    println!("{name}: {before:.3} before, {after:.3} after");
    assert!(after > before + 0.1, "{name} learned little: {before} before, {after} after");
}

#[test]
fn simclr_learns() {
    assert_learns("simclr", 0.1, 8);
}

#[test]
fn simsiam_learns() {
    assert_learns("simsiam", 0.1, 8);
}

#[test]
fn barlow_twins_learns() {
    assert_learns("barlow_twins", 0.1, 8);
}

#[test]
fn vicreg_learns() {
    assert_learns("vicreg", 0.01, 8);
}

#[test]
fn byol_learns() {
    assert_learns("byol", 0.1, 8);
}

#[test]
fn moco_v2_learns() {
    assert_learns("moco_v2", 0.1, 8);
}

#[test]
fn dino_learns() {
    assert_learns("dino", 0.1, 8);
}
