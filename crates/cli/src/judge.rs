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
/// The most labels with which features are averaged over neighbors. On CIFAR-10 that gained nothing
/// from 1,000 on.
const AVERAGED: usize = 10_000;

/// Labels for training and testing.
pub(crate) struct Judge {
    /// The training images that have labels, as indices, and these.
    labeled: Vec<usize>,
    pub train: Vec<usize>,
    pub test: Vec<usize>,
    pub classes: usize,
    /// Labeled training images of the smallest class.
    pub smallest: usize,
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
    /// Places of the images that have a label in any of the samples, ascending.
    places: Vec<usize>,
    /// Their averaged features.
    train: Features,
    /// The averaged features of the test images.
    test: Features,
}

impl NeighborMeanProbe<'_> {
    /// Returns the accuracy with each of some label samples that it was made for.
    pub(crate) fn accuracies(&self, samples: &[Vec<usize>]) -> anyhow::Result<Vec<f64>> {
        let Self { judge, places, train, test } = self;
        let labels: Vec<usize> = places.iter().map(|place| judge.train[*place]).collect();
        let train = LabeledFeatures::new(train, &labels)?;
        let test = LabeledFeatures::new(test, &judge.test)?;
        let row =
            |place: &usize| places.binary_search(place).ok().context("a label sample is not known");
        let rows = |sample: &Vec<usize>| sample.iter().map(row).collect::<anyhow::Result<_>>();
        let samples = samples.iter().map(rows).collect::<anyhow::Result<Vec<Vec<usize>>>>()?;
        let probe = ReadOut::Probe(ProbeProtocol::Fixed(LinearProbe::few_labels()));
        let found = evaluate_few_labels(&[probe], train, test, judge.classes, &samples)?;
        Ok(found.into_iter().flat_map(|found| found.accuracies).collect())
    }
}

impl Judge {
    /// Returns `None` if there are no labels to train with or none to test with.
    pub(crate) fn new(images: &Images, seed: u64) -> Option<Self> {
        let test = images.test.as_ref().filter(|_| !images.labeled.is_empty())?.as_ref();
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

    /// Whether any class has two labels, one to learn from and one to choose by.
    pub(crate) fn can_hold_out(&self) -> bool {
        let mut seen = vec![false; self.classes];
        self.train.iter().any(|label| std::mem::replace(&mut seen[*label], true))
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
        let (mut few, mut few_by_neighbors) = (None, None);
        if self.smallest >= FEW {
            let samples = self.label_samples()?;
            let probe = LinearProbe::few_labels();
            let of = |sample: &Vec<usize>| anyhow::Ok(fit(probe, sample)?.accuracy(test)?);
            few = Some(samples.iter().map(of).collect::<anyhow::Result<Vec<f64>>>()?);
            if samples.iter().all(|sample| is_averaged(features, sample)) {
                let probe = self.neighbor_mean_probe(features, &samples)?;
                few_by_neighbors = Some(probe.accuracies(&samples)?);
            }
        }
        let of_samples = |accuracies: Option<Vec<f64>>| accuracies.map(|it| Summary::of(&it));
        let (few, few_by_neighbors) = (of_samples(few), of_samples(few_by_neighbors));
        let everything: Vec<usize> = (0..self.train.len()).collect();
        let all = fit(LinearProbe::default(), &everything)?;
        let classification = all.evaluate(test)?;
        let predictions = all.predict(test.features())?;
        let all = Summary::of(&[classification.top1]);
        Ok(Probed { few, few_by_neighbors, all, classification, predictions })
    }

    /// Averages the features of test images, and of the training images of label samples, over
    /// their neighbors.
    pub(crate) fn neighbor_mean_probe(
        &self,
        features: &ImageFeatures,
        samples: &[Vec<usize>],
    ) -> anyhow::Result<NeighborMeanProbe<'_>> {
        let mut places = samples.concat();
        places.sort_unstable();
        places.dedup();
        let images: Vec<usize> = places.iter().map(|place| self.labeled[*place]).collect();
        let mean = |queries: &Features| NeighborMean::default().of(queries, &features.train);
        let train = mean(&features.train.select(&images))?;
        let test = mean(self.tested(features)?.features())?;
        Ok(NeighborMeanProbe { judge: self, places, train, test })
    }

    /// Returns the label samples, the same for probes and for training from scratch, as places among
    /// the labeled images.
    pub(crate) fn label_samples(&self) -> anyhow::Result<Vec<Vec<usize>>> {
        let sample = |n| {
            Ok(few_labels(&self.train, FEW, LABEL_SAMPLES.wrapping_mul(self.seed).wrapping_add(n))?)
        };
        (0..LABEL_SAMPLES).map(sample).collect()
    }
}

/// Whether neighbors are averaged over with the labels of a sample: only if there are images without
/// one to learn from, and not with so many labels that it gains nothing and takes hours.
pub(crate) fn is_averaged(features: &ImageFeatures, sample: &[usize]) -> bool {
    sample.len() <= AVERAGED && sample.len() < features.train.rows()
}
