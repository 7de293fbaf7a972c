//! Confusion of classes.

use crate::MetricError;
use crate::error::{check_classes, check_label_count};

/// Counts of samples by true class and predicted class.
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
    /// Counts pairs of a label and its prediction.
    ///
    /// # Errors
    /// If the lengths differ, or a label or prediction is not below `classes`.
    pub fn new(
        labels: &[usize],
        predictions: &[usize],
        classes: usize,
    ) -> Result<Self, MetricError> {
        check_label_count(labels, predictions.len())?;
        check_classes(labels, classes)?;
        check_classes(predictions, classes)?;
        let mut counts = vec![0; classes * classes];
        for (label, prediction) in labels.iter().zip(predictions) {
            counts[label * classes + prediction] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// Returns how many samples of class `label` were predicted as `prediction`.
    ///
    /// # Panics
    /// If either is not below the number of classes.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::new(&[2, 2, 2], &[0, 0, 2], 3)?;
    /// assert_eq!((matrix.count(2, 0), matrix.count(0, 2)), (2, 0));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn count(&self, label: usize, prediction: usize) -> usize {
        assert!(
            label < self.classes && prediction < self.classes,
            "label {label} and prediction {prediction} must be below {} classes",
            self.classes
        );
        self.counts[label * self.classes + prediction]
    }

    /// Returns the share of a class that was predicted correctly, 0 to 1, or `None` if the class
    /// has no sample.
    ///
    /// # Panics
    /// If `label` is not below the number of classes.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::new(&[0, 0, 0, 0], &[0, 0, 0, 1], 2)?;
    /// assert_eq!((matrix.class_accuracy(0), matrix.class_accuracy(1)), (Some(0.75), None));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn class_accuracy(&self, label: usize) -> Option<f64> {
        let samples: usize =
            (0..self.classes).map(|prediction| self.count(label, prediction)).sum();
        (samples > 0).then(|| self.count(label, label) as f64 / samples as f64)
    }

    /// Returns the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the share of each prediction among the samples of class `label`, which sum to 1, or
    /// `None` if the class has no sample.
    ///
    /// # Panics
    /// If `label` is not below the number of classes.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::new(&[0, 0, 0, 0], &[0, 0, 0, 1], 2)?;
    /// assert_eq!(matrix.shares(0), Some(vec![0.75, 0.25]));
    /// assert_eq!(matrix.shares(1), None);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn shares(&self, label: usize) -> Option<Vec<f64>> {
        assert!(label < self.classes, "label {label} must be below {} classes", self.classes);
        let row = &self.counts[label * self.classes..][..self.classes];
        let samples: usize = row.iter().sum();
        (samples > 0).then(|| row.iter().map(|count| *count as f64 / samples as f64).collect())
    }

    /// Returns the up to `most` most frequent mistakes as `(label, prediction, count)`, most frequent
    /// first, equal ones by label and prediction.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ConfusionMatrix;
    ///
    /// let matrix = ConfusionMatrix::new(&[0, 0, 1, 2, 2], &[1, 0, 0, 1, 1], 3)?;
    /// assert_eq!(matrix.most_confused(2), [(2, 1, 2), (0, 1, 1)]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn most_confused(&self, most: usize) -> Vec<(usize, usize, usize)> {
        let cells = self.counts.iter().enumerate();
        let cells = cells.map(|(at, count)| (at / self.classes, at % self.classes, *count));
        let mut mistakes: Vec<_> = cells.filter(|(l, p, count)| l != p && *count > 0).collect();
        mistakes.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count)); // stable
        mistakes.truncate(most);
        mistakes
    }
}
