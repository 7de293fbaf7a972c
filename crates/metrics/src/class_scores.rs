//! One score per class for each sample.

use crate::MetricError;
use crate::error::{check_classes, check_label_count};

/// Scores of a set of samples: rows of one finite value per class, the larger the likelier.
///
/// Logits of a linear layer, probabilities, or votes.
///
/// # Example
/// ```
/// use selfsame_metrics::ClassScores;
///
/// let scores = ClassScores::new(3, vec![0.1, 2.0, 2.0, 5.0, 1.0, 0.0])?;
/// assert_eq!(scores.predictions(), [1, 0]);
/// assert_eq!(scores.row(1), [5.0, 1.0, 0.0]);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    classes: usize,
    values: Vec<f64>,
}

impl ClassScores {
    /// Creates scores from rows of `classes` values each, one row after the other.
    ///
    /// # Errors
    /// If `classes` is 0, the values do not fill whole rows, or one is not finite.
    pub fn new(classes: usize, values: Vec<f64>) -> Result<Self, MetricError> {
        if classes == 0 || !values.len().is_multiple_of(classes) {
            return Err(MetricError::Shape { values: values.len(), dim: classes });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(position) => Err(MetricError::NotFinite { row: position / classes }),
            None => Ok(Self { classes, values }),
        }
    }

    /// Returns the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the number of samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Returns the scores of a sample.
    ///
    /// # Panics
    /// If `index` is not below [`rows`](Self::rows).
    #[must_use]
    #[track_caller]
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.classes..][..self.classes]
    }

    /// Iterates over the scores of all samples.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks(self.classes)
    }

    /// Returns the class with the largest score of each sample, the lower of equal ones.
    #[must_use]
    pub fn predictions(&self) -> Vec<usize> {
        self.iter().map(argmax).collect()
    }

    /// Returns the softmax of each row: probabilities, if these are logits.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ClassScores;
    ///
    /// let logits = ClassScores::new(2, vec![1000.0, 1000.0])?;
    /// assert_eq!(logits.softmax().row(0), [0.5, 0.5]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn softmax(&self) -> Self {
        let mut values = self.values.clone();
        for row in values.chunks_mut(self.classes) {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            for value in row.iter_mut() {
                *value = (*value - largest).exp();
                sum += *value;
            }
            for value in row {
                *value /= sum;
            }
        }
        Self { classes: self.classes, values }
    }

    /// Checks that there is one label below the number of classes per row, and at least one row.
    pub(crate) fn check_labels(&self, labels: &[usize]) -> Result<(), MetricError> {
        check_label_count(labels, self.rows())?;
        check_classes(labels, self.classes)?;
        if labels.is_empty() {
            return Err(MetricError::Rows { rows: 0, least: 1 });
        }
        Ok(())
    }

    /// Checks that every row holds probabilities that sum to 1.
    pub(crate) fn check_probabilities(&self) -> Result<(), MetricError> {
        let sound = |row: &[f64]| {
            row.iter().all(|p| (0.0..=1.0).contains(p))
                && (row.iter().sum::<f64>() - 1.0).abs() < 1e-3
        };
        if self.iter().all(sound) {
            return Ok(());
        }
        let range = "between 0 and 1 with sum 1 in every row; take `softmax` of logits";
        Err(MetricError::Setting { key: "probabilities", range })
    }
}

/// Returns the index of the largest score, the first of equal ones.
pub(crate) fn argmax(scores: &[f64]) -> usize {
    let larger =
        |best: usize, index: usize| if scores[index] > scores[best] { index } else { best };
    (1..scores.len()).fold(0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_scores_are_errors() {
        assert!(matches!(ClassScores::new(0, vec![]), Err(MetricError::Shape { .. })));
        assert!(matches!(ClassScores::new(2, vec![1.0]), Err(MetricError::Shape { .. })));
        let nan = ClassScores::new(2, vec![1.0, 2.0, f64::NAN, 0.0]);
        assert_eq!(nan, Err(MetricError::NotFinite { row: 1 }));
        let logits = ClassScores::new(2, vec![3.0, 1.0]).unwrap();
        assert!(logits.check_probabilities().is_err());
        assert!(logits.softmax().check_probabilities().is_ok());
    }
}
