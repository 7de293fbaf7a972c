//! Everything that is said about a classifier at once.

use serde::{Deserialize, Serialize};

use crate::{
    ClassScores, MetricError, balanced_accuracy, class_accuracies, expected_calibration_error,
    log_loss, top_n_accuracy,
};

/// How well probabilities predict labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// Share of samples whose most probable class is their label.
    pub top1: f64,
    /// Share of samples whose label is among the five most probable classes.
    pub top5: f64,
    /// The accuracy of each class; `None` for a class without samples.
    pub classes: Vec<Option<f64>>,
    /// The mean accuracy of the classes that have samples.
    pub balanced: f64,
    /// The expected calibration error over [`Classification::BINS`] bins.
    pub calibration_error: f64,
    /// The mean of `−ln p` of the labels.
    pub log_loss: f64,
}

impl Classification {
    /// The number of bins of the calibration error.
    pub const BINS: usize = 15;

    /// Compares probabilities with labels.
    ///
    /// # Errors
    /// If there is not one label per row, a label is not a class, there are no rows, or a row is not
    /// made of probabilities.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{ClassScores, Classification};
    ///
    /// let probabilities = ClassScores::new(2, vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0])?;
    /// let found = Classification::of(&probabilities, &[0, 0, 1])?;
    /// assert_eq!((found.balanced, found.classes), (0.5, vec![Some(1.0), Some(0.0)]));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn of(probabilities: &ClassScores, labels: &[usize]) -> Result<Self, MetricError> {
        let (predictions, classes) = (probabilities.predictions(), probabilities.classes());
        Ok(Self {
            top1: top_n_accuracy(probabilities, labels, 1)?,
            top5: top_n_accuracy(probabilities, labels, 5)?,
            classes: class_accuracies(labels, &predictions, classes)?,
            balanced: balanced_accuracy(labels, &predictions, classes)?,
            calibration_error: expected_calibration_error(probabilities, labels, Self::BINS)?,
            log_loss: log_loss(probabilities, labels)?,
        })
    }
}
