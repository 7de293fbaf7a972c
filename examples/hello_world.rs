//! Learns from drawn shapes without labels, and shows what that is worth: the accuracy of nearest
//! neighbors, and of a linear classifier with 10 labels per class, on an encoder before and after.
//!
//! Takes a minute on two cores, seconds with `--quick`. `selfsame pretrain` takes your images.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use selfsame::callbacks::Progress;
use selfsame::datasets::{Split, Subset, Synthetic, SyntheticConfig, few_labels};
use selfsame::models::SimClrConfig;
use selfsame::prelude::*;
use selfsame::train::{HeldOut, OnlineAccuracy};

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let (images, width, epochs) = match std::env::args().nth(1).as_deref() {
        None => (5_000, 16, 14),
        Some("--quick") => (1_000, 8, 10),
        Some(other) => anyhow::bail!("only `--quick`, not `{other}`; `selfsame pretrain` has more"),
    };
    let shapes = |images, split| -> Arc<dyn Dataset> {
        Arc::new(Synthetic::new(SyntheticConfig { images, size: 32, seed: 0, split }))
    };
    let (train, test) = (shapes(images, Split::Train), shapes(1_000, Split::Test));
    let device = Device::flex().autodiff();

    // The encoder that is trained, a copy that stays random, and the method around it.
    let encoder = ResNetConfig::resnet10(width).init(0, &device);
    let random = encoder.valid();
    let method = SimClrConfig { temperature: 0.1, ..Default::default() }.init(encoder, 0, &device);

    // Training needs no labels; the accuracy on training images that are held out shows progress.
    let config = LoaderConfig { batch_size: 32, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), Recipe::shapes(16), config)?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.12));
    let config = TrainerConfig::new(epochs, optimizer, schedule);
    let held_out = HeldOut::split(train.clone(), Recipe::shapes(16).for_evaluation(), 1_000, 0)?;
    let trainer = Trainer::new(method, loader, config, &device)?
        .with_callback(OnlineAccuracy::knn(held_out))
        .with_callback(Progress::new("SimCLR"));
    let learned = trainer.fit()?.method.encoder().valid();

    // Evaluation on test images, which had no part in any choice.
    let labels: Vec<usize> = (0..images).filter_map(|index| train.label(index)).collect();
    let few = Arc::new(Subset::new(train.clone(), few_labels(&labels, 10, 0)?));
    let all =
        HeldOut { train, queries: test, recipe: Recipe::shapes(16).for_evaluation(), batch: 128 };
    let few = HeldOut { train: few, ..all.clone() };
    let device = device.inner();
    for (name, encoder) in [("random", &random), ("trained", &learned)] {
        let knn = 100.0 * all.knn(encoder, &device)?;
        let probe = 100.0 * few.linear_probe(encoder, &device)?;
        println!("{name} encoder: 20-NN {knn:.1} %, 10 labels per class {probe:.1} %");
    }
    Ok(())
}
