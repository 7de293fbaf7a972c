//! Linear probe by stochastic gradient descent.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::objective::Objective;
use super::{FeatureScaling, FittedProbe};
use crate::{LabeledFeatures, MetricError};

/// How the learning rate falls over the steps of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RateSchedule {
    /// Half a cosine to 0, step by step.
    Cosine,
    /// A tenth from each of these epochs on.
    Epochs(Vec<usize>),
}

/// A linear layer trained by SGD with momentum on cross-entropy, for figures that are compared with
/// those of libraries that evaluate so.
///
/// ```text
/// v ← momentum · v + ∇(mean loss of a batch + weight_decay/2 ‖W‖²)       W ← W − rate · v
/// ```
/// Each epoch visits every row once in an order that the seed decides; the last batch may be smaller.
/// Weights start at 0: the problem is convex, and no draw is needed to break a symmetry.
///
/// # Source
/// What lightly 1.6, solo-learn 1.0 and TensorFlow Similarity 0.18 do on images, here on fixed
/// features: [`SgdProbe::lightly`], [`SgdProbe::solo_learn`], [`SgdProbe::tf_similarity`].
/// Deviations: no augmentation, weights that start at 0, no decay of the bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdProbe {
    /// Passes over the rows, 1 or more.
    pub epochs: usize,
    /// Rows of a step, 1 or more.
    pub batch_size: usize,
    /// The learning rate of the first step, above 0.
    pub rate: f64,
    /// How the rate falls.
    pub schedule: RateSchedule,
    /// Momentum, 0 to below 1.
    pub momentum: f64,
    /// Weight decay, 0 or more.
    pub weight_decay: f64,
    /// Whether the features of a batch are standardized over that batch; predictions standardize
    /// over the training rows.
    pub batch_norm: bool,
    /// Decides the order of the rows.
    pub seed: u64,
    /// What is done to the features first.
    pub scaling: FeatureScaling,
}

/// Added to variances by batch norm.
const EPSILON: f64 = 1e-5;

impl SgdProbe {
    /// Returns lightly's protocol: 90 epochs, rate 0.1 for batches of 256, cosine, momentum 0.9, no
    /// weight decay.
    #[must_use]
    pub fn lightly() -> Self {
        Self {
            epochs: 90,
            batch_size: 256,
            rate: 0.1,
            schedule: RateSchedule::Cosine,
            momentum: 0.9,
            weight_decay: 0.0,
            batch_norm: false,
            seed: 0,
            scaling: FeatureScaling::None,
        }
    }

    /// Returns solo-learn's protocol: 100 epochs, a tenth of the rate from epochs 60 and 80 on,
    /// batches of 256. Its rate differs by method, 0.1 to 30; here it is 0.3.
    #[must_use]
    pub fn solo_learn() -> Self {
        let schedule = RateSchedule::Epochs(vec![60, 80]);
        Self { epochs: 100, rate: 0.3, schedule, ..Self::lightly() }
    }

    /// Returns TensorFlow Similarity's protocol: 10 epochs, rate 30, batches of 512, cosine.
    #[must_use]
    pub fn tf_similarity() -> Self {
        Self { epochs: 10, rate: 30.0, batch_size: 512, ..Self::lightly() }
    }

    /// Fits a linear layer to labeled features.
    ///
    /// # Errors
    /// If there are no rows, a label is not below `classes`, or a setting is out of its range, which
    /// includes a rate at which the weights are no longer finite.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, SgdProbe};
    ///
    /// let features = Features::new(1, vec![-2.0, -1.0, 1.0, 2.0])?;
    /// let train = LabeledFeatures::new(&features, &[1, 1, 0, 0])?;
    /// assert_eq!(SgdProbe::lightly().fit(train, 2)?.accuracy(train)?, 1.0);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn fit(
        &self,
        train: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<FittedProbe, MetricError> {
        self.check()?;
        let mut probe = FittedProbe::untrained(train, classes, self.scaling)?;
        let rows = probe.scaled(train.features().as_slice());
        let width = train.features().dim() + 1;
        let count = train.labels().len();
        let mut order: Vec<usize> = (0..count).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let steps = self.epochs * count.div_ceil(self.batch_size);
        let mut step = 0_usize;
        let mut velocity = vec![0.0; probe.weights.len()];
        for epoch in 0..self.epochs {
            order.shuffle(&mut rng);
            for batch in order.chunks(self.batch_size) {
                let mut values: Vec<f64> = Vec::with_capacity(batch.len() * width);
                for row in batch {
                    values.extend(&rows[row * width..][..width]);
                }
                if self.batch_norm {
                    let (mean, scale) = moments(&values, width);
                    standardize(&mut values, &mean, &scale);
                }
                let labels: Vec<usize> = batch.iter().map(|row| train.labels()[*row]).collect();
                let objective = Objective::new(&values, &labels, classes, self.weight_decay);
                let (_, gradient) = objective.at(&probe.weights);
                let rate = self.rate_at(epoch, step as f64 / steps as f64);
                for ((w, v), g) in probe.weights.iter_mut().zip(&mut velocity).zip(gradient) {
                    *v = self.momentum * *v + g;
                    *w -= rate * *v;
                }
                step += 1;
            }
        }
        if !probe.weights.iter().all(|w| w.is_finite()) {
            return Err(MetricError::Setting {
                key: "rate",
                range: "small enough for these features: the weights are no longer finite",
            });
        }
        if self.batch_norm {
            let (mean, scale) = moments(&rows, width);
            probe.rescale(&mean, &scale);
        }
        Ok(probe)
    }

    pub(super) fn rate_at(&self, epoch: usize, progress: f64) -> f64 {
        match &self.schedule {
            RateSchedule::Cosine => {
                self.rate * f64::midpoint(1.0, (std::f64::consts::PI * progress).cos())
            }
            RateSchedule::Epochs(epochs) => {
                epochs.iter().filter(|at| epoch >= **at).fold(self.rate, |rate, _| rate / 10.0)
            }
        }
    }

    fn check(&self) -> Result<(), MetricError> {
        let ranges = [
            (self.epochs > 0, "epochs", "1 or more"),
            (self.batch_size > 0, "batch_size", "1 or more"),
            (self.rate > 0.0 && self.rate.is_finite(), "rate", "above 0"),
            ((0.0..1.0).contains(&self.momentum), "momentum", "0 to below 1"),
            ((0.0..f64::INFINITY).contains(&self.weight_decay), "weight_decay", "0 or more"),
        ];
        match ranges.into_iter().find(|(held, ..)| !held) {
            Some((_, key, range)) => Err(MetricError::Setting { key, range }),
            None => Ok(()),
        }
    }
}

/// Returns mean and inverse deviation of every column but the last, which is that of the bias.
fn moments(rows: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let (dim, count) = (width - 1, (rows.len() / width) as f64);
    let (mut mean, mut variance) = (vec![0.0; dim], vec![0.0; dim]);
    for row in rows.chunks(width) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count);
    }
    for row in rows.chunks(width) {
        for ((variance, mean), x) in variance.iter_mut().zip(&mean).zip(row) {
            *variance += (x - mean).powi(2) / count;
        }
    }
    (mean, variance.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect())
}

fn standardize(rows: &mut [f64], mean: &[f64], scale: &[f64]) {
    for row in rows.chunks_mut(mean.len() + 1) {
        for ((x, mean), scale) in row.iter_mut().zip(mean).zip(scale) {
            *x = (*x - mean) * scale;
        }
    }
}
