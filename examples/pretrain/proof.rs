//! Measures an encoder: nearest neighbors, linear probes with few and all labels, and for
//! comparison the same network trained from scratch on the same labels.

use std::sync::Arc;

use anyhow::Context;
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::callbacks::StopSignal;
use selfsame::datasets::{Dataset, few_labels};
use selfsame::metrics::{Features, Knn, LabeledFeatures, LinearProbe, Summary};
use selfsame::models::{AnyBackbone, Backbone, BackboneConfig};
use selfsame::optim::OptimizerConfig;
use selfsame::report::{NeighborSheet, nearest_other_rows, nearest_rows, spread_over_classes};
use selfsame::train::{FineTune, Supervised, TrainError, TuningGrid, extract_features};

use crate::images::{Images, labels_at};
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
        let labels: Vec<usize> =
            (0..dataset.len()).map(|index| dataset.label(index).unwrap_or(0)).collect();
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
    /// The training images that have labels, as indices, and these.
    labeled: Vec<usize>,
    train: Vec<usize>,
    test: Vec<usize>,
    classes: usize,
    seed: u64,
}

impl Judge {
    /// Returns `None` if the images have no labels.
    pub(crate) fn new(images: &Images, seed: u64) -> Option<Self> {
        let classes = images.train.class_names().len();
        let labeled = images.labeled.clone();
        let train = labels_at(images.train.as_ref(), &labeled);
        let test = images.test.as_ref()?.as_ref();
        let test = labels_at(test, &(0..test.len()).collect::<Vec<_>>());
        Some(Self { labeled, train, test, classes, seed })
    }

    fn test<'a>(&'a self, features: &'a ImageFeatures) -> anyhow::Result<LabeledFeatures<'a>> {
        let test = features.test.as_ref().context("a labeled run has test images")?;
        Ok(LabeledFeatures::new(test, &self.test)?)
    }

    /// Returns the share of test images whose nearest training images vote for their class.
    pub(crate) fn knn(&self, features: &ImageFeatures) -> anyhow::Result<f64> {
        let rows = features.train.select(&self.labeled);
        let train = LabeledFeatures::new(&rows, &self.train)?;
        Ok(Knn::default().accuracy(train, self.test(features)?, self.classes)?)
    }

    /// Returns the accuracy of a linear probe with few labels, and with all.
    pub(crate) fn probe(&self, features: &ImageFeatures) -> anyhow::Result<[Summary; 2]> {
        let test = self.test(features)?;
        let accuracy = |indices: &[usize]| -> anyhow::Result<f64> {
            let labels: Vec<usize> = indices.iter().map(|&index| self.train[index]).collect();
            let rows = indices.iter().map(|&index| self.labeled[index]);
            let rows = features.train.select(&rows.collect::<Vec<_>>());
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
        let ScratchTraining { images, settings, device, threads, signal } = training;
        let test = images.test.as_ref().context("a labeled run has test images")?;
        let (train, recipe) = (images.labeled_images(), settings.supervised_recipe());
        let run = |title: &str| Supervised {
            shown: settings.shown(),
            threads: *threads,
            seed: self.seed,
            signal: signal.clone(),
            title: Some(title.to_owned()),
            ..Supervised::new(train.clone(), test.clone(), recipe.clone(), device)
        };
        let encoder = |_| settings.backbone.init(self.seed, device);
        let accuracy = |grid: TuningGrid, title, samples: &[Vec<usize>]| match grid.accuracy(
            encoder,
            &run(title),
            samples,
        ) {
            Ok(summary) => Ok(Some(summary)),
            Err(TrainError::Stopped) => Ok(None),
            Err(error) => Err(error),
        };
        let few = accuracy(training.few(), "from scratch, 10 labels", &self.label_samples()?)?;
        let Some(few) = few else { return Ok(None) };
        let labels = self.train.len();
        let all =
            accuracy(training.all(labels), "from scratch, all labels", &[(0..labels).collect()])?;
        Ok(all.map(|all| [few, all]))
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

impl ScratchTraining<'_> {
    /// Returns the candidates for few labels: enough steps to converge, since fewer would flatter
    /// the pre-trained encoder.
    fn few(&self) -> TuningGrid {
        self.grid(20, if self.settings.quick { 100 } else { 800 })
    }

    /// Returns the candidates for all `labels`, for a number of passes.
    fn all(&self, labels: usize) -> TuningGrid {
        let passes = if self.settings.quick { 3 } else { 10 };
        self.grid(64, passes * (labels as u64 / 64).max(1))
    }

    /// Returns learning rates that suit the network; a quick run takes the first.
    fn grid(&self, batch_size: usize, steps: u64) -> TuningGrid {
        let (optimizer, rates) = match self.settings.backbone {
            BackboneConfig::ResNet(_) | BackboneConfig::Airbench(_) => {
                (OptimizerConfig::sgd(0.9, 5e-4), [0.1, 0.03, 0.3])
            }
            _ => (OptimizerConfig::adam_w(0.05), [1e-3, 3e-4, 3e-3]),
        };
        let rates = if self.settings.quick { &rates[..1] } else { &rates };
        let base = FineTune { batch_size, ..FineTune::from_scratch(optimizer, rates[0]) };
        TuningGrid::product(&base, rates, &[steps])
    }
}
