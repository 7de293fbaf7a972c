//! Methods that keep features apart instead of images: Barlow Twins by their correlations, VICReg by
//! their variances and covariances, whose terms are read from the history. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::f32::consts::TAU;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use rand::RngExt;
use selfsame::augment::{Recipe, ViewKey};
use selfsame::callbacks::History;
use selfsame::datasets::{InMemory, Layout};
use selfsame::models::{BarlowTwinsConfig, Batch, Method, ResNet, ResNetConfig, VicregConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let encoder = || ResNetConfig { blocks: vec![1; knob("B", 4.) as usize], width: knob("W", 4.) as usize, channels: 3 }.init(seed(), &device);

    // The width of the projector matters most to these methods; a small one is fast.
    let config = BarlowTwinsConfig { d_output: knob("OUT", 64.) as usize, ..BarlowTwinsConfig::default() };
    train("Barlow Twins", config.init(encoder(), seed(), &device), knob("R1", 0.02))?;

    let config = VicregConfig { d_output: knob("OUT", 64.) as usize, ..VicregConfig::default() };
    let history = train("VICReg", config.init(encoder(), seed(), &device), knob("R2", 0.02))?;

    // The views agree better and better; the variances rise, so their term falls to 0; what it
    // costs is the correlation of the features.
    println!("\nepoch  invariance  variance  covariance");
    for epoch in &history.0 {
        let [invariance, variance, covariance] =
            ["invariance", "variance", "covariance"].map(|term| epoch.metrics[term]);
        println!("{:5}  {invariance:10.2}  {variance:8.2}  {covariance:10.2}", epoch.epoch);
    }
    Ok(())
}
fn knob(n: &str, d: f64) -> f64 { std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d) }
fn seed() -> u64 { knob("SEED", 0.0) as u64 }

/// Trains on drawn shapes, and prints how many test images have neighbors of their class, with the
/// random encoder and with the trained one.
fn train<M>(name: &str, method: M, rate: f64) -> anyhow::Result<History>
where
    M: Method<Batch = Batch, Encoder = ResNet>,
{
    if std::env::var("ONLY").is_ok_and(|o| o != name) { return Ok(History::default()) }
    let device = Device::flex();
    let views = Recipe::shapes(knob("SIZE", 16.) as u32);
    let shown = Recipe::evaluation(knob("SIZE", 16.) as u32).with_normalize(views.normalize);
    let (train, test) = (textures(knob("IMAGES", 1000.) as u64, 2 * seed())?, textures(1000, 2 * seed() + 1)?);
    let loading = LoaderConfig { batch_size: knob("BATCH", 100.) as usize, threads: 2, seed: seed() };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let before = held_out.knn(&method.encoder().valid(), &device)?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(knob("VEL", 0.9), 5e-4), Schedule::one_cycle(rate));
    let config = TrainerConfig::new(knob("EPOCHS", 10.) as u64, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device.autodiff())?.fit()?;
    let after = held_out.knn(&outcome.method.encoder().valid(), &Device::flex())?;
    println!("{name:12} kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    Ok(outcome.history)
}

/// Draws images of five textures, of random angle, width and color. The texture is the class.
fn textures(images: u64, seed: u64) -> anyhow::Result<Arc<InMemory>> {
    let mut pixels = Vec::new();
    for sample in 0..images {
        let mut rng = ViewKey { seed, epoch: 0, sample, view: 0 }.rng();
        let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
        let (width, phase) = (rng.random_range(1.0..1.8_f32), rng.random_range(0.0..TAU));
        for place in 0..16 * 16 {
            let (x, y) = ((place % 16) as f32 - 7.5, (place / 16) as f32 - 7.5);
            let (u, v) = (width * (cos * x + sin * y), width * (cos * y - sin * x));
            let texture = match sample % 5 {
                0 => (u + phase).sin(),                      // stripes
                1 => (u + phase).sin() * (v + phase).sin(),  // checks
                2 => (u.hypot(v) + phase).sin(),             // rings
                3 => (0.15 * u + phase).sin(),               // shade
                _ => rng.random_range(-1.0..1.0),            // grain
            };
            let noise = knob("NOISE", 40.) as f32 * rng.random_range(-1.0..1.0);
            pixels.push((128.0 + knob("DEPTH", 60.) as f32 * texture + noise) as u8);
        }
    }
    let classes = (0..images as usize).map(|sample| Some(sample % 5)).collect();
    let names = ["stripes", "checks", "rings", "shade", "grain"].map(str::to_owned);
    let images = InMemory::new(pixels, [16, 16, 1], Layout::Hwc)?;
    Ok(Arc::new(images.with_labels(classes, names.to_vec())?))
}
