//! Counts at every threshold that tells pairs apart, and the areas under their curves.

use crate::threshold_counts::check_pairs;
use crate::{MetricError, ThresholdCounts};

/// Returns `(threshold, counts)` at every distinct distance, nearest first.
///
/// Between two distances the counts are those of the smaller, and below the first nothing is
/// accepted, so these are all counts that any threshold can give. Equal distances are one
/// threshold: their order changes nothing. Sorting takes O(n log n).
///
/// # Errors
/// If the lengths differ, there are no pairs, or a distance is NaN.
///
/// # Example
/// ```
/// use selfsame_metrics::threshold_curve;
///
/// let curve = threshold_curve(&[0.5, 0.25, 0.5], &[false, true, true])?;
/// assert_eq!(curve.iter().map(|(threshold, _)| *threshold).collect::<Vec<_>>(), [0.25, 0.5]);
/// // The threshold with the best F1 accepts all three: precision 2/3, recall 1.
/// let best = curve.iter().max_by(|a, b| a.1.f1().total_cmp(&b.1.f1())).unwrap();
/// assert_eq!((best.0, best.1.f1()), (0.5, 0.8));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn threshold_curve(
    distances: &[f32],
    matches: &[bool],
) -> Result<Vec<(f64, ThresholdCounts)>, MetricError> {
    check_pairs(distances, matches)?;
    if distances.is_empty() {
        return Err(MetricError::Rows { rows: 0, least: 1 });
    }
    let mut pairs: Vec<(f32, bool)> =
        distances.iter().copied().zip(matches.iter().copied()).collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut counts = ThresholdCounts::beyond(matches);
    let equal = pairs.chunk_by(|a, b| a.0 >= b.0); // sorted, so equal, and −0 is 0
    Ok(equal
        .map(|pairs| {
            for &(_, is_match) in pairs {
                counts.accept(is_match);
            }
            (f64::from(pairs[0].0), counts)
        })
        .collect())
}

/// Returns the area under the curve of true over false positive rate: the probability that a pair of
/// equal labels is nearer than one of different labels, where a tie counts half.
///
/// From 0 to 1, 0.5 for a distance that says nothing, higher is better. No threshold enters.
///
/// # Errors
/// As [`threshold_curve`], or if all pairs are of one kind.
///
/// # Source
/// Fawcett, 2006, "An introduction to ROC analysis", section 7: trapezoids.
///
/// # Example
/// ```
/// use selfsame_metrics::roc_auc;
///
/// // Of 2 × 2 comparisons 0.1 < 0.2 < 0.3 < 0.4 gets three right.
/// assert_eq!(roc_auc(&[0.1, 0.2, 0.3, 0.4], &[true, false, true, false])?, 0.75);
/// assert_eq!(roc_auc(&[0.5; 4], &[true, false, true, false])?, 0.5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn roc_auc(distances: &[f32], matches: &[bool]) -> Result<f64, MetricError> {
    let curve = threshold_curve(distances, matches)?;
    if matches.iter().all(|&is_match| is_match == matches[0]) {
        return Err(MetricError::Setting {
            key: "matches",
            range: "true for some and false for others",
        });
    }
    let (mut area, mut left, mut lower) = (0.0, 0.0, 0.0);
    for (_, counts) in curve {
        let (right, upper) = (counts.false_positive_rate(), counts.recall());
        area += (right - left) * f64::midpoint(lower, upper);
        (left, lower) = (right, upper);
    }
    Ok(area)
}

