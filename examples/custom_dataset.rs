//! A custom data set: a `Dataset`, here of textures that are drawn when they are asked for. Loader and
//! trainer take it as it is. The checksum that it prints is of the stamps of all images, by which a
//! resumed run notices that the data has changed. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of pixels")]

use std::f32::consts::TAU;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use image::{DynamicImage, GrayImage, Luma};
use rand::RngExt;
use selfsame::augment::{Recipe, ViewKey};
use selfsame::datasets::{DataError, Dataset, stamp};
use selfsame::models::{Method, ResNetConfig, SimClrConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{BatchSource, Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};

/// Images of five textures, of random angle and width, in noise. The texture is the class.
struct Textures {
    images: usize,
    seed: u64,
    classes: Vec<String>,
}

impl Textures {
    fn new(images: usize, seed: u64) -> Self {
        let classes = ["stripes", "checks", "rings", "shade", "grain"].map(str::to_owned).to_vec();
        Self { images, seed, classes }
    }
}

impl Dataset for Textures {
    fn len(&self) -> usize {
        self.images
    }

    // Called by several threads at once, in any order: an image depends on its index alone. One that
    // is read from a file may fail; the error names the file.
    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let key = ViewKey { seed: self.seed, epoch: 0, sample: index as u64, view: 0 };
        let mut rng = key.rng();
        let (sin, cos) = rng.random_range(0.0..TAU).sin_cos();
        let (width, phase) = (rng.random_range(1.0..1.8_f32), rng.random_range(0.0..TAU));
        let image = GrayImage::from_fn(16, 16, |x, y| {
            let (x, y) = (x as f32 - 7.5, y as f32 - 7.5);
            let (u, v) = (width * (cos * x + sin * y), width * (cos * y - sin * x));
            let texture = match index % self.classes.len() {
                0 => (u + phase).sin(),
                1 => (u + phase).sin() * (v + phase).sin(),
                2 => (u.hypot(v) + phase).sin(),
                3 => (0.15 * u + phase).sin(),
                _ => rng.random_range(-1.0..1.0),
            };
            Luma([(128.0 + 60.0 * texture + rng.random_range(-40.0..40.0)) as u8])
        });
        Ok(image.into())
    }

    // All methods below have defaults, but without labels no accuracy can be measured.
    fn label(&self, index: usize) -> Option<usize> {
        Some(index % self.classes.len())
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    // For messages.
    fn name(&self, index: usize) -> String {
        format!("{} number {index}", self.classes[index % self.classes.len()])
    }

    // A run that is resumed compares the stamps of all images, and refuses data that has changed.
    // Of a file, its name and size would do.
    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        Ok(stamp(&[&self.seed.to_le_bytes(), &(index as u64).to_le_bytes()]))
    }
}

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let (train, test) = (Arc::new(Textures::new(1000, 0)), Arc::new(Textures::new(1000, 1)));

    let views = Recipe::shapes(16);
    let shown = views.for_evaluation();
    let loading = LoaderConfig { batch_size: 50, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let checksum = &loader.fingerprint()?["the samples (checksum of names and sizes)"];
    println!("{} images, the first is {}, checksum {checksum}", train.len(), train.name(0));
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let encoder = ResNetConfig::resnet10(4).init(0, &device);
    let config = SimClrConfig { d_hidden: 64, d_output: 32, ..SimClrConfig::default() };
    let method = config.init(encoder, 0, &device);
    let before = held_out.knn(&method.encoder().valid(), &Device::flex())?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.1));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device)?.fit()?;
    let after = held_out.knn(&outcome.method.encoder().valid(), &Device::flex())?;
    println!("SimCLR  kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    Ok(())
}
