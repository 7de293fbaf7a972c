//! A named distance.

use selfsame_metrics::ThresholdCounts;
use serde::{Deserialize, Serialize};

use super::CalibrationMetric;
use crate::IndexError;

/// A distance up to which neighbors match, and what it does on the queries of the calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutPoint {
    /// Name by which it is chosen.
    pub name: String,
    /// Largest distance of a match, in the units of the index's distance.
    pub distance: f64,
    /// Queries by whether they were matched rightly, and within the distance.
    pub counts: ThresholdCounts,
}

/// A cut-point to be found: where a metric reaches a value.
///
/// # Example
/// ```
/// use selfsame_index::{CalibrationMetric, Target};
///
/// let strict = Target::new("strict", CalibrationMetric::Precision, 0.99);
/// assert_eq!((strict.name.as_str(), strict.value), ("strict", 0.99));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the cut-point.
    pub name: String,
    /// What must reach the value.
    pub metric: CalibrationMetric,
    /// The value, 0 to 1: at least this, or at most for the false positive rate.
    pub value: f64,
}

impl Target {
    /// Creates a target.
    #[must_use]
    pub fn new(name: impl Into<String>, metric: CalibrationMetric, value: f64) -> Self {
        Self { name: name.into(), metric, value }
    }

    /// Returns the entry of a curve that reaches the value.
    pub(super) fn find(&self, curve: &[(f64, ThresholdCounts)]) -> Result<CutPoint, IndexError> {
        if !(0.0..=1.0).contains(&self.value) {
            return Err(IndexError::setting("value", "0 to 1"));
        }
        let reaches = |(_, counts): &&(f64, ThresholdCounts)| {
            self.metric.reaches(self.metric.of(counts), self.value)
        };
        let mut entries = curve.iter();
        let found =
            if self.metric.falls() { entries.rfind(reaches) } else { entries.find(reaches) };
        let Some(&(distance, counts)) = found else {
            let (distance, counts) = self.metric.best(curve);
            return Err(IndexError::Unreachable {
                name: self.name.clone(),
                metric: self.metric.name(),
                target: self.value,
                best: self.metric.of(&counts),
                distance,
            });
        };
        Ok(CutPoint { name: self.name.clone(), distance, counts })
    }
}
