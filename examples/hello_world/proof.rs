//! What an encoder is worth: neighbors, probes with few and many labels, and the same network
//! trained from scratch on the same labels.

use std::sync::Arc;

use anyhow::Context;
use burn::module::Module;
use burn::tensor::Device;
use image::DynamicImage;
use selfsame::augment::Recipe;
use selfsame::callbacks::{Progress, StopSignal};
use selfsame::datasets::{Dataset, Subset, few_labels};
use selfsame::metrics::{Features, Knn, LinearProbe, Summary};
use selfsame::models::{Backbone, Classifier, ResNet, seed_weights};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{Trainer, extract_features};
use serde::Serialize;

use crate::images::{Images, labels};
use crate::settings::Settings;

/// Images encoded at a time.
const BATCH: usize = 128;
/// Labels per class where labels are few, and how often they are drawn.
const FEW: usize = 10;
const DRAWS: u64 = 3;

/// Test accuracy by the number of labels, 0 to 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Accuracy {
    pub labels_10: Row,
    pub labels_all: Row,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Row {
    pub pretrained: Summary,
    pub random: Summary,
    pub scratch: Option<Summary>,
}

/// Images, each with its nearest training images.
pub(crate) struct Neighbors(pub Vec<(DynamicImage, Vec<DynamicImage>)>);

/// The features of all images of a run.
pub(crate) struct Encoded {
    train: Features,
    test: Option<Features>,
}

impl Encoded {
    pub(crate) fn new(
        images: &Images,
        shown: &Recipe,
        encoder: &ResNet,
        device: &Device,
    ) -> anyhow::Result<Self> {
        let features = |dataset: &Arc<dyn Dataset>| {
            extract_features(dataset.as_ref(), shown, BATCH, device, |view| encoder.forward(view))
        };
        let test = images.test.as_ref().map(features).transpose()?;
        Ok(Self { train: features(&images.train)?, test })
    }

    /// The nearest training images of a few images: of test images, or of others like them.
    pub(crate) fn neighbors(&self, images: &Images) -> anyhow::Result<Neighbors> {
        let asked = images.test.as_ref().unwrap_or(&images.train);
        let features = self.test.as_ref().unwrap_or(&self.train);
        let shown: Vec<usize> =
            (0..asked.len()).step_by((asked.len() / 6).max(1)).take(6).collect();
        let rows = shown.iter().flat_map(|&index| features.row(index)).copied().collect();
        let near = Knn { k: 9, ..Knn::default() }
            .neighbors(&self.train, &Features::new(features.dim(), rows)?)?;
        let own = images.test.is_none(); // then an image is its own nearest neighbor
        let show = |(&index, near): (&usize, Vec<usize>)| {
            let near = near.into_iter().filter(|&other| !own || other != index).take(8);
            let near = near.map(|index| images.train.image(index)).collect::<Result<_, _>>()?;
            Ok((asked.image(index)?, near))
        };
        Ok(Neighbors(shown.iter().zip(near).map(show).collect::<anyhow::Result<_>>()?))
    }
}

/// Labels to learn from and to test with.
pub(crate) struct Judge {
    train: Vec<usize>,
    test: Vec<usize>,
    classes: usize,
    seed: u64,
}

impl Judge {
    /// `None` where images have no labels.
    pub(crate) fn new(images: &Images, seed: u64) -> Option<Self> {
        let classes = images.train.class_names().len();
        let train = labels(images.train.as_ref())?;
        let test = labels(images.test.as_ref()?.as_ref())?;
        Some(Self { train, test, classes, seed })
    }

    /// Share of test images whose nearest training images vote for their class.
    pub(crate) fn knn(&self, encoded: &Encoded) -> anyhow::Result<f64> {
        let test = encoded.test.as_ref().context("a labeled run has test images")?;
        Ok(Knn::default().accuracy(&encoded.train, &self.train, test, &self.test, self.classes)?)
    }

