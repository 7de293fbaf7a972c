//! Images of your own: a `Dataset`, here of digits on a display of seven segments, drawn when they
//! are asked for. Loader and trainer take it as it is. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use image::{DynamicImage, GrayImage, Luma};
use rand::RngExt;
use selfsame::augment::{Operator, Recipe, ViewKey};
use selfsame::datasets::{DataError, Dataset, stamp};
use selfsame::models::{Method, ResNetConfig, SimClrConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{BatchSource, Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};

/// Digits on a display of seven segments, at any place and brightness, in noise.
struct Digits {
    images: usize,
    seed: u64,
    classes: Vec<String>,
}

/// Rows of five pixels of each digit; the top bit is the left pixel.
const FORMS: [[u8; 9]; 10] = [
    [14, 17, 17, 17, 0, 17, 17, 17, 14],
    [0, 1, 1, 1, 0, 1, 1, 1, 0],
    [14, 1, 1, 1, 14, 16, 16, 16, 14],
    [14, 1, 1, 1, 14, 1, 1, 1, 14],
    [0, 17, 17, 17, 14, 1, 1, 1, 0],
    [14, 16, 16, 16, 14, 1, 1, 1, 14],
    [14, 16, 16, 16, 14, 17, 17, 17, 14],
    [14, 1, 1, 1, 0, 1, 1, 1, 0],
    [14, 17, 17, 17, 14, 17, 17, 17, 14],
    [14, 17, 17, 17, 14, 1, 1, 1, 14],
];

impl Digits {
    fn new(images: usize, seed: u64) -> Self {
        Self { images, seed, classes: (0..10).map(|digit| digit.to_string()).collect() }
    }
}

impl Dataset for Digits {
    fn len(&self) -> usize {
        self.images
    }

    // Called by several threads at once, in any order, so an image depends on its index alone. An
    // image that is read from a file may fail: the error names the file.
    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let key = ViewKey { seed: self.seed, epoch: 0, sample: index as u64, view: 0 };
        let mut rng = key.rng();
        let (left, top) = (rng.random_range(1..=10), rng.random_range(1..=6));
        let (dark, light) = (rng.random_range(0..=90), rng.random_range(140..=225));
        let form = FORMS[index % FORMS.len()];
        let image = GrayImage::from_fn(16, 16, |x, y| {
            let row = y.checked_sub(top).and_then(|y| form.get(y as usize));
            let bit = x.checked_sub(left).filter(|x| *x < 5).map_or(0, |x| 16 >> x);
            let is_lit = row.is_some_and(|row| row & bit != 0);
            Luma([rng.random_range(0..=30) + if is_lit { light } else { dark }])
        });
        Ok(image.into())
    }

    // The rest has defaults, but without labels no accuracy can be measured.
    fn label(&self, index: usize) -> Option<usize> {
        Some(index % FORMS.len())
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        format!("digit {} number {index}", index % FORMS.len())
    }

    // A run that is resumed compares the stamps of all images, and refuses data that changed. For a
    // file, its name and size would do.
    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        Ok(stamp(&[&self.seed.to_le_bytes(), &index.to_le_bytes()]))
    }
}
fn knob(n: &str, d: f64) -> f64 { std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d) }
fn seed() -> u64 { knob("SEED", 0.0) as u64 }

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let (train, test) = (Arc::new(Digits::new(1000, 2 * seed())), Arc::new(Digits::new(1000, 2 * seed() + 1)));

    // A mirrored 2 is a 5, and a 6 upside down is a 9: views must keep what tells the classes apart.
    let mut views = Recipe::shapes(knob("SIZE", 16.) as u32);
    for view in &mut views.views {
        view.retain(|op| !matches!(op, Operator::HorizontalFlip(_) | Operator::Rotation(_)));
    }
    let shown = Recipe::evaluation(knob("SIZE", 16.) as u32).with_normalize(views.normalize);
    let loading = LoaderConfig { batch_size: knob("BATCH", 100.) as usize, threads: 2, seed: seed() };
    let loader = Loader::new(train.clone(), views, loading)?;
    println!("{} with checksum {}", train.name(5), loader.fingerprint()?["data.checksum"]);
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let encoder = ResNetConfig { blocks: vec![1; knob("B", 4.) as usize], width: knob("W", 4.) as usize, channels: 3 }.init(seed(), &device);
    let method = SimClrConfig { d_hidden: knob("HID", 64.) as usize, d_output: knob("OUT", 32.) as usize, temperature: knob("TS", 0.5) }.init(encoder, seed(), &device);
    let before = held_out.knn(&method.encoder().valid(), &Device::flex())?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(knob("VEL", 0.9), 5e-4), Schedule::one_cycle(knob("R1", 0.1)));
    let config = TrainerConfig::new(knob("EPOCHS", 10.) as u64, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device)?.fit()?;
    let after = held_out.knn(&outcome.method.encoder().valid(), &Device::flex())?;
    println!("digits  kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    Ok(())
}
