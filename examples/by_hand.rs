//! The loop of pre-training by hand, without `Trainer`: BYOL, whose moving target makes every line
//! of an update matter. The encoder is saved, loaded and compared. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of pixels")]

use std::{f32::consts::TAU, fs, sync::Arc};

use burn::{module::Module, optim::GradientsParams, tensor::Device};
use rand::RngExt;
use selfsame::augment::ViewKey;
use selfsame::datasets::{InMemory, Layout};
use selfsame::models::{Batch, ByolConfig, Clock, Context, ResNet};
use selfsame::models::{WeightsFile, to_pytorch};
use selfsame::optim::GroupedOptimizer;
use selfsame::prelude::*;
use selfsame::train::{HeldOut, Upload};

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let (device, plain) = (Device::flex().autodiff(), Device::flex());

    // Two views of each training image; to measure the encoder, images as they are.
    let views = Recipe::shapes(16);
    let shown = views.for_evaluation();
    let (train, test) = (stripes_and_checks(1000, 0)?, stripes_and_checks(1000, 1)?);
    let loading = LoaderConfig { batch_size: 25, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test.clone(), recipe: shown.clone(), batch: 100 };

    // The networks, the optimizer, and the place of the run in its schedule.
    let resnet = ResNetConfig::resnet10(4);
    let config = ByolConfig { d_hidden: 64, d_output: 32, momentum: Schedule::cosine(0.9, 1.0) };
    let mut method = config.init(resnet.init(0, &device), 0, &device);
    let (sgd, rate) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.03));
    let mut optimizer = GroupedOptimizer::new(sgd, rate, Vec::new(), None)?;
    let steps_per_epoch = loader.batches_per_epoch() as u64;
    let mut clock = Clock { steps_per_epoch, epochs: 10, ..Clock::default() };

    let before = held_out.knn(&method.encoder().valid(), &plain)?;
    while !clock.is_finished() {
        let (epoch, mut losses) = (clock.epoch(), 0.0);
        for host in loader.epoch(epoch, 0) {
            let batch: Batch = host?.upload(&device);
            let context = Context::new(clock);
            let step = method.step(&batch, &context); // changes no weight and no state
            losses += step.loss.clone().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
            let gradients = method.filter(gradients, &context); // BYOL drops none, DINO some
            let (now, total) = clock.progress();
            method = optimizer.step(now, total, method, gradients);
            method.after_update(vec![step.carry], &context); // the target follows
            clock.step += 1;
        }
        println!("epoch {:2}  loss {:.4}", epoch + 1, losses / steps_per_epoch as f32);
    }
    let encoder = method.encoder().valid();
    println!("BYOL  kNN before {before:.3} after {:.3}", held_out.knn(&encoder, &plain)?);

    // Only the encoder is kept, under the names of PyTorch's networks. The header of the file says how
    // to build it.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("encoder.safetensors");
    fs::write(&file, to_pytorch(&encoder, &serde_json::to_string(&resnet)?)?)?;
    let restored = WeightsFile::open(&file)?.load(resnet.init(1, &plain))?.network;
    let features = |encoder: &ResNet| {
        extract_features(test.clone(), &shown, 100, &plain, |images| encoder.forward(images))
    };
    anyhow::ensure!(features(&encoder)? == features(&restored)?, "the loaded encoder differs");
    println!("loaded again: all {} features are equal", features(&restored)?.as_slice().len());
    Ok(())
}

/// Draws stripes and checks of random angle and width in noise; which of them is the class.
fn stripes_and_checks(images: usize, seed: u64) -> anyhow::Result<Arc<InMemory>> {
    let mut pixels = Vec::new();
    for sample in 0..images {
        let mut rng = ViewKey { seed, epoch: 0, sample: sample as u64, view: 0 }.rng();
        let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
        let width: f32 = rng.random_range(1.0..1.8);
        pixels.extend((0..16 * 16).map(|place| {
            let (x, y) = (width * (place % 16) as f32, width * (place / 16) as f32);
            let (u, v) = ((cos * x + sin * y).sin(), (cos * y - sin * x).sin());
            let wave = if sample.is_multiple_of(2) { u } else { u * v };
            (128.0 + 60.0 * wave + rng.random_range(-40.0..40.0)) as u8
        }));
    }
    let classes = (0..images).map(|sample| Some(sample % 2)).collect();
    let images = InMemory::new(pixels, [16, 16, 1], Layout::Hwc)?;
    Ok(Arc::new(images.with_labels(classes, vec!["stripes".into(), "checks".into()])?))
}
