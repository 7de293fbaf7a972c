//! Queries of which some belong to no class of the index.

use std::collections::HashSet;

use selfsame_metrics::{LabeledFeatures, roc_auc, threshold_curve};
use serde::{Deserialize, Serialize};

use crate::{Hit, Index, IndexError, Matcher};

/// How well queries of known classes are matched and those of unknown classes are rejected.
///
/// A class is known if an item of the index has it. All figures are 0 to 1, and higher is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSet {
    /// Queries of known classes.
    pub known: usize,
    /// Queries of unknown classes.
    pub unknown: usize,
    /// Largest distance of a match.
    pub distance: f64,
    /// Share of known queries that are matched with their class.
    pub known_accuracy: f64,
    /// Share of known queries that are matched at all.
    pub known_accepted: f64,
    /// Share of unknown queries that are not matched.
    pub unknown_rejected: f64,
    /// Probability that a known query is nearer than an unknown one; a tie counts half. It depends on
    /// no cut-point.
    pub auroc: f64,
    /// Area under the share of known queries that are matched rightly, over the share of unknown
    /// queries that are accepted, as the distance grows. It depends on no cut-point, and is at most
    /// the accuracy without one.
    pub oscr: f64,
}

impl Index {
    /// Evaluates queries, some of known and some of unknown classes, at a cut-point of the
    /// [calibration](Self::calibration).
    ///
    /// # Errors
    /// As [`match_all`](Self::match_all), or if all queries are of known or all of unknown classes.
    ///
    /// # Source
    /// The split is that of TensorFlow Similarity's `EvalCallback` with `known_classes`. OSCR is
    /// of Dhamija et al., 2018, [arXiv:1811.04110](https://arxiv.org/abs/1811.04110), section 4.
    /// Deviation: known classes are those of the index; queries of unknown classes have a rejection
    /// rate in place of an accuracy.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{CalibrationConfig, Index, Item};
    /// use selfsame_metrics::{Distance, Features, LabeledFeatures};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0, 10.0, 12.0])?;
    /// let items = [0, 0, 1, 1].map(Item::labeled).to_vec();
    /// let mut index = Index::from_features(rows, items, Distance::L2)?;
    /// index.calibrate_on_itself(&CalibrationConfig::default())?;
    /// // Class 2 is unknown: one of its queries is far from all items, the other is not.
    /// let queries = Features::new(1, vec![0.5, 11.5, 30.0, 13.0])?;
    /// let queries = LabeledFeatures::new(&queries, &[0, 1, 2, 2])?;
    /// let result = index.evaluate_open_set(queries, "optimal")?;
    /// assert_eq!((result.known_accuracy, result.unknown_rejected), (1.0, 0.5));
    /// assert_eq!(result.auroc, 1.0);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn evaluate_open_set(
        &self,
        queries: LabeledFeatures<'_>,
        cut_point: &str,
    ) -> Result<OpenSet, IndexError> {
        let calibration = self.calibration().ok_or(IndexError::Uncalibrated)?;
        let distance = calibration.cut_point(cut_point)?.distance;
        let hits = self.search_all(queries.features(), calibration.k)?;
        self.evaluate_open_set_hits(&hits, queries.labels(), calibration.matcher, distance)
    }

    /// Evaluates queries up to a `distance`, where `hits[i]` is what a search found for a query of
    /// class `labels[i]`.
    ///
    /// # Errors
    /// As [`match_hits`](Self::match_hits), or if there is not one label for each query, or all
    /// queries are of known or all of unknown classes.
    pub fn evaluate_open_set_hits(
        &self,
        hits: &[Vec<Hit>],
        labels: &[usize],
        matcher: Matcher,
        distance: f64,
    ) -> Result<OpenSet, IndexError> {
        if distance.is_nan() {
            return Err(IndexError::setting("distance", "a number, not NaN"));
        }
        let classes: HashSet<usize> = self.labels()?.into_iter().collect();
        let (distances, is_right) = self.decisions(hits, labels, matcher)?;
        let is_known: Vec<bool> = labels.iter().map(|label| classes.contains(label)).collect();
        let known = is_known.iter().filter(|&&known| known).count();
        let unknown = labels.len() - known;
        for (count, what) in [(known, "known classes"), (unknown, "unknown classes")] {
            if count == 0 {
                return Err(IndexError::OneKind { what });
            }
        }
        let share = |whole: usize, of: &dyn Fn(usize) -> bool| {
            (0..labels.len()).filter(|&query| of(query)).count() as f64 / whole as f64
        };
        let is_near = |query: usize| f64::from(distances[query]) <= distance;
        Ok(OpenSet {
            known,
            unknown,
            distance,
            known_accuracy: share(known, &|query| is_right[query] && is_near(query)),
            known_accepted: share(known, &|query| is_known[query] && is_near(query)),
            unknown_rejected: share(unknown, &|query| !is_known[query] && !is_near(query)),
            auroc: roc_auc(&distances, &is_known)?,
            oscr: oscr(&distances, &is_known, &is_right)?,
        })
    }
}

