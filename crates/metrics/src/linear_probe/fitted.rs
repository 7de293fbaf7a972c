//! A fitted linear layer.

use rayon::prelude::*;

use super::objective::logits;
use super::scaling::{FeatureScaling, mean_and_scale};
use crate::features::l2_norm;
use crate::{ClassScores, Classification, Features, LabeledFeatures, MetricError, accuracy};

/// A fitted linear layer with the shift and scale of its features, from
/// [`LinearProbe::fit`](crate::LinearProbe::fit) and its like.
#[derive(Clone, Debug)]
pub struct FittedProbe {
    normalized: bool,
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// `[classes, dim + 1]`, the bias last.
    pub(super) weights: Vec<f64>,
    classes: usize,
}

/// Rows whose scores are computed at once.
const BLOCK: usize = 256;

impl FittedProbe {
    /// Checks the training rows and learns their shift and scale; all weights are 0.
    pub(super) fn untrained(
        train: LabeledFeatures<'_>,
        classes: usize,
        scaling: FeatureScaling,
    ) -> Result<Self, MetricError> {
        let features = train.features();
        features.at_least(1)?;
        train.check_classes(classes)?;
        let dim = features.dim();
        let (mean, scale) = match scaling {
            FeatureScaling::Standardize => mean_and_scale(features),
            _ => (vec![0.0; dim], vec![1.0; dim]),
        };
        let normalized = scaling == FeatureScaling::L2Normalize;
        Ok(Self { normalized, mean, scale, weights: vec![0.0; classes * (dim + 1)], classes })
    }

    /// Returns the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the weights and the bias of a class, in units of the features as given (after their
    /// normalization with [`FeatureScaling::L2Normalize`]).
    ///
    /// # Panics
    /// If `class` is not below the number of classes of the fit.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let rows = Features::new(1, vec![2.0, 4.0])?;
    /// let probe = LinearProbe::default().fit(LabeledFeatures::new(&rows, &[0, 1])?, 2)?;
    /// let (weights, bias) = probe.coefficients(1);
    /// // On the boundary, halfway, both classes score the same: 0.
    /// assert!((weights[0] * 3.0 + bias).abs() < 1e-6 && weights[0] > 0.0);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn coefficients(&self, class: usize) -> (Vec<f64>, f64) {
        assert!(class < self.classes, "class {class} must be below {} classes", self.classes);
        let row = &self.weights[class * (self.mean.len() + 1)..][..=self.mean.len()];
        let (weights, bias) = row.split_at(self.mean.len());
        let weights = weights.iter().zip(&self.scale).map(|(w, scale)| w * scale);
        let weights: Vec<f64> = weights.collect();
        let shift: f64 = weights.iter().zip(&self.mean).map(|(w, mean)| w * mean).sum();
        (weights, bias[0] - shift)
    }

    /// Returns the scores of each row before softmax.
    ///
    /// # Errors
    /// If the width differs from that of the training rows.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let rows = Features::new(1, vec![-1.0, 1.0])?;
    /// let probe = LinearProbe::default().fit(LabeledFeatures::new(&rows, &[0, 1])?, 2)?;
    /// let logits = probe.logits(&Features::new(1, vec![2.0])?)?;
    /// let (weights, bias) = probe.coefficients(1);
    /// assert!((logits.row(0)[1] - (2.0 * weights[0] + bias)).abs() < 1e-9);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn logits(&self, features: &Features) -> Result<ClassScores, MetricError> {
        let dim = self.mean.len();
        if features.dim() != dim {
            return Err(MetricError::Width { first: dim, second: features.dim() });
        }
        let blocks = features.as_slice().par_chunks(BLOCK * dim);
        let scores =
            blocks.flat_map_iter(|rows| logits(&self.scaled(rows), &self.weights, dim + 1));
        ClassScores::new(self.classes, scores.collect())
    }

    /// Returns the probability of each class for each row.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let rows = Features::new(1, vec![-1.0, 1.0])?;
    /// let probe = LinearProbe::default().fit(LabeledFeatures::new(&rows, &[0, 1])?, 2)?;
    /// let found = probe.probabilities(&Features::new(1, vec![0.0, 9.0])?)?;
    /// assert!((found.row(0)[0] - 0.5).abs() < 1e-6 && found.row(1)[1] > 0.9);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn probabilities(&self, features: &Features) -> Result<ClassScores, MetricError> {
        Ok(self.logits(features)?.softmax())
    }

    /// Returns the most probable class of each row.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
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
        Ok(self.logits(features)?.predictions())
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

    /// Compares the probabilities of labeled rows with their labels: top-1 and top-5, each class,
    /// balanced accuracy, calibration error, log loss.
    ///
    /// # Errors
    /// As [`accuracy`](Self::accuracy), or if there are no rows.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, LinearProbe};
    ///
    /// let rows = Features::new(1, vec![-2.0, -1.0, 1.0, 2.0])?;
    /// let train = LabeledFeatures::new(&rows, &[1, 1, 0, 0])?;
    /// let found = LinearProbe::default().fit(train, 3)?.evaluate(train)?;
    /// assert_eq!(found.classes, [Some(1.0), Some(1.0), None]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn evaluate(&self, test: LabeledFeatures<'_>) -> Result<Classification, MetricError> {
        Classification::of(&self.probabilities(test.features())?, test.labels())
    }

    /// Returns rows of `dim + 1` values: the scaled features, and 1 for the bias.
    pub(super) fn scaled(&self, rows: &[f32]) -> Vec<f64> {
        let dim = self.mean.len();
        let mut scaled = vec![1.0; rows.len() / dim * (dim + 1)];
        scaled.par_chunks_mut(dim + 1).zip(rows.par_chunks(dim)).for_each(|(scaled, row)| {
            let norm = if self.normalized { l2_norm(row) } else { 1.0 };
            let own = if norm > 0.0 { 1.0 / norm } else { 1.0 };
            for (((x, value), mean), scale) in
                scaled.iter_mut().zip(row).zip(&self.mean).zip(&self.scale)
            {
                *x = (f64::from(*value) * own - mean) * scale;
            }
        });
        scaled
    }

    /// Takes over a shift and scale of the scaled features, as batch norm has learned them.
    pub(super) fn rescale(&mut self, mean: &[f64], scale: &[f64]) {
        for (at, (mean, scale)) in mean.iter().zip(scale).enumerate() {
            if self.scale[at] > 0.0 {
                self.mean[at] += mean / self.scale[at];
            }
            self.scale[at] *= scale;
        }
    }
}