/// Returns the average precision: the precision at each distinct distance, weighted by the recall
/// that the distance adds.
///
/// ```text
/// AP = Σ over thresholds t, ascending, of (recall(t) − recall before t) · precision(t)
/// ```
/// From above 0 to 1, higher is better; a distance that says nothing has about the share of pairs
/// of equal labels. There is no interpolation between thresholds.
///
/// # Errors
/// As [`threshold_curve`], or if no pair has equal labels.
///
/// # Source
/// The definition is scikit-learn's `average_precision_score`, with nearness as the score.
///
/// # Example
/// ```
/// use selfsame_metrics::average_precision;
///
/// let found = average_precision(&[0.1, 0.2, 0.3], &[true, false, true])?;
/// assert!((found - (0.5 * 1.0 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn average_precision(distances: &[f32], matches: &[bool]) -> Result<f64, MetricError> {
    let curve = threshold_curve(distances, matches)?;
    if !matches.contains(&true) {
        return Err(MetricError::Setting { key: "matches", range: "true for at least one pair" });
    }
    let (mut sum, mut before) = (0.0, 0.0);
    for (_, counts) in curve {
        sum += (counts.recall() - before) * counts.precision();
        before = counts.recall();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Distances of few values, so that there are ties, each with whether labels are equal.
    fn pairs() -> impl Strategy<Value = Vec<(f32, bool)>> {
        proptest::collection::vec(
            ((0_u8..6).prop_map(|d| f32::from(d) / 4.0), any::<bool>()),
            1..30,
        )
    }

    proptest! {
        #[test]
        fn every_point_is_a_count_at_its_threshold(pairs in pairs()) {
            let (distances, matches): (Vec<f32>, Vec<bool>) = pairs.into_iter().unzip();
            let curve = threshold_curve(&distances, &matches).unwrap();
            prop_assert!(curve.windows(2).all(|two| two[0].0 < two[1].0));
            for &(threshold, counts) in &curve {
                let want = ThresholdCounts::at(&distances, &matches, threshold).unwrap();
                prop_assert_eq!(counts, want);
            }
            let last = curve.last().unwrap().1;
            prop_assert_eq!(last, ThresholdCounts::at(&distances, &matches, 9.0).unwrap());
            let bits: Vec<u64> = curve.iter().map(|point| point.0.to_bits()).collect();
            prop_assert!(distances.iter().all(|&d| bits.contains(&f64::from(d).to_bits())));
        }

        #[test]
        fn the_area_counts_the_pairs_in_order(pairs in pairs()) {
            let (distances, matches): (Vec<f32>, Vec<bool>) = pairs.iter().copied().unzip();
            let kind = |kind: bool| pairs.iter().filter(move |pair| pair.1 == kind).map(|p| p.0);
            let (equal, different) = (kind(true).count(), kind(false).count());
            if equal == 0 || different == 0 {
                prop_assert!(roc_auc(&distances, &matches).is_err());
            } else {
                let nearer = |a: f32, b: f32| f64::from(u8::from(a < b) + u8::from(a <= b)) / 2.0;
                let won: f64 = kind(true).flat_map(|a| kind(false).map(move |b| nearer(a, b))).sum();
                let want = won / (equal * different) as f64;
                prop_assert!((roc_auc(&distances, &matches).unwrap() - want).abs() < 1e-12);
            }
        }

        #[test]
        fn average_precision_is_the_mean_precision_at_each_match(pairs in pairs()) {
            let (distances, matches): (Vec<f32>, Vec<bool>) = pairs.iter().copied().unzip();
            let hits: Vec<f32> = pairs.iter().filter(|pair| pair.1).map(|pair| pair.0).collect();
            let precision = |d: f32| {
                ThresholdCounts::at(&distances, &matches, f64::from(d)).unwrap().precision()
            };
            if hits.is_empty() {
                prop_assert!(average_precision(&distances, &matches).is_err());
            } else {
                let want = hits.iter().map(|&d| precision(d)).sum::<f64>() / hits.len() as f64;
                let found = average_precision(&distances, &matches).unwrap();
                prop_assert!((found - want).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn perfect_and_inverted_order_are_one_and_zero() {
        let distances = [0.1, 0.2, 0.3, 0.4];
        assert!((roc_auc(&distances, &[true, true, false, false]).unwrap() - 1.0).abs() < 1e-12);
        assert!(roc_auc(&distances, &[false, false, true, true]).unwrap().abs() < 1e-12);
        let ap = average_precision(&distances, &[true, true, false, false]).unwrap();
        assert!((ap - 1.0).abs() < 1e-12);
    }

    #[test]
    fn zero_and_minus_zero_are_one_threshold() {
        let curve = threshold_curve(&[0.0, -0.0], &[true, false]).unwrap();
        assert_eq!(curve.len(), 1);
        assert_eq!((curve[0].1.true_positives, curve[0].1.false_positives), (1, 1));
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        assert_eq!(threshold_curve(&[], &[]), Err(MetricError::Rows { rows: 0, least: 1 }));
        let nan = MetricError::NotFinite { row: 0 };
        assert_eq!(threshold_curve(&[f32::NAN], &[true]), Err(nan.clone()));
        assert_eq!(roc_auc(&[f32::NAN], &[true]), Err(nan));
        let pairs = MetricError::Pairs { first: 1, second: 0 };
        assert_eq!(average_precision(&[1.0], &[]), Err(pairs));
        let one_kind = roc_auc(&[0.1, 0.2], &[true, true]).unwrap_err();
        assert_eq!(one_kind.to_string(), "`matches` must be true for some and false for others");
    }
}
