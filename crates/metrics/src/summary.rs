//! Accuracy, and the mean and spread of several runs.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of repeated runs.
///
/// # Example
/// ```
/// use selfsame_metrics::Summary;
///
/// let summary = Summary::of(&[0.4, 0.5, 0.6]);
/// assert!((summary.mean - 0.5).abs() < 1e-12 && (summary.std - 0.1).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Mean over the runs.
    pub mean: f64,
    /// Standard deviation with `n − 1` in the denominator; 0 for a single run.
    pub std: f64,
}

impl Summary {
    /// Computes mean and standard deviation; both are 0 if there are no runs.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Summary;
    ///
    /// assert_eq!(Summary::of(&[0.7]), Summary { mean: 0.7, std: 0.0 });
    /// assert_eq!(Summary::of(&[]), Summary::default());
    /// ```
    #[must_use]
    pub fn of(runs: &[f64]) -> Self {
        let count = runs.len().max(1) as f64;
        let mean = runs.iter().sum::<f64>() / count;
        let squares: f64 = runs.iter().map(|run| (run - mean).powi(2)).sum();
        Self { mean, std: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}

/// Returns the share of predictions that equal their label, 0 to 1; 0 if there are none.
///
/// # Panics
/// If the lengths differ.
///
/// # Example
/// ```
/// use selfsame_metrics::accuracy;
///
/// assert_eq!(accuracy(&[0, 2, 2, 1], &[0, 2, 1, 1]), 0.75);
/// assert_eq!(accuracy(&[], &[]), 0.0);
/// ```
#[must_use]
#[track_caller]
pub fn accuracy(predictions: &[usize], labels: &[usize]) -> f64 {
    assert_eq!(predictions.len(), labels.len(), "one prediction per label");
    let correct = predictions.iter().zip(labels).filter(|(p, l)| p == l).count();
    correct as f64 / labels.len().max(1) as f64
}
