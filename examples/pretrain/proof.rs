//! Measures an encoder: nearest neighbors, linear probes with few and all labels, and for
//! comparison the same network trained from scratch on the same labels.

use std::sync::Arc;

use anyhow::Context;
use burn::module::Module;
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::callbacks::{Progress, StopSignal};
use selfsame::datasets::{Dataset, Subset, few_labels};
use selfsame::metrics::{Features, Knn, LabeledFeatures, LinearProbe, Summary, accuracy};
use selfsame::models::{AnyBackbone, Backbone, Classifier};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::report::{NeighborSheet, nearest_other_rows, nearest_rows, spread_over_classes};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{Trainer, TrainerConfig, extract_features};

use crate::images::{Images, labels};
use crate::settings::Settings;

/// Images per forward pass.
const BATCH: usize = 128;
/// Labels per class in a label sample, and number of samples.
const FEW: usize = 10;
const LABEL_SAMPLES: u64 = 3;
/// Queries on the sheet of neighbors, and neighbors of each.
const QUERIES: usize = 6;
const NEIGHBORS: usize = 8;

/// Features of all images of a run.
pub(crate) struct ImageFeatures {
    train: Features,
    /// `None` if the images have no labels.
    test: Option<Features>,
}

impl ImageFeatures {
    pub(crate) fn extract(
        images: &Images,
        shown: &Recipe,
        encoder: &AnyBackbone,
        device: &Device,
    ) -> anyhow::Result<Self> {
        let features = |dataset: &Arc<dyn Dataset>| {
            extract_features(dataset.clone(), shown, BATCH, device, |view| encoder.forward(view))
        };
        let test = images.test.as_ref().map(features).transpose()?;
        Ok(Self { train: features(&images.train)?, test })
    }

    /// Returns a few test images, or training images if there are no others, each with its nearest
    /// training images.
    pub(crate) fn neighbors(&self, images: &Images) -> anyhow::Result<NeighborSheet> {
        let dataset = images.test.as_ref().unwrap_or(&images.train);
        let labels = labels(dataset.as_ref()).unwrap_or_else(|| vec![0; dataset.len()]);
        let queries = spread_over_classes(&labels, QUERIES);
        let rows = match &self.test {
            Some(test) => nearest_rows(&self.train, test, &queries, NEIGHBORS),
            None => nearest_other_rows(&self.train, &queries, NEIGHBORS),
        };
        let mut sheet = NeighborSheet::new();
        for (query, neighbors) in queries.into_iter().zip(rows?) {
            let neighbors = neighbors.into_iter().map(|index| images.train.image(index));
            sheet.push(&dataset.image(query)?, &neighbors.collect::<Result<Vec<_>, _>>()?)?;
        }
        Ok(sheet)
    }
}

/// Labels for training and testing.
pub(crate) struct Judge {
    train: Vec<usize>,
    test: Vec<usize>,
    classes: usize,
    seed: u64,
}

impl Judge {
    /// Returns `None` if the images have no labels.
    pub(crate) fn new(images: &Images, seed: u64) -> Option<Self> {
        let classes = images.train.class_names().len();
        let train = labels(images.train.as_ref())?;
        let test = labels(images.test.as_ref()?.as_ref())?;
        Some(Self { train, test, classes, seed })
    }

    fn test<'a>(&'a self, features: &'a ImageFeatures) -> anyhow::Result<LabeledFeatures<'a>> {
        let test = features.test.as_ref().context("a labeled run has test images")?;
        Ok(LabeledFeatures::new(test, &self.test)?)
    }

    /// Returns the share of test images whose nearest training images vote for their class.
    pub(crate) fn knn(&self, features: &ImageFeatures) -> anyhow::Result<f64> {
        let train = LabeledFeatures::new(&features.train, &self.train)?;
        Ok(Knn::default().accuracy(train, self.test(features)?, self.classes)?)
    }

    /// Returns the accuracy of a linear probe with few labels, and with all.
    pub(crate) fn probe(&self, features: &ImageFeatures) -> anyhow::Result<[Summary; 2]> {
        let test = self.test(features)?;
        let accuracy = |indices: &[usize]| -> anyhow::Result<f64> {
            let labels: Vec<usize> = indices.iter().map(|&index| self.train[index]).collect();
            let rows = features.train.select(indices);
            let train = LabeledFeatures::new(&rows, &labels)?;
            Ok(LinearProbe::default().fit(train, self.classes)?.accuracy(test)?)
        };
        let samples = self.label_samples()?;
        let few = samples.iter().map(|sample| accuracy(sample));
        let few = few.collect::<anyhow::Result<Vec<f64>>>()?;
        let all: Vec<usize> = (0..self.train.len()).collect();
        Ok([Summary::of(&few), Summary::of(&[accuracy(&all)?])])
    }

