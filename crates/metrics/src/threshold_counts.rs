//! Matches by a threshold on distance: what is accepted rightly and wrongly.

use serde::{Deserialize, Serialize};

use crate::MetricError;

/// Counts of four kinds of pairs when every pair at most `threshold` apart is called a match.
///
/// ```text
///                      labels equal      labels differ
/// distance ≤ threshold  true positive     false positive
/// distance > threshold  false negative    true negative
/// ```
/// A pair is usually a query and its nearest row of an index. Every figure below is 0 to 1, and 0
/// if its denominator is 0, so that a figure without evidence never looks good by chance
/// (the false positive rate, where lower is better, is the exception).
///
/// # Source
/// The semantics are those of TensorFlow Similarity's classification metrics.
/// Deviation: precision without any positive is 0 for every threshold, not 1 at the first of
/// several; [`accuracy`](Self::accuracy) also counts true negatives, and what TensorFlow Similarity
/// calls binary accuracy is [`match_rate`](Self::match_rate).
///
/// # Example
/// ```
/// use selfsame_metrics::ThresholdCounts;
///
/// let counts = ThresholdCounts::at(&[0.1, 0.2, 0.3, 0.9], &[true, false, true, true], 0.3)?;
/// assert_eq!((counts.true_positives, counts.false_positives), (2, 1));
/// assert_eq!((counts.false_negatives, counts.true_negatives), (1, 0));
/// assert_eq!(counts.recall(), 2.0 / 3.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdCounts {
    /// Pairs of equal labels within the threshold.
    pub true_positives: u64,
    /// Pairs of different labels within the threshold.
    pub false_positives: u64,
    /// Pairs of equal labels beyond the threshold.
    pub false_negatives: u64,
    /// Pairs of different labels beyond the threshold.
    pub true_negatives: u64,
}

impl ThresholdCounts {
    /// Counts pairs, where pair `i` is `distances[i]` apart and has equal labels if `matches[i]`.
    ///
    /// The threshold is rounded to `f32`, the precision of distances, so that a threshold of 0.3
    /// accepts a distance of 0.3. An infinite distance is within an infinite threshold only. No
    /// pairs give counts of 0.
    ///
    /// # Errors
    /// If the lengths differ, a distance is NaN, or the threshold is.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts::at(&[0.5], &[true], 0.5)?;
    /// assert_eq!(counts.true_positives, 1, "the threshold itself is within");
    /// assert!(ThresholdCounts::at(&[f32::NAN], &[true], 0.5).is_err());
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn at(distances: &[f32], matches: &[bool], threshold: f64) -> Result<Self, MetricError> {
        check_pairs(distances, matches)?;
        if threshold.is_nan() {
            return Err(MetricError::Setting { key: "threshold", range: "a number, not NaN" });
        }
        #[allow(clippy::cast_possible_truncation, reason = "rounded to the precision of distances")]
        let threshold = threshold as f32;
        let mut counts = Self::beyond(matches);
        for (&distance, &is_match) in distances.iter().zip(matches) {
            if distance <= threshold {
                counts.accept(is_match);
            }
        }
        Ok(counts)
    }

    /// Counts all pairs as beyond the threshold.
    pub(crate) fn beyond(matches: &[bool]) -> Self {
        let positives = matches.iter().filter(|&&is_match| is_match).count();
        Self {
            false_negatives: positives as u64,
            true_negatives: (matches.len() - positives) as u64,
            ..Self::default()
        }
    }

    /// Moves one pair from beyond the threshold to within it.
    pub(crate) fn accept(&mut self, is_match: bool) {
        if is_match {
            self.true_positives += 1;
            self.false_negatives -= 1;
        } else {
            self.false_positives += 1;
            self.true_negatives -= 1;
        }
    }