/// Returns the area under rightly matched known queries over accepted unknown ones, by trapezoids.
fn oscr(distances: &[f32], is_known: &[bool], is_right: &[bool]) -> Result<f64, IndexError> {
    let known = is_known.iter().filter(|&&known| known).count() as f64;
    let accepted = threshold_curve(distances, is_known)?;
    let right = threshold_curve(distances, is_right)?;
    let (mut area, mut left, mut lower) = (0.0, 0.0, 0.0);
    for ((_, accepted), (_, right)) in accepted.into_iter().zip(right) {
        let next = accepted.false_positive_rate();
        let upper = right.true_positives as f64 / known;
        area += (next - left) * f64::midpoint(lower, upper);
        (left, lower) = (next, upper);
    }
    Ok(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    use crate::Item;
    use proptest::prelude::*;
    use selfsame_metrics::{Distance, Features};

    /// An index of one item of class 0 and one of class 1, which queries are as far from as asked.
    fn evaluate(queries: &[(f32, usize)], distance: f64) -> Result<OpenSet, IndexError> {
        let rows = Features::new(1, vec![0.0, 1000.0]).unwrap();
        let items = [0, 1].map(Item::labeled).to_vec();
        let index = Index::from_features(rows, items, Distance::L2).unwrap();
        let (values, labels): (Vec<f32>, Vec<usize>) = queries.iter().copied().unzip();
        let hits = index.search_all(&Features::new(1, values).unwrap(), 1).unwrap();
        index.evaluate_open_set_hits(&hits, &labels, Matcher::Nearest, distance)
    }

    #[test]
    fn figures_are_those_derived_by_hand() {
        // Known: right at 1, wrong at 3; unknown: at 2 and at 4.
        let result = evaluate(&[(1.0, 0), (3.0, 1), (2.0, 7), (4.0, 7)], 2.5).unwrap();
        assert_eq!((result.known_accuracy, result.known_accepted), (0.5, 0.5));
        // 1 < 2, 1 < 4 and 3 < 4 of four comparisons; half of the known are right from the start.
        assert_eq!((result.unknown_rejected, result.auroc, result.oscr), (0.5, 0.75, 0.5));
    }

    #[test]
    fn perfect_and_worst_separation_are_one_and_zero() {
        let perfect = evaluate(&[(1.0, 0), (2.0, 0), (30.0, 9)], 2.0).unwrap();
        assert_eq!((perfect.known_accuracy, perfect.unknown_rejected), (1.0, 1.0));
        assert_eq!((perfect.auroc, perfect.oscr), (1.0, 1.0));
        let worst = evaluate(&[(10.0, 0), (20.0, 0), (3.0, 9)], 5.0).unwrap();
        assert_eq!((worst.known_accuracy, worst.unknown_rejected), (0.0, 0.0));
        assert_eq!((worst.auroc, worst.oscr), (0.0, 0.0));
        let tied = evaluate(&[(5.0, 0), (5.0, 9)], 5.0).unwrap();
        assert_eq!((tied.auroc, tied.oscr), (0.5, 0.5));
    }

    #[test]
    fn queries_of_one_kind_are_refused() {
        let message = |queries: &[(f32, usize)]| evaluate(queries, 1.0).unwrap_err().to_string();
        assert!(message(&[(1.0, 0)]).contains("no queries of unknown classes"));
        assert!(message(&[(1.0, 5)]).contains("no queries of known classes"));
    }

    proptest! {
        /// The naive twin counts, for each unknown query, the known ones that are right and nearer.
        #[test]
        fn oscr_is_a_share_of_pairs(
            queries in prop::collection::vec((0_u8..9, 0_usize..3), 2..30)
        ) {
            let score = |query: u8, other: u8| match query.cmp(&other) {
                Ordering::Less => 1.0,
                Ordering::Equal => 0.5,
                Ordering::Greater => 0.0,
            };
            let of = |is_known: bool| queries.iter().filter(move |query| (query.1 < 2) == is_known);
            let (known, unknown) = (of(true).count(), of(false).count());
            prop_assume!(known > 0 && unknown > 0);
            let right = of(true).filter(|query| query.1 == 0);
            let pairs: f64 =
                right.map(|query| of(false).map(|other| score(query.0, other.0)).sum::<f64>()).sum();
            let want = pairs / (known * unknown) as f64;
            let queries: Vec<(f32, usize)> =
                queries.into_iter().map(|(place, label)| (f32::from(place), label)).collect();
            prop_assert!((evaluate(&queries, 4.0).unwrap().oscr - want).abs() < 1e-12);
        }
    }
}
