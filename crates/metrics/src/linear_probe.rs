//! Linear probe: how well a linear layer on frozen features predicts the class.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::knn::argmax;
use crate::lbfgs::minimize;
use crate::{Features, LabeledFeatures, MetricError, accuracy};

/// Multinomial logistic regression on standardized features.
///
/// ```text
/// minimize  Σ −log softmax(W x + b)[label]  +  l2/2 ‖W‖²       over the training rows x
/// ```
/// Each feature is first scaled to mean 0 and variance 1 over the training rows; predictions use
/// the same shift and scale. The minimum is unique and found by L-BFGS: there is no seed, no
/// learning rate, and nothing to tune on the test set.
///
/// # Source
/// The protocol of Kornblith et al., 2019, [arXiv:1805.08974](https://arxiv.org/abs/1805.08974),
/// with the penalty fixed instead of searched: 1, the default of scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearProbe {
    /// Weight of the L2 penalty, above 0.
    pub l2: f64,
    /// Maximum number of L-BFGS steps.
    pub steps: usize,
}

impl Default for LinearProbe {
    /// Returns a penalty of 1 and at most 300 steps.
    fn default() -> Self {
        Self { l2: 1.0, steps: 300 }
    }
}

/// A fitted linear layer with the shift and scale of its features, from [`LinearProbe::fit`].
#[derive(Clone, Debug)]
pub struct FittedProbe {
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// `[classes, dim + 1]`, the bias last.
    weights: Vec<f64>,
    classes: usize,
}

/// Rows per block; the sums of blocks are added in order, whatever the number of threads.
const BLOCK: usize = 256;

impl LinearProbe {
    /// Fits a linear layer to labeled features.
    ///
    /// # Errors
    /// If there are no rows, a label is not below `classes`, or `l2` is not above 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let features = Features::new(1, vec![-2.0, -1.0, 1.0, 2.0])?;
    /// let train = LabeledFeatures::new(&features, &[1, 1, 0, 0])?;
    /// let probe = LinearProbe::default().fit(train, 2)?;
    /// assert_eq!(probe.accuracy(train)?, 1.0);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn fit(
        &self,
        train: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<FittedProbe, MetricError> {
        let (features, labels) = (train.features(), train.labels());
        features.at_least(1)?;
        train.check_classes(classes)?;
        if !(self.l2 > 0.0 && self.l2.is_finite()) {
            return Err(MetricError::Setting { key: "l2", range: "above 0" });
        }
        let (mean, scale) = mean_and_scale(features);
        let width = features.dim() + 1;
        let mut probe = FittedProbe { mean, scale, weights: Vec::new(), classes };
        let rows = probe.standardized(features);
        let penalty = self.l2 / features.rows() as f64;
        let loss = |weights: &[f64]| loss(weights, &rows, labels, width, penalty);
        probe.weights = minimize(loss, vec![0.0; classes * width], 1e-6, self.steps);
        Ok(probe)
    }
}

impl FittedProbe {
    /// Returns the most probable class of each row.
    ///
    /// # Errors
    /// If the width differs from that of the training rows.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let train = Features::new(1, vec![-2.0, -1.0, 1.0, 2.0])?;
    /// let probe = LinearProbe::default().fit(LabeledFeatures::new(&train, &[1, 1, 0, 0])?, 2)?;
    /// assert_eq!(probe.predict(&Features::new(1, vec![5.0, -0.5])?)?, [0, 1]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn predict(&self, features: &Features) -> Result<Vec<usize>, MetricError> {
        if features.dim() != self.mean.len() {
            return Err(MetricError::Width { first: self.mean.len(), second: features.dim() });
        }
        let width = features.dim() + 1;
        let rows = self.standardized(features);
        let scores = scores(&rows, &self.weights, width);
        Ok(scores.chunks(self.classes.max(1)).map(argmax).collect())
    }

    /// Returns the share of rows whose most probable class is their label, 0 to 1.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), or if a label is not one of the classes of the fit.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let train = Features::new(1, vec![-2.0, -1.0, 1.0, 2.0])?;
    /// let probe = LinearProbe::default().fit(LabeledFeatures::new(&train, &[1, 1, 0, 0])?, 2)?;
    /// let test = Features::new(1, vec![3.0, 4.0])?;
    /// assert_eq!(probe.accuracy(LabeledFeatures::new(&test, &[0, 1])?)?, 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn accuracy(&self, test: LabeledFeatures<'_>) -> Result<f64, MetricError> {
        test.check_classes(self.classes)?;
        Ok(accuracy(&self.predict(test.features())?, test.labels()))
    }

    /// Returns rows of `dim + 1` values: the standardized features, and 1 for the bias.
    fn standardized(&self, features: &Features) -> Vec<f64> {
        let rows = features.as_slice().chunks(features.dim());
        let shift = rows.flat_map(|row| {
            let features = row.iter().zip(&self.mean).zip(&self.scale);
            features.map(|((x, mean), scale)| (f64::from(*x) - mean) * scale).chain([1.0])
        });
        shift.collect()
    }
}

/// Computes mean and inverse standard deviation of every feature.
fn mean_and_scale(features: &Features) -> (Vec<f64>, Vec<f64>) {
    let (dim, rows) = (features.dim(), features.rows() as f64);
    let (mut mean, mut variance) = (vec![0.0; dim], vec![0.0; dim]);
    for row in features.as_slice().chunks(dim) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x) / rows);
    }
    for row in features.as_slice().chunks(dim) {
        for ((variance, mean), x) in variance.iter_mut().zip(&mean).zip(row) {
            *variance += (f64::from(*x) - mean).powi(2) / rows;
        }
    }
    // A constant feature becomes 0, as its deviation of 0 cannot be a divisor.
    let scale = |variance: &f64| if *variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 };
    (mean, variance.iter().map(scale).collect())
}

