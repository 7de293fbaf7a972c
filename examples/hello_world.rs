//! Learns from drawn shapes without labels, and shows what that is worth: accuracy with 1 label per
//! class, with 10 and with all, beside the same network trained from scratch on the same labels.
//!
//! Takes four minutes on two cores, seconds with `--quick`; a number is another seed than 0. `selfsame
//! pretrain` takes your images.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::sync::Arc;

use anyhow::Context;
use burn::module::Module;
use burn::tensor::Device;
use selfsame::callbacks::Progress;
use selfsame::datasets::{Split, Subset, Synthetic, SyntheticConfig, few_labels};
use selfsame::models::{EmpSslConfig, backbone};
use selfsame::prelude::*;
use selfsame::train::{FineTune, HeldOut, Supervised};

const OPTIONS: &str = "give nothing, `--quick` or a seed; `selfsame pretrain` has more options";

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let (images, batch_size, epochs, steps, seed) = match std::env::args().nth(1).as_deref() {
        Some("--quick") => (1_000, 16, 3, 60, 0),
        None => (5_000, 64, 18, 2_500, 0),
        Some(seed) => (5_000, 64, 18, 2_500, seed.parse().context(OPTIONS)?),
    };
    let shapes = |images, split| -> Arc<dyn Dataset> {
        Arc::new(Synthetic::new(SyntheticConfig { images, size: 32, seed, split }))
    };
    let (train, test) = (shapes(images, Split::Train), shapes(1_000, Split::Test));
    let device = Device::flex().autodiff();
    let network = backbone("airbench_small")?.with_width(16);

    // EMP-SSL: eight views of each image are to be alike, and those of a batch to fill the space.
    let Recipe { views, .. } = Recipe::shapes(16);
    let recipe = Recipe { views: vec![views[0].clone(); 8], ..Recipe::shapes(16) };
    let config = LoaderConfig { batch_size, threads: 2, seed };
    let loader = Loader::new(train.clone(), recipe, config)?;
    let head = EmpSslConfig { d_hidden: 256, d_output: 64, ..Default::default() };
    let method = head.init(network.init(seed, &device), seed, &device);
    let sgd = OptimizerConfig::sgd(0.9, 5e-4);
    let config = TrainerConfig::new(epochs, sgd, Schedule::one_cycle(0.03));
    let trainer = Trainer::new(method, loader, config, &device)?;
    let outcome = trainer.with_callback(Progress::new("EMP-SSL")).fit()?;
    let encoder = outcome.method.encoder().valid();

    let labeled =
        Supervised::new(train.clone(), test.clone(), Recipe::supervised_shapes(16), &device);
    let labels = |of: &dyn Dataset| (0..of.len()).filter_map(|index| of.label(index)).collect();
    let (classes, answers): (Vec<usize>, Vec<usize>) = (labels(&*train), labels(&*test));
    let measured = HeldOut { train, queries: test, recipe: labeled.shown.clone(), batch: 128 };
    println!("labels per class   pre-trained   from scratch");
    for per_class in [1, 10, images / 10] {
        let sample = few_labels(&classes, per_class, seed)?;
        let few = Arc::new(Subset::new(measured.train.clone(), sample.clone()));
        let few = HeldOut { train: few, ..measured.clone() };
        // The rule: with one label the nearest image, which is the class mean; else a linear probe.
        let plain = device.clone().inner();
        let learned = match per_class {
            1 => few.knn(&encoder, &plain)?,
            _ => few.linear_probe(&encoder, &plain)?,
        };
        // From scratch, on one such view: rates and steps were chosen on images of another seed.
        let rate = if per_class == 1 { 0.03 } else { 0.1 };
        let scratch = FineTune { steps, ..FineTune::from_scratch(sgd, rate) };
        let fresh = scratch.fit(&network.init(seed, &device), &labeled, &sample)?;
        let [learned, fresh] = [learned, fresh.accuracy(&answers)].map(|share| 100.0 * share);
        println!("{per_class:16} {learned:11.1} % {fresh:12.1} %");
    }
    Ok(())
}
