//! Every method learns from drawn shapes.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use selfsame_augment::operator::RandomResizedCrop;
use selfsame_augment::{Recipe, Resampling};
use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
use selfsame_models::{AnyMethod, Method, MethodName};
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{Loader, LoaderConfig};
use selfsame_train::{HeldOut, Trainer, TrainerConfig};

use crate::methods::{Widths, method};

const SIDE: u32 = 16;

fn shapes(images: usize, split: Split) -> Arc<dyn Dataset> {
    Arc::new(Synthetic::new(SyntheticConfig { images, size: 2 * SIDE, seed: 1, split }))
}

/// A short run.
struct Learn {
    images: usize,
    epochs: u64,
    peak: f64,
    recipe: Recipe,
}

impl Learn {
    /// Trains, and returns the accuracy of nearest neighbors before and after.
    fn go(self, method: AnyMethod) -> (f64, f64) {
        let Self { images, epochs, peak, recipe } = self;
        let device = Device::flex().autodiff();
        let held_out = HeldOut {
            train: shapes(600, Split::Train),
            queries: shapes(300, Split::Test),
            recipe: recipe.for_evaluation(),
            batch: 100,
        };
        let knn =
            |method: &AnyMethod| held_out.knn(&method.encoder().valid(), &Device::flex()).unwrap();
        let before = knn(&method);
        let config = LoaderConfig { batch_size: 64, threads: 1, seed: 0 };
        let loader = Loader::new(shapes(images, Split::Train), recipe, config).unwrap();
        let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(peak));
        let config = TrainerConfig::new(epochs, sgd, schedule);
        let outcome = Trainer::new(method, loader, config, &device).unwrap().fit().unwrap();
        (before, knn(&outcome.method))
    }
}

fn assert_learns(name: MethodName, hidden: usize, learn: Learn) {
    let device = Device::flex().autodiff();
    let widths = Widths { hidden, output: 32, queue: 256 };
    let (before, after) = learn.go(method(name, 8, widths, &device));
    println!("{name}: {before:.3} before, {after:.3} after");
    assert!(after > before + 0.1, "{name} learned little: {before} before, {after} after");
}

#[test]
fn simclr_learns() {
    let recipe = Recipe::shapes(SIDE);
    assert_learns(MethodName::SimClr, 64, Learn { images: 1_000, epochs: 30, peak: 0.1, recipe });
}

#[test]
fn simsiam_learns() {
    let recipe = Recipe::shapes(SIDE);
    assert_learns(MethodName::SimSiam, 64, Learn { images: 1_500, epochs: 50, peak: 0.1, recipe });
}

#[test]
fn barlow_twins_learns() {
    let recipe = Recipe::shapes(SIDE);
    assert_learns(
        MethodName::BarlowTwins,
        256,
        Learn { images: 1_500, epochs: 60, peak: 0.1, recipe },
    );
}

#[test]
fn vicreg_learns() {
    let recipe = Recipe::shapes(SIDE);
    assert_learns(MethodName::Vicreg, 64, Learn { images: 1_000, epochs: 40, peak: 0.01, recipe });
}

#[test]
fn byol_learns() {
    let recipe = Recipe::shapes(SIDE);
    assert_learns(MethodName::Byol, 64, Learn { images: 1_500, epochs: 60, peak: 0.3, recipe });
}

#[test]
fn moco_v2_learns() {
    let recipe = Recipe::shapes(SIDE);
    assert_learns(MethodName::MocoV2, 64, Learn { images: 1_500, epochs: 45, peak: 0.1, recipe });
}

/// The student also sees two small parts of each image.
#[test]
fn dino_learns() {
    let mut recipe = Recipe::shapes(SIDE);
    let mut local = Recipe::shapes(12).views.remove(0);
    let (area, aspect) = ([0.3, 0.6], [0.75, 4.0 / 3.0]);
    local[0] =
        RandomResizedCrop { size: 12, area, aspect, resampling: Resampling::default() }.into();
    recipe.views.extend([local.clone(), local]);
    assert_learns(MethodName::Dino, 64, Learn { images: 1_500, epochs: 60, peak: 0.3, recipe });
}