    /// Returns the number of pairs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// Returns the share of pairs within the threshold whose labels are equal: TP / (TP + FP),
    /// higher is better.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { true_positives: 3, false_positives: 1, ..Default::default() };
    /// assert_eq!(counts.precision(), 0.75);
    /// assert_eq!(ThresholdCounts::default().precision(), 0.0);
    /// ```
    #[must_use]
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Returns the share of pairs of equal labels that are within the threshold: TP / (TP + FN),
    /// higher is better; also called sensitivity and true positive rate.
    ///
    /// It is 1 at an infinite threshold, and knows nothing of queries whose nearest row has another
    /// label: read it beside [`match_rate`](Self::match_rate).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { true_positives: 3, false_negatives: 1, ..Default::default() };
    /// assert_eq!(counts.recall(), 0.75);
    /// ```
    #[must_use]
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Returns the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), higher is
    /// better.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let (tp, fp, fn_) = (2, 1, 3);
    /// let counts = ThresholdCounts {
    ///     true_positives: tp, false_positives: fp, false_negatives: fn_, true_negatives: 9,
    /// };
    /// assert_eq!(counts.f1(), 0.5);
    /// ```
    #[must_use]
    pub fn f1(&self) -> f64 {
        self.f_beta(1.0)
    }

    /// Returns the weighted harmonic mean of precision and recall, in which recall weighs `beta`
    /// times as much as precision; higher is better.
    ///
    /// ```text
    /// F_β = (1 + β²) TP / ((1 + β²) TP + β² FN + FP)
    /// ```
    /// With `beta` 0 it is the precision; with an infinite one it is the recall.
    ///
    /// # Panics
    /// If `beta` is negative or NaN.
    ///
    /// # Source
    /// van Rijsbergen, 1979, "Information Retrieval", chapter 7.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { true_positives: 2, false_negatives: 8, ..Default::default() };
    /// // Precision 1, recall 0.2: recall decides the more, the larger `beta` is.
    /// assert!((counts.f_beta(2.0) - 5.0 * 2.0 / (5.0 * 2.0 + 4.0 * 8.0)).abs() < 1e-12);
    /// assert_eq!(counts.f_beta(f64::INFINITY), counts.recall());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn f_beta(&self, beta: f64) -> f64 {
        assert!(beta >= 0.0, "beta must be 0 or more, got {beta}");
        let square = beta * beta;
        if square.is_infinite() {
            return self.recall();
        }
        let hits = (1.0 + square) * self.true_positives as f64;
        let rest = square * self.false_negatives as f64 + self.false_positives as f64;
        if hits > 0.0 { hits / (hits + rest) } else { 0.0 }
    }

    /// Returns the share of pairs that are judged rightly: (TP + TN) / all, higher is better.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts::at(&[0.1, 0.9, 0.2, 0.8], &[true, false, false, true], 0.5)?;
    /// assert_eq!(counts.accuracy(), 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        ratio(self.true_positives + self.true_negatives, self.total())
    }

    /// Returns the share of all pairs that are within the threshold and have equal labels: TP / all,
    /// higher is better.
    ///
    /// Of queries and their nearest rows this is the accuracy of a classifier that abstains beyond
    /// the threshold, and counts abstaining as wrong; at an infinite threshold it is the 1-NN
    /// accuracy. TensorFlow Similarity calls it `binary_accuracy`.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts::at(&[0.1, 0.9, 0.2, 0.8], &[true, false, false, true], 0.5)?;
    /// assert_eq!(counts.match_rate(), 0.25);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn match_rate(&self) -> f64 {
        ratio(self.true_positives, self.total())
    }

    /// Returns the share of pairs of different labels that are within the threshold:
    /// FP / (FP + TN), lower is better.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { false_positives: 1, true_negatives: 3, ..Default::default() };
    /// assert_eq!(counts.false_positive_rate(), 0.25);
    /// ```
    #[must_use]
    pub fn false_positive_rate(&self) -> f64 {
        ratio(self.false_positives, self.false_positives + self.true_negatives)
    }

    /// Returns the share of pairs of different labels that are beyond the threshold:
    /// TN / (TN + FP), higher is better.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { false_positives: 1, true_negatives: 3, ..Default::default() };
    /// assert_eq!(counts.specificity(), 0.75);
    /// ```
    #[must_use]
    pub fn specificity(&self) -> f64 {
        ratio(self.true_negatives, self.false_positives + self.true_negatives)
    }

    /// Returns the share of pairs beyond the threshold whose labels differ: TN / (TN + FN), higher
    /// is better.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts { false_negatives: 1, true_negatives: 3, ..Default::default() };
    /// assert_eq!(counts.negative_predictive_value(), 0.75);
    /// ```
    #[must_use]
    pub fn negative_predictive_value(&self) -> f64 {
        ratio(self.true_negatives, self.true_negatives + self.false_negatives)
    }

    /// Returns the mean of [`recall`](Self::recall) and [`specificity`](Self::specificity): 0.5 for
    /// a distance that says nothing, higher is better.
    ///
    /// If all pairs are of one kind the mean is of that kind alone.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::ThresholdCounts;
    ///
    /// let counts = ThresholdCounts::at(&[0.1, 0.2, 0.3], &[true, true, false], 1.0)?;
    /// assert_eq!(counts.balanced_accuracy(), 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        let positives = self.true_positives + self.false_negatives;
        let negatives = self.false_positives + self.true_negatives;
        match (positives, negatives) {
            (0, _) => self.specificity(),
            (_, 0) => self.recall(),
            _ => f64::midpoint(self.recall(), self.specificity()),
        }
    }
}