/// Computes scores `[rows, classes]` of rows `[rows, width]` and weights `[classes, width]`.
fn scores(rows: &[f64], weights: &[f64], width: usize) -> Vec<f64> {
    let (count, classes) = (rows.len() / width, weights.len() / width);
    let mut scores = vec![0.0; count * classes];
    matmul(
        MatMut::from_row_major_slice_mut(&mut scores, count, classes),
        Accum::Replace,
        MatRef::from_row_major_slice(rows, count, width),
        MatRef::from_row_major_slice(weights, classes, width).transpose(),
        1.0,
        Par::Seq,
    );
    scores
}

/// Computes the mean cross-entropy plus penalty, and its gradient with respect to the weights.
fn loss(
    weights: &[f64],
    rows: &[f64],
    labels: &[usize],
    width: usize,
    penalty: f64,
) -> (f64, Vec<f64>) {
    let classes = weights.len() / width;
    let share = 1.0 / labels.len() as f64;
    let blocks = rows.par_chunks(BLOCK * width).zip(labels.par_chunks(BLOCK));
    let sums: Vec<(f64, Vec<f64>)> = blocks
        .map(|(rows, labels)| {
            let mut errors = scores(rows, weights, width);
            let mut loss = 0.0;
            for (row, &label) in errors.chunks_mut(classes).zip(labels) {
                loss += cross_entropy(row, label);
            }
            let mut gradient = vec![0.0; classes * width];
            matmul(
                MatMut::from_row_major_slice_mut(&mut gradient, classes, width),
                Accum::Replace,
                MatRef::from_row_major_slice(&errors, labels.len(), classes).transpose(),
                MatRef::from_row_major_slice(rows, labels.len(), width),
                share,
                Par::Seq,
            );
            (loss * share, gradient)
        })
        .collect();
    let mut value = 0.0;
    let mut gradient = vec![0.0; weights.len()];
    for (loss, part) in sums {
        value += loss;
        gradient.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    for (weights, gradient) in weights.chunks(width).zip(gradient.chunks_mut(width)) {
        // The bias, last in its row, has no penalty.
        for (w, g) in weights[..width - 1].iter().zip(gradient) {
            value += penalty / 2.0 * w * w;
            *g += penalty * w;
        }
    }
    (value, gradient)
}

/// Returns `−log softmax(scores)[label]` and replaces the scores by its gradient.
fn cross_entropy(scores: &mut [f64], label: usize) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let difference = largest - scores[label];
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
    scores[label] -= 1.0;
    difference + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes that differ in their first feature; the second is noise.
    fn blobs(rows: usize) -> (Features, Vec<usize>) {
        let noise = |seed: usize| (seed * 7919 % 1009) as f32 / 1009.0 - 0.5;
        let row = |i: usize| [noise(2 * i) + 3.0 * (i % 2) as f32, 1e3 * noise(7 * i + 1)];
        let features = Features::new(2, (0..rows).flat_map(row).collect()).unwrap();
        (features, (0..rows).map(|i| i % 2).collect())
    }

    #[test]
    fn separates_linearly_separable_classes_whatever_the_scale() {
        let (features, labels) = blobs(600);
        let train = LabeledFeatures::new(&features, &labels).unwrap();
        let probe = LinearProbe::default().fit(train, 2).unwrap();
        assert!(probe.accuracy(train).unwrap() > 0.999);
    }

    #[test]
    fn the_gradient_equals_finite_differences() {
        let (features, labels) = blobs(7);
        let train = LabeledFeatures::new(&features, &labels).unwrap();
        let probe = LinearProbe::default().fit(train, 3).unwrap();
        let rows = probe.standardized(&features);
        let at: Vec<f64> = (0..9).map(|i| f64::from(i) / 5.0 - 0.7).collect();
        let value = |at: &[f64]| loss(at, &rows, &labels, 3, 0.3);
        for (place, slope) in value(&at).1.into_iter().enumerate() {
            let moved = |by: f64| {
                let mut at = at.clone();
                at[place] += by;
                value(&at).0
            };
            let measured = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - measured).abs() < 1e-8, "{place}: {slope} is not {measured}");
        }
    }

    #[test]
    fn one_row_constant_features_and_empty_classes_are_fitted() {
        let one = Features::new(2, vec![1.0, 1.0]).unwrap();
        let labeled = |label| LabeledFeatures::new(&one, label).unwrap();
        let probe = LinearProbe::default().fit(labeled(&[4]), 6).unwrap();
        assert_eq!(probe.predict(&one).unwrap(), [4]);
        assert!(LinearProbe::default().fit(labeled(&[6]), 6).is_err());
        assert!(LinearProbe { l2: 0.0, ..LinearProbe::default() }.fit(labeled(&[0]), 1).is_err());
        let none = Features::new(2, Vec::new()).unwrap();
        let none = LabeledFeatures::new(&none, &[]).unwrap();
        assert!(matches!(LinearProbe::default().fit(none, 2), Err(MetricError::Rows { .. })));
        assert!(probe.predict(&Features::new(1, vec![0.0]).unwrap()).is_err());
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (features, labels) = blobs(1_500);
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let train = LabeledFeatures::new(&features, &labels).unwrap();
            pool.install(|| LinearProbe::default().fit(train, 2).unwrap().weights)
        };
        assert_eq!(fit(1), fit(3));
    }
}
