//! Measures what features tell of the labels: nearest neighbors, and linear probes with few and all
//! labels.

use anyhow::Context;
use selfsame::datasets::few_labels;
use selfsame::metrics::{
    Classification, Features, FittedProbe, Knn, LabeledFeatures, LinearProbe, NeighborMean,
    ProbeProtocol, ReadOut, Summary, evaluate_few_labels,
};

use crate::features::ImageFeatures;
use crate::images::{Images, labels_at};

/// Labels per class in a label sample, and number of samples.
pub(crate) const FEW: usize = 10;
pub(crate) const LABEL_SAMPLES: u64 = 3;

/// Labels for training and testing.
pub(crate) struct Judge {
    /// The training images that have labels, as indices, and these.
    labeled: Vec<usize>,
    pub train: Vec<usize>,
    pub test: Vec<usize>,
    pub classes: usize,
    /// Labeled training images of the smallest class.
    smallest: usize,
    seed: u64,
}

/// A linear probe of all labels, and what it says of the test images.
pub(crate) struct Probed {
    /// Accuracy with a few labels, if every class has that many.
    pub few: Option<Summary>,
    /// The same by the neighbor-mean probe.
    pub few_by_neighbors: Option<Summary>,
    pub all: Summary,
    pub classification: Classification,
    pub predictions: Vec<usize>,
}

/// The read-out that averages features over their neighbors among all training images, with labels
/// or without, before the linear probe.
pub(crate) struct NeighborMeanProbe<'a> {
    judge: &'a Judge,
    train: &'a Features,
    /// The averaged features of the test images.
    test: Features,
}

impl NeighborMeanProbe<'_> {
    /// Returns the accuracy with each label sample.
    pub(crate) fn accuracies(&self, samples: &[Vec<usize>]) -> anyhow::Result<Vec<f64>> {
        let Self { judge, train, test } = self;
        let places = samples.concat();
        let images: Vec<usize> = places.iter().map(|place| judge.labeled[*place]).collect();
        let labels: Vec<usize> = places.iter().map(|place| judge.train[*place]).collect();
        let rows = NeighborMean::default().of(&train.select(&images), train)?;
        let rows = LabeledFeatures::new(&rows, &labels)?;
        let test = LabeledFeatures::new(test, &judge.test)?;
        let mut end = 0;
        let moved = samples.iter().map(|sample| {
            end += sample.len();
            (end - sample.len()..end).collect()
        });
        let moved: Vec<Vec<usize>> = moved.collect();
        let probe = ReadOut::Probe(ProbeProtocol::Fixed(LinearProbe::few_labels()));
        let found = evaluate_few_labels(&[probe], rows, test, judge.classes, &moved)?;
        Ok(found.into_iter().flat_map(|found| found.accuracies).collect())
    }
}

impl Judge {
    /// Returns `None` if the images have no labels.
    pub(crate) fn new(images: &Images, seed: u64) -> Option<Self> {
        let test = images.test.as_ref()?.as_ref();
        let test = labels_at(test, &(0..test.len()).collect::<Vec<_>>());
        let sizes = images.class_sizes();
        Some(Self {
            labeled: images.labeled.clone(),
            train: labels_at(images.train.as_ref(), &images.labeled),
            test,
            classes: sizes.len(),
            smallest: sizes.into_iter().min().unwrap_or(0),
            seed,
        })
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Says, before anything is trained, what cannot be measured.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.smallest < FEW).then(|| {
            format!(
                "the smallest class has {} labeled images for training, so accuracy with {FEW} \
                 labels per class is not measured",
                self.smallest
            )
        })
    }

    /// Returns the features of the labeled training images.
    pub(crate) fn labeled(&self, features: &ImageFeatures) -> Features {
        features.train.select(&self.labeled)
    }

    /// Returns the test images.
    pub(crate) fn tested<'a>(
        &'a self,
        features: &'a ImageFeatures,
    ) -> anyhow::Result<LabeledFeatures<'a>> {
        let test = features.test.as_ref().context("a labeled run has test images")?;
        Ok(LabeledFeatures::new(test, &self.test)?)
    }

    /// Returns the share of test images whose nearest training images vote for their class.
    pub(crate) fn knn(&self, features: &ImageFeatures) -> anyhow::Result<f64> {
        let rows = self.labeled(features);
        let train = LabeledFeatures::new(&rows, &self.train)?;
        Ok(Knn::default().accuracy(train, self.tested(features)?, self.classes)?)
    }

    /// Fits linear probes, with few labels and with all.
    pub(crate) fn probe(&self, features: &ImageFeatures) -> anyhow::Result<Probed> {
        let (rows, test) = (self.labeled(features), self.tested(features)?);
        let fit = |probe: LinearProbe, sample: &[usize]| -> anyhow::Result<FittedProbe> {
            let labels: Vec<usize> = sample.iter().map(|place| self.train[*place]).collect();
            let rows = rows.select(sample);
            Ok(probe.fit(LabeledFeatures::new(&rows, &labels)?, self.classes)?)
        };
        let (few, few_by_neighbors) = if self.smallest >= FEW {
            let samples = self.label_samples()?;
            let probe = LinearProbe::few_labels();
            let of = |sample: &Vec<usize>| anyhow::Ok(fit(probe, sample)?.accuracy(test)?);
            let few = samples.iter().map(of).collect::<anyhow::Result<Vec<f64>>>()?;
            let by_neighbors = self.neighbor_mean_probe(features)?.accuracies(&samples)?;
            (Some(Summary::of(&few)), Some(Summary::of(&by_neighbors)))
        } else {
            (None, None)
        };
        let everything: Vec<usize> = (0..self.train.len()).collect();
        let all = fit(LinearProbe::default(), &everything)?;
        let classification = all.evaluate(test)?;
        let predictions = all.predict(test.features())?;
        let all = Summary::of(&[classification.top1]);
        Ok(Probed { few, few_by_neighbors, all, classification, predictions })
    }

    /// Averages the features of the test images over their neighbors.
    pub(crate) fn neighbor_mean_probe<'a>(
        &'a self,
        features: &'a ImageFeatures,
    ) -> anyhow::Result<NeighborMeanProbe<'a>> {
        let train = &features.train;
        let test = NeighborMean::default().of(self.tested(features)?.features(), train)?;
        Ok(NeighborMeanProbe { judge: self, train, test })
    }

    /// Returns the label samples, the same for probes and for training from scratch, as places among
    /// the labeled images.
    pub(crate) fn label_samples(&self) -> anyhow::Result<Vec<Vec<usize>>> {
        let sample = |n| Ok(few_labels(&self.train, FEW, LABEL_SAMPLES * self.seed + n)?);
        (0..LABEL_SAMPLES).map(sample).collect()
    }
}
