//! Accuracies, and what several of them come to.

use serde::{Deserialize, Serialize};

/// Mean and spread of repeated runs.
///
/// # Example
/// ```
/// use selfsame_metrics::Summary;
///
/// let summary = Summary::of(&[0.4, 0.5, 0.6]);
/// assert!((summary.mean - 0.5).abs() < 1e-12 && (summary.std - 0.1).abs() < 1e-12);
/// assert_eq!(Summary::of(&[0.7]).std, 0.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The standard deviation with `n − 1` below; 0 for a single run.
    pub std: f64,
}

impl Summary {
    /// Of at least one run; of none, all zeros.
    #[must_use]
    pub fn of(runs: &[f64]) -> Self {
        let count = runs.len().max(1) as f64;
        let mean = runs.iter().sum::<f64>() / count;
        let squares: f64 = runs.iter().map(|run| (run - mean).powi(2)).sum();
        Self { mean, std: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}

/// Share of predictions that are right, 0 to 1; 0 for none.
///
/// # Panics
/// If the lengths differ.
#[must_use]
#[track_caller]
pub fn accuracy(predictions: &[usize], labels: &[usize]) -> f64 {
    assert_eq!(predictions.len(), labels.len(), "one prediction per label");
    let right = predictions.iter().zip(labels).filter(|(p, l)| p == l).count();
    right as f64 / labels.len().max(1) as f64
}
