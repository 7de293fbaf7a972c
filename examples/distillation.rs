//! Methods without negatives, which predict one view from another: SimSiam stops the gradient, BYOL
//! and DINO predict a network that follows as a moving average. Takes about 15 seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of pixels")]

use burn::module::Module;
use burn::tensor::Device;
use selfsame::augment::operator::RandomResizedCrop;
use selfsame::augment::{Recipe, Resampling};
use selfsame::models::{
    Batch, ByolConfig, DinoConfig, Method, ResNet, ResNetConfig, SimSiamConfig,
};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};
use selfsame_examples::textures;

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let encoder = || ResNetConfig::resnet10(4).init(0, &device);

    // SimSiam's predictor keeps the highest learning rate: the trainer asks the method for it.
    let config = SimSiamConfig { d_output: 64, d_predictor: 16, ..SimSiamConfig::default() };
    train("SimSiam", config.init(encoder(), 0, &device), Recipe::shapes(16), 0.03)?;

    // The target follows fast, since the run is short, and stands still at the end.
    let momentum = Schedule::cosine(0.9, 1.0);
    let config = ByolConfig { d_hidden: 64, d_output: 32, momentum };
    train("BYOL", config.init(encoder(), 0, &device), Recipe::shapes(16), 0.03)?;

    // DINO's student also sees two small parts of each image, its teacher the large views alone.
    let mut recipe = Recipe::shapes(16);
    let mut part = recipe.views[0].clone();
    let (area, aspect) = ([0.3, 0.6], [0.75, 4.0 / 3.0]);
    part[0] = RandomResizedCrop { size: 8, area, aspect, resampling: Resampling::default() }.into();
    recipe.views.extend([part.clone(), part]);
    let config = DinoConfig {
        d_hidden: 64,
        d_bottleneck: 64,
        d_output: 64,
        teacher_temperature: 0.04, // no warm-up: the paper's takes 30 epochs
        momentum: Schedule::cosine(0.99, 1.0),
        frozen_epochs: 0,
        ..DinoConfig::default()
    };
    train("DINO", config.init(encoder(), 0, &device), recipe, 0.02)
}

/// Trains on textures, and prints how many test images have neighbors of their class, with the
/// random encoder and with the trained one.
fn train<M>(name: &str, method: M, views: Recipe, rate: f64) -> anyhow::Result<()>
where
    M: Method<Batch = Batch, Encoder = ResNet>,
{
    let device = Device::flex();
    let shown = views.for_evaluation();
    let (train, test) = (textures(1000, 0)?, textures(1000, 1)?);
    let loading = LoaderConfig { batch_size: 25, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let before = held_out.knn(&method.encoder().valid(), &device)?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(rate));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device.autodiff())?.fit()?;
    let after = held_out.knn(&outcome.method.encoder().valid(), &Device::flex())?;
    let spread = outcome.history.last("embedding_std").zip(outcome.history.last("uniform_std"));
    let (spread, even) = spread.unwrap_or_default();
    println!(
        "{name:8} kNN before {before:.3} after {after:.3}  spread {spread:.3} of {even:.3}  {:.1} s",
        outcome.seconds
    );
    Ok(())
}
