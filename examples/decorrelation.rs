//! Methods that keep features apart instead of images: Barlow Twins by their correlations, VICReg by
//! their variances and covariances, whose terms are read from the history. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of pixels")]

use burn::module::Module;
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::callbacks::History;
use selfsame::models::{BarlowTwinsConfig, Batch, Method, ResNet, ResNetConfig, VicregConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};
use selfsame_examples::textures;

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let encoder = || ResNetConfig::resnet10(4).init(0, &device);

    // These methods gain from wide projectors; a narrow one is fast.
    let config = BarlowTwinsConfig { d_output: 64, ..BarlowTwinsConfig::default() };
    train("Barlow Twins", config.init(encoder(), 0, &device), 0.03)?;

    let config = VicregConfig { d_output: 64, ..VicregConfig::default() };
    let history = train("VICReg", config.init(encoder(), 0, &device), 0.02)?;

    // The parts of VICReg's loss, weighted: the distance of the views, what the standard deviations
    // of the features lack, and the covariances between them.
    println!("\nepoch  invariance  variance  covariance");
    for epoch in &history.0 {
        let [invariance, variance, covariance] =
            ["invariance", "variance", "covariance"].map(|term| epoch.metrics[term]);
        println!("{:5}  {invariance:10.2}  {variance:8.2}  {covariance:10.2}", epoch.epoch);
    }
    Ok(())
}

/// Trains on textures, and prints how many test images have neighbors of their class, with the
/// random encoder and with the trained one.
fn train<M>(name: &str, method: M, rate: f64) -> anyhow::Result<History>
where
    M: Method<Batch = Batch, Encoder = ResNet>,
{
    let device = Device::flex();
    let views = Recipe::shapes(16);
    let shown = views.for_evaluation();
    let (train, test) = (textures(1000, 0)?, textures(1000, 1)?);
    let loading = LoaderConfig { batch_size: 50, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let before = held_out.knn(&method.encoder().valid(), &device)?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(rate));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device.autodiff())?.fit()?;
    let after = held_out.knn(&outcome.method.encoder().valid(), &Device::flex())?;
    println!("{name:12} kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    Ok(outcome.history)
}
