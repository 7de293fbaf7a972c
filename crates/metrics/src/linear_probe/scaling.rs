//! What is done to features before a probe.

use serde::{Deserialize, Serialize};

use crate::Features;

/// What is done to the features before a linear layer sees them.
///
/// # Example
/// ```
/// use selfsame_metrics::{FeatureScaling, Features, LabeledFeatures, LinearProbe};
///
/// // The second feature is the first in other units: scaling makes them count the same.
/// let rows = Features::new(2, vec![-1.0, -1e3, 1.0, 1e3])?;
/// let train = LabeledFeatures::new(&rows, &[0, 1])?;
/// let share = |scaling| {
///     let probe = LinearProbe { scaling, ..LinearProbe::default() }.fit(train, 2)?;
///     let (weights, _) = probe.coefficients(1);
///     Ok::<f64, selfsame_metrics::MetricError>(weights[0] / (1e3 * weights[1]))
/// };
/// assert!((share(FeatureScaling::Standardize)? - 1.0).abs() < 1e-6);
/// assert!(share(FeatureScaling::None)? < 1e-5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureScaling {
    /// Nothing.
    None,
    /// Each feature gets mean 0 and variance 1 over the training rows; a constant one becomes 0.
    #[default]
    Standardize,
    /// Each row is scaled to L2 norm 1.
    L2Normalize,
}

/// Computes mean and inverse standard deviation of every feature.
pub(super) fn mean_and_scale(features: &Features) -> (Vec<f64>, Vec<f64>) {
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