/// Checks that there is one match per distance, and no NaN.
pub(crate) fn check_pairs(distances: &[f32], matches: &[bool]) -> Result<(), MetricError> {
    if distances.len() != matches.len() {
        return Err(MetricError::Pairs { first: distances.len(), second: matches.len() });
    }
    match distances.iter().position(|distance| distance.is_nan()) {
        Some(row) => Err(MetricError::NotFinite { row }),
        None => Ok(()),
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(tp: u64, fp: u64, tn: u64, fn_: u64) -> ThresholdCounts {
        ThresholdCounts {
            true_positives: tp,
            false_positives: fp,
            false_negatives: fn_,
            true_negatives: tn,
        }
    }

    fn assert_near(found: [f64; 7], want: [f64; 7]) {
        for (found, want) in found.into_iter().zip(want) {
            assert!((found - want).abs() < 1e-6, "{found} is not {want}");
        }
    }

    fn figures(c: ThresholdCounts) -> [f64; 7] {
        [
            c.f1(),
            c.precision(),
            c.recall(),
            c.match_rate(),
            c.false_positive_rate(),
            c.negative_predictive_value(),
            c.accuracy(),
        ]
    }

    #[test]
    fn figures_are_those_of_tensorflow_similaritys_tests() {
        let first = [0.555_556, 0.909_091, 0.4, 0.277_778, 0.090_909, 0.4, 20.0 / 36.0];
        assert_near(figures(counts(10, 1, 10, 15)), first);
        let second = [0.851_064, 0.909_091, 0.8, 0.555_556, 0.181_818, 0.642_857, 29.0 / 36.0];
        assert_near(figures(counts(20, 2, 9, 5)), second);
        assert_near(figures(counts(18, 0, 18, 0)), [1.0, 1.0, 1.0, 0.5, 0.0, 1.0, 1.0]);
        assert_near(figures(counts(0, 18, 0, 18)), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_figure_without_a_denominator_is_zero() {
        assert_near(figures(counts(0, 0, 0, 0)), [0.0; 7]);
        let none = ThresholdCounts::default();
        let rest = [none.specificity(), none.balanced_accuracy(), none.f_beta(0.0)];
        assert!(rest.iter().all(|figure| figure.abs() < 1e-12), "{rest:?}");
    }

    #[test]
    fn one_kind_of_pairs_has_the_balanced_accuracy_of_that_kind() {
        assert!((counts(3, 0, 0, 1).balanced_accuracy() - 0.75).abs() < 1e-12);
        assert!((counts(0, 1, 4, 0).balanced_accuracy() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn an_infinite_distance_is_within_an_infinite_threshold_only() {
        let at = |threshold| {
            ThresholdCounts::at(&[f32::INFINITY, 1.0], &[true, true], threshold).unwrap()
        };
        assert_eq!(at(f64::INFINITY), counts(2, 0, 0, 0));
        assert_eq!(at(1e38), counts(1, 0, 0, 1));
        assert_eq!(at(f64::NEG_INFINITY), counts(0, 0, 0, 2));
    }

    #[test]
    fn a_threshold_has_the_precision_of_distances() {
        for threshold in [0.1_f32, 0.3, 0.7] {
            let decimal: f64 = threshold.to_string().parse().unwrap();
            let found = ThresholdCounts::at(&[threshold], &[true], decimal).unwrap();
            assert_eq!(found.true_positives, 1, "{threshold}");
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let pairs = MetricError::Pairs { first: 2, second: 1 };
        assert_eq!(ThresholdCounts::at(&[1.0, 2.0], &[true], 1.0), Err(pairs));
        let nan = MetricError::NotFinite { row: 1 };
        assert_eq!(ThresholdCounts::at(&[1.0, f32::NAN], &[true, true], 1.0), Err(nan));
        let threshold = ThresholdCounts::at(&[1.0], &[true], f64::NAN).unwrap_err();
        assert_eq!(threshold.to_string(), "`threshold` must be a number, not NaN");
        assert_eq!(ThresholdCounts::at(&[], &[], 1.0), Ok(ThresholdCounts::default()));
    }

    proptest! {
        #[test]
        fn f_beta_is_the_weighted_harmonic_mean(
            tp in 1_u64..50, fp in 0_u64..50, missed in 0_u64..50, beta in 0.01_f64..10.0
        ) {
            let c = counts(tp, fp, 3, missed);
            let weight = beta * beta;
            let want = (1.0 + weight) / (1.0 / c.precision() + weight / c.recall());
            prop_assert!((c.f_beta(beta) - want).abs() < 1e-12);
            prop_assert!((c.false_positive_rate() + c.specificity() - 1.0).abs() < 1e-12);
        }
    }
}