    /// Accuracy of a linear probe with few labels, and with all.
    pub(crate) fn probe(&self, encoded: &Encoded) -> anyhow::Result<[Summary; 2]> {
        let test = encoded.test.as_ref().context("a labeled run has test images")?;
        let accuracy = |indices: &[usize]| -> anyhow::Result<f64> {
            let labels: Vec<usize> = indices.iter().map(|&index| self.train[index]).collect();
            let rows = encoded.train.select(indices);
            let probe = LinearProbe::default().fit(&rows, &labels, self.classes)?;
            Ok(probe.accuracy(test, &self.test)?)
        };
        let few: Vec<f64> =
            self.draws()?.iter().map(|draw| accuracy(draw)).collect::<anyhow::Result<_>>()?;
        let all: Vec<usize> = (0..self.train.len()).collect();
        Ok([Summary::of(&few), Summary::of(&[accuracy(&all)?])])
    }

    /// Accuracy of the same network trained on the same labels alone; `None` if it was stopped.
    pub(crate) fn scratch(&self, bench: &Bench<'_>) -> anyhow::Result<Option<[Summary; 2]>> {
        let mut few = Vec::new();
        for draw in self.draws()? {
            let Some(accuracy) = self.train_from_scratch(bench, draw, bench.few())? else {
                return Ok(None);
            };
            few.push(accuracy);
        }
        let all = (0..self.train.len()).collect();
        let accuracy = self.train_from_scratch(bench, all, bench.all())?;
        Ok(accuracy.map(|all| [Summary::of(&few), Summary::of(&[all])]))
    }

    fn train_from_scratch(
        &self,
        bench: &Bench<'_>,
        indices: Vec<usize>,
        Lesson { title, batch_size, epochs, peak }: Lesson,
    ) -> anyhow::Result<Option<f64>> {
        let Bench { images, settings, device, threads, signal } = bench;
        let batch_size = batch_size.min(indices.len());
        let labeled = Arc::new(Subset::new(images.train.clone(), indices));
        let config = LoaderConfig { batch_size, threads: *threads, seed: self.seed };
        let loader = Loader::new(labeled, settings.supervised_recipe(), config)?;
        let schedule = Schedule::one_cycle(peak, epochs * loader.batches_per_epoch() as u64);
        let network = Classifier::new(settings.encoder().init(device), self.classes, device);
        let network = seed_weights(network, self.seed);
        let optimizer = OptimizerConfig::sgd(0.9, 5e-4).init();
        let trainer = Trainer::new(network, optimizer, schedule, loader, epochs, device);
        let trainer = trainer.with_callback(Progress::new(title)).with_signal(signal.clone());
        let outcome = trainer.fit()?;
        if outcome.stopped.is_some() {
            return Ok(None);
        }
        let network = outcome.method.valid();
        let test = images.test.as_ref().context("a labeled run has test images")?;
        let plain = (*device).clone().inner();
        let forward = |view| network.forward(view);
        let scores = extract_features(test.as_ref(), &settings.shown(), BATCH, &plain, forward)?;
        Ok(Some(accuracy_of_scores(&scores, &self.test)))
    }

    /// The same draws of labels for every contestant.
    fn draws(&self) -> anyhow::Result<Vec<Vec<usize>>> {
        let draw = |draw| Ok(few_labels(&self.train, FEW, DRAWS * self.seed + draw)?);
        (0..DRAWS).map(draw).collect()
    }
}

/// What training from scratch needs besides labels.
pub(crate) struct Bench<'a> {
    pub images: &'a Images,
    pub settings: &'a Settings,
    /// Where gradients can be had.
    pub device: &'a Device,
    pub threads: usize,
    pub signal: StopSignal,
}

/// How long and how fast to train from scratch.
struct Lesson {
    title: &'static str,
    batch_size: usize,
    epochs: u64,
    /// Highest learning rate.
    peak: f64,
}

impl Bench<'_> {
    /// Fewer steps would flatter the pre-trained encoder.
    fn few(&self) -> Lesson {
        let epochs = if self.settings.quick { 20 } else { 500 };
        Lesson { title: "from scratch, 10 labels", batch_size: 20, epochs, peak: 0.1 }
    }

    fn all(&self) -> Lesson {
        let epochs = if self.settings.quick { 3 } else { 10 };
        Lesson { title: "from scratch, all labels", batch_size: 64, epochs, peak: 0.1 }
    }
}

fn accuracy_of_scores(scores: &Features, labels: &[usize]) -> f64 {
    let best = |row: &[f32]| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(class, _)| class)
    };
    let right =
        labels.iter().enumerate().filter(|&(index, &label)| best(scores.row(index)) == label);
    right.count() as f64 / labels.len() as f64
}
