//! Contrastive methods, which tell the two views of an image from all other images: SimCLR has the
//! others in its batch, MoCo v2 keeps earlier ones in a queue. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of pixels")]

use burn::module::Module;
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::models::{Batch, Method, MocoV2Config, ResNet, ResNetConfig, SimClrConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};
use selfsame_examples::textures;

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let encoder = || ResNetConfig::resnet10(4).init(0, &device);

    // In a batch of 25 images, a view has 48 negatives. The projectors are narrow, as the encoder is.
    let config = SimClrConfig { d_hidden: 64, d_output: 32, ..SimClrConfig::default() };
    train("SimCLR", config.init(encoder(), 0, &device), 0.05)?;

    // The queue holds the keys of the last eight batches: 200 negatives.
    let config = MocoV2Config { d_hidden: 64, d_output: 32, queue: 200, ..MocoV2Config::default() };
    train("MoCo v2", config.init(encoder(), 0, &device), 0.02)
}

/// Trains on textures, and prints how many test images have neighbors of their class, with the
/// random encoder and with the trained one.
fn train<M>(name: &str, method: M, rate: f64) -> anyhow::Result<()>
where
    M: Method<Batch = Batch, Encoder = ResNet>,
{
    let device = Device::flex();
    let views = Recipe::shapes(16);
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
    let (loss, seconds) = (outcome.history.last("loss"), outcome.seconds);
    println!(
        "{name:8} kNN before {before:.3} after {after:.3}  loss {:.3}  {seconds:.1} s",
        loss.unwrap_or(f64::NAN)
    );
    Ok(())
}
