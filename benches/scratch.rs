//! What the network of the preset `laptop` reaches from scratch with few labels, tuned by images
//! that a user with few labels does not have.
//!
//! `cargo run --release --bin scratch -- cifar10-jpg.tar.gz 10` trains it on 10 labels of each class.
//! 5,000 training images choose views, rate and steps; the steps of the best are tripled if that
//! helps, but not again: then it all takes somewhat longer than the hour of pre-training. The choice is
//! trained on five label samples and measured on the test images.
//! `selfsame evaluate RUN --scratch` chooses by the labels alone.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use burn::tensor::Device;
use selfsame::datasets::{Subset, few_labels, open};
use selfsame::metrics::Summary;
use selfsame::prelude::*;
use selfsame::train::{FineTune, Preset, Supervised};

/// Label samples that the choice is measured on; the choice is made on another one.
const SAMPLES: u64 = 5;
/// Of each class, every so many-th training image is held out.
const EVERY: usize = 10;

fn main() -> Result<()> {
    selfsame::keep_memory();
    selfsame::compute_on_this_thread();
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("give the path of the images")?;
    let per_class: usize = arguments.next().context("give the labels of each class")?.parse()?;
    let splits = open(Path::new(&path))?;
    let (all, test) = (splits.train, splits.test.context("there are no test images")?);
    let [train, held_out] = split(&all)?;
    let device = Device::flex().autodiff();
    let network = Preset::laptop().backbone;

    let crops = Recipe::simsiam_cifar();
    let one = |recipe: Recipe| Recipe { views: vec![recipe.views[0].clone()], ..recipe };
    let recipes = [
        ("shifts and flips", Recipe::supervised_cifar()),
        ("crops and colors", one(crops)),
        ("patches and colors", one(Recipe::patches_cifar(1))),
    ];
    let run = |recipe: &Recipe, test: &Arc<dyn Dataset>| Supervised {
        threads: 2,
        ..Supervised::new(train.clone(), test.clone(), recipe.clone(), &device)
    };
    let (classes, answers) = (labels(&*train)?, labels(&*test)?);
    let batch_size = (2 * per_class).clamp(10, 64);
    let sample = few_labels(&classes, per_class, SAMPLES)?;
    let fresh = |seed: u64| network.init(seed, &device);
    let of_held_out = labels(&*held_out)?;
    println!("| views | rate | steps | held-out accuracy |\n|---|---|---|---|");
    let try_out = |place: usize, settings: FineTune| -> Result<(f64, usize, FineTune)> {
        let (name, recipe) = &recipes[place];
        let tuned = settings.fit(&fresh(SAMPLES), &run(recipe, &held_out), &sample)?;
        let accuracy = tuned.accuracy(&of_held_out);
        let FineTune { rate, steps, .. } = settings;
        println!("| {name} | {rate} | {steps} | {:.1} % |", 100.0 * accuracy);
        Ok((accuracy, place, settings))
    };
    let mut tried = Vec::new();
    for place in 0..recipes.len() {
        for rate in [0.03, 0.1] {
            for steps in [800, 2_400] {
                let sgd = OptimizerConfig::sgd(0.9, 5e-4);
                let settings = FineTune { steps, batch_size, ..FineTune::from_scratch(sgd, rate) };
                tried.push(try_out(place, settings)?);
            }
        }
    }
    let best = tried.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let (most, place, settings) = best.context("there are no candidates")?;
    let longer = FineTune { steps: 3 * settings.steps, ..settings.clone() };
    let (accuracy, _, longer) = try_out(place, longer)?;
    let settings = if accuracy > most { longer } else { settings };
    let accuracy = |seed| {
        let sample = few_labels(&classes, per_class, seed)?;
        let tuned = settings.fit(&fresh(seed), &run(&recipes[place].1, &test), &sample)?;
        let accuracy = 100.0 * tuned.accuracy(&answers);
        println!("label sample {seed}: {accuracy:.1} %");
        Ok(accuracy)
    };
    let found = Summary::of(&(0..SAMPLES).map(accuracy).collect::<Result<Vec<f64>>>()?);
    let (mean, std) = (found.mean, found.std);
    println!("{per_class} labels per class, from scratch: {mean:.1} ± {std:.1} %");
    Ok(())
}

/// Returns the images to learn from and those that choose.
fn split(all: &Arc<dyn Dataset>) -> Result<[Arc<dyn Dataset>; 2]> {
    let mut seen = vec![0_usize; all.class_names().len()];
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    for (index, label) in labels(&**all)?.into_iter().enumerate() {
        let part = if seen[label].is_multiple_of(EVERY) { &mut held_out } else { &mut train };
        part.push(index);
        seen[label] += 1;
    }
    let subset = |indices| -> Arc<dyn Dataset> { Arc::new(Subset::new(all.clone(), indices)) };
    Ok([subset(train), subset(held_out)])
}

fn labels(images: &dyn Dataset) -> Result<Vec<usize>> {
    let label = |index| images.label(index).context("an image has no label");
    (0..images.len()).map(label).collect()
}
