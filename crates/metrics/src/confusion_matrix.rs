//! What is taken for what.

use crate::MetricError;
use crate::error::check_labels;

/// How often each class was taken for each.
///
/// # Example
/// ```
/// use selfsame_metrics::ConfusionMatrix;
///
/// let matrix = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 1], 2)?;
/// assert_eq!(matrix.count(0, 1), 1);
/// assert_eq!(matrix.class_accuracy(0), Some(0.5));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<usize>,
}

impl ConfusionMatrix {
    /// Counts pairs of a label and the prediction for it.
    ///
    /// # Errors
    /// If the lengths differ or a number is not below `classes`.
    pub fn new(
        labels: &[usize],
        predictions: &[usize],
        classes: usize,
    ) -> Result<Self, MetricError> {
        check_labels(labels, predictions.len(), classes)?;
        check_labels(predictions, labels.len(), classes)?;
        let mut counts = vec![0; classes * classes];
        for (label, prediction) in labels.iter().zip(predictions) {
            counts[label * classes + prediction] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// How often `label` was taken for `prediction`.
    ///
    /// # Panics
    /// If one of them is no class.
    #[must_use]
    #[track_caller]
    pub fn count(&self, label: usize, prediction: usize) -> usize {
        assert!(label < self.classes && prediction < self.classes, "{} classes", self.classes);
        self.counts[label * self.classes + prediction]
    }

    /// Share of a class that was recognized, 0 to 1, or `None` if it was never seen.
    ///
    /// # Panics
    /// If `label` is no class.
    #[must_use]
    #[track_caller]
    pub fn class_accuracy(&self, label: usize) -> Option<f64> {
        let seen: usize = (0..self.classes).map(|prediction| self.count(label, prediction)).sum();
        (seen > 0).then(|| self.count(label, label) as f64 / seen as f64)
    }
}