    /// Returns the accuracy of the same network trained on the labels alone, few and all; `None` if
    /// it was stopped.
    pub(crate) fn scratch(
        &self,
        training: &ScratchTraining<'_>,
    ) -> anyhow::Result<Option<[Summary; 2]>> {
        let mut few = Vec::new();
        for sample in self.label_samples()? {
            let accuracy = self.train_from_scratch(training, sample, training.few())?;
            let Some(accuracy) = accuracy else {
                return Ok(None);
            };
            few.push(accuracy);
        }
        let all = (0..self.train.len()).collect();
        let accuracy = self.train_from_scratch(training, all, training.all())?;
        Ok(accuracy.map(|all| [Summary::of(&few), Summary::of(&[all])]))
    }

    fn train_from_scratch(
        &self,
        training: &ScratchTraining<'_>,
        indices: Vec<usize>,
        ScratchConfig { title, batch_size, epochs, peak }: ScratchConfig,
    ) -> anyhow::Result<Option<f64>> {
        let ScratchTraining { images, settings, device, threads, signal } = training;
        let batch_size = batch_size.min(indices.len());
        let labeled = Arc::new(Subset::new(images.train.clone(), indices));
        let config = LoaderConfig { batch_size, threads: *threads, seed: self.seed };
        let loader = Loader::new(labeled, settings.supervised_recipe(), config)?;
        let encoder = settings.backbone.init(self.seed, device);
        let network = Classifier::new(encoder, self.classes, self.seed, device);
        let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(peak));
        let config = TrainerConfig::new(epochs, optimizer, schedule);
        let trainer = Trainer::new(network, loader, config, device)?;
        let trainer = trainer.with_callback(Progress::new(title)).with_signal(signal.clone());
        let outcome = trainer.fit()?;
        if outcome.stopped.is_some() {
            return Ok(None);
        }
        let network = outcome.method.valid();
        let test = images.test.as_ref().context("a labeled run has test images")?;
        let plain = (*device).clone().inner();
        let forward = |view| network.forward(view);
        let scores = extract_features(test.clone(), &settings.shown(), BATCH, &plain, forward)?;
        Ok(Some(accuracy_of_scores(&scores, &self.test)))
    }

    /// Returns the label samples, the same for probes and for training from scratch.
    fn label_samples(&self) -> anyhow::Result<Vec<Vec<usize>>> {
        let sample = |n| Ok(few_labels(&self.train, FEW, LABEL_SAMPLES * self.seed + n)?);
        (0..LABEL_SAMPLES).map(sample).collect()
    }
}

/// Everything that training from scratch needs besides labels.
pub(crate) struct ScratchTraining<'a> {
    pub images: &'a Images,
    pub settings: &'a Settings,
    /// The device, with autodiff.
    pub device: &'a Device,
    pub threads: usize,
    pub signal: StopSignal,
}

/// Length and learning rate of training from scratch.
struct ScratchConfig {
    title: &'static str,
    batch_size: usize,
    epochs: u64,
    /// Highest learning rate.
    peak: f64,
}

impl ScratchTraining<'_> {
    /// Enough steps to converge; fewer would flatter the pre-trained encoder.
    fn few(&self) -> ScratchConfig {
        let epochs = if self.settings.quick { 20 } else { 500 };
        ScratchConfig { title: "from scratch, 10 labels", batch_size: 20, epochs, peak: 0.1 }
    }

    fn all(&self) -> ScratchConfig {
        let epochs = if self.settings.quick { 3 } else { 10 };
        ScratchConfig { title: "from scratch, all labels", batch_size: 64, epochs, peak: 0.1 }
    }
}

fn accuracy_of_scores(scores: &Features, labels: &[usize]) -> f64 {
    let predict = |row: &[f32]| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(class, _)| class)
    };
    let predictions: Vec<usize> =
        (0..scores.rows()).map(|index| predict(scores.row(index))).collect();
    accuracy(&predictions, labels)
}
