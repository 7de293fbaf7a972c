//! The loop of pre-training by hand, without `Trainer`: BYOL, whose target network makes every line
//! of an update matter. The encoder is saved, loaded again, and compared. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::fs;
use std::sync::Arc;

use anyhow::ensure;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::datasets::{Split, Synthetic, SyntheticConfig};
use selfsame::models::{
    Backbone, Batch, ByolConfig, Clock, Context, Method, ResNet, ResNetConfig, from_safetensors,
    to_safetensors,
};
use selfsame::optim::{GroupedOptimizer, OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Upload, extract_features};

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff(); // for training
    let plain = Device::flex(); // for everything else

    // Two views of each training image, and the images as they are to measure the encoder.
    let views = Recipe::shapes(16);
    let shown = Recipe::evaluation(16).with_normalize(views.normalize);
    let drawn = SyntheticConfig { images: 1000, size: 16, seed: 0, split: Split::Train };
    let train = Arc::new(Synthetic::new(drawn));
    let test = Arc::new(Synthetic::new(SyntheticConfig { split: Split::Test, ..drawn }));
    let loading = LoaderConfig { batch_size: 50, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test.clone(), recipe: shown.clone(), batch: 100 };

    // The networks, the optimizer, and the place of the run in its schedule.
    let resnet = ResNetConfig::resnet10(4);
    let mut method = ByolConfig::default().init(resnet.init(0, &device), 0, &device);
    let (sgd, rate) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.05));
    let mut optimizer = GroupedOptimizer::new(sgd, rate, Vec::new(), None)?;
    let steps_per_epoch = loader.batches_per_epoch() as u64;
    let mut clock = Clock { steps_per_epoch, epochs: 10, ..Clock::default() };

    let before = held_out.knn(&method.encoder().valid(), &plain)?;
    while !clock.is_finished() {
        let epoch = clock.epoch();
        let mut losses = 0.0;
        for host in loader.epoch(epoch, 0) {
            let batch: Batch = host?.upload(&device);
            let context = Context::new(clock);
            let step = method.step(&batch, &context); // forward: changes no weight and no state
            losses += step.loss.clone().into_scalar::<f32>();
            let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
            let gradients = method.filter(gradients, &context); // BYOL filters none, DINO some
            let (now, total) = clock.progress();
            method = optimizer.step(now, total, method, gradients);
            method.after_update(vec![step.carry], &context); // the target follows
            clock.step += 1;
        }
        println!("epoch {:2}  loss {:.4}", epoch + 1, losses / steps_per_epoch as f32);
    }
    let encoder = method.encoder().valid();
    println!("BYOL  kNN before {before:.3} after {:.3}", held_out.knn(&encoder, &plain)?);

    // Only the encoder is kept; the rest of BYOL was there to train it.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("encoder.safetensors");
    fs::write(&file, to_safetensors(&encoder, &serde_json::to_string(&resnet)?)?)?;
    let loaded = from_safetensors(resnet.init(1, &plain), &fs::read(&file)?)?;
    let features = |encoder: &ResNet| {
        extract_features(test.clone(), &shown, 100, &plain, |images| encoder.forward(images))
    };
    ensure!(features(&encoder)? == features(&loaded)?, "the loaded encoder differs");
    println!("loaded again: {} features, all equal", features(&loaded)?.as_slice().len());
    Ok(())
}
