//! What a cut-point is judged by.

use selfsame_metrics::ThresholdCounts;
use serde::{Deserialize, Serialize};

/// Figure of [`ThresholdCounts`] that a calibration seeks the best value of, or a target for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationMetric {
    /// Share of accepted queries that are matched rightly.
    Precision,
    /// Share of rightly matched queries that are accepted.
    Recall,
    /// Harmonic mean of precision and recall.
    F1,
    /// Share of queries that are accepted and right, or rejected and wrong.
    Accuracy,
    /// Share of queries that are accepted and right; TensorFlow Similarity's `binary_accuracy`.
    MatchRate,
    /// Mean of recall and specificity.
    BalancedAccuracy,
    /// Share of wrongly matched queries that are rejected.
    Specificity,
    /// Share of wrongly matched queries that are accepted; lower is better.
    FalsePositiveRate,
    /// Share of rejected queries whose match is wrong.
    NegativePredictiveValue,
}

impl CalibrationMetric {
    /// Every metric.
    pub const ALL: [Self; 9] = [
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::Accuracy,
        Self::MatchRate,
        Self::BalancedAccuracy,
        Self::Specificity,
        Self::FalsePositiveRate,
        Self::NegativePredictiveValue,
    ];

    /// Returns the value for `counts`, 0 to 1.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::CalibrationMetric;
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { true_positives: 3, false_positives: 1, ..Default::default() };
    /// assert_eq!(CalibrationMetric::Precision.of(&counts), 0.75);
    /// ```
    #[must_use]
    pub fn of(self, counts: &ThresholdCounts) -> f64 {
        match self {
            Self::Precision => counts.precision(),
            Self::Recall => counts.recall(),
            Self::F1 => counts.f1(),
            Self::Accuracy => counts.accuracy(),
            Self::MatchRate => counts.match_rate(),
            Self::BalancedAccuracy => counts.balanced_accuracy(),
            Self::Specificity => counts.specificity(),
            Self::FalsePositiveRate => counts.false_positive_rate(),
            Self::NegativePredictiveValue => counts.negative_predictive_value(),
        }
    }

    /// Returns the name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "F1",
            Self::Accuracy => "accuracy",
            Self::MatchRate => "match rate",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::Specificity => "specificity",
            Self::FalsePositiveRate => "false positive rate",
            Self::NegativePredictiveValue => "negative predictive value",
        }
    }

    /// Returns whether value `a` is at least as good as `b`.
    pub(super) fn reaches(self, a: f64, b: f64) -> bool {
        if self == Self::FalsePositiveRate { a <= b } else { a >= b }
    }

    /// Returns whether accepting more makes it worse on the whole, so that of the distances that
    /// reach a target the largest is of most use.
    pub(super) fn falls(self) -> bool {
        matches!(self, Self::Precision | Self::Specificity | Self::FalsePositiveRate)
    }

    /// Returns the entry of a curve, which is not empty, with the best value, the last of equal
    /// ones.
    pub(super) fn best(self, curve: &[(f64, ThresholdCounts)]) -> (f64, ThresholdCounts) {
        let better = |best: (f64, ThresholdCounts), next: &(f64, ThresholdCounts)| {
            if self.reaches(self.of(&next.1), self.of(&best.1)) { *next } else { best }
        };
        curve[1..].iter().fold(curve[0], better)
    }
}
