//! NDCG with graded gains: some rows are more relevant than others.

use std::collections::BTreeMap;

use crate::ranking::discount;
use crate::{Knn, LabeledFeatures, MetricError};

/// Returns the normalized discounted cumulative gain of the first `k` of a ranked list: 0 to 1, higher
/// is better.
///
/// ```text
/// DCG@k = Σ over ranks r ≤ k of gain / log₂(r + 1)      NDCG@k = DCG@k / ideal DCG@k
/// ```
/// `retrieved` holds the gain of every retrieved row in order, `all` that of every row that could have
/// been retrieved, in any order; the ideal list is `all` from the largest down. Gains enter
/// linearly: for exponential ones hand in `2^grade − 1`. Without any gain the result is 0.
///
/// # Errors
/// If `k` is 0, a gain is negative or not finite, or `retrieved` is worth more than the ideal, so that
/// `all` does not hold its gains.
///
/// # Source
/// Järvelin & Kekäläinen, 2002, "Cumulated gain-based evaluation of IR techniques".
/// Deviation: gains at rank 1 are divided by log₂ 2, as everybody does today.
///
/// # Example
/// ```
/// use selfsame_metrics::ndcg;
///
/// // Grades 1 and 3 in the wrong order.
/// let found = ndcg(&[1.0, 3.0], &[3.0, 1.0, 0.0], 2)?;
/// let (low, high) = (1.0 + 3.0 / 3.0_f64.log2(), 3.0 + 1.0 / 3.0_f64.log2());
/// assert!((found - low / high).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn ndcg(retrieved: &[f64], all: &[f64], k: usize) -> Result<f64, MetricError> {
    if k == 0 {
        return Err(MetricError::Setting { key: "k", range: "1 or more" });
    }
    if retrieved.iter().chain(all).any(|gain| !(*gain >= 0.0 && gain.is_finite())) {
        return Err(MetricError::Setting { key: "gain", range: "0 or more and finite" });
    }
    let mut ideal = all.to_vec();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    let cumulated = |gains: &[f64]| -> f64 {
        gains.iter().take(k).enumerate().map(|(rank, gain)| gain * discount(rank)).sum()
    };
    let (found, ideal) = (cumulated(retrieved), cumulated(&ideal));
    if found > ideal * (1.0 + 1e-9) {
        let range = "at least what is retrieved";
        return Err(MetricError::Setting { key: "all", range });
    }
    Ok(if ideal > 0.0 { (found / ideal).min(1.0) } else { 0.0 })
}

/// Returns [`ndcg`] of what each query retrieves by cosine similarity, averaged over queries: 0 to 1,
/// higher is better.
///
/// `gain(query, row)` is what a row of one class is worth to a query of another, such as 2 for the
/// class itself, 1 for the same group of classes and 0 else. A query to which no row is worth
/// anything counts 0.
///
/// # Errors
/// If the widths differ, a set is empty, `k` is 0, or a gain is negative or not finite.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, graded_ndcg_at_k};
///
/// let gallery = Features::new(2, vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0])?;
/// let gallery = LabeledFeatures::new(&gallery, &[1, 0, 5])?;
/// let query = Features::new(2, vec![1.0, 0.0])?;
/// let query = LabeledFeatures::new(&query, &[0])?;
/// // Classes 0 and 1 are alike: worth 1, where the same class is worth 2.
/// let gain = |a: usize, b: usize| if a == b { 2.0 } else if a.max(b) < 2 { 1.0 } else { 0.0 };
/// let found = graded_ndcg_at_k(gallery, query, 2, gain)?;
/// let (low, high) = (1.0 + 2.0 / 3.0_f64.log2(), 2.0 + 1.0 / 3.0_f64.log2());
/// assert!((found - low / high).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn graded_ndcg_at_k(
    gallery: LabeledFeatures<'_>,
    queries: LabeledFeatures<'_>,
    k: usize,
    gain: impl Fn(usize, usize) -> f64,
) -> Result<f64, MetricError> {
    queries.features().at_least(1)?;
    let lists = Knn { k, ..Knn::default() }.neighbors(gallery.features(), queries.features())?;
    let mut gains_of_label = BTreeMap::<usize, Vec<f64>>::new();
    let mut sum = 0.0;
    for (list, &label) in lists.iter().zip(queries.labels()) {
        let all = gains_of_label
            .entry(label)
            .or_insert_with(|| gallery.labels().iter().map(|&other| gain(label, other)).collect());
        let retrieved: Vec<f64> = list.iter().map(|&row| all[row]).collect();
        sum += ndcg(&retrieved, all, k)?;
    }
    Ok(sum / lists.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, Ranking, ndcg_at_k};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gains_of_zero_and_one_are_the_binary_figure(
            gains in proptest::collection::vec(0_u8..2, 1..15), k in 1_usize..20
        ) {
            let all: Vec<f64> = gains.iter().map(|&gain| f64::from(gain)).collect();
            let hits: Vec<bool> = gains.iter().take(k).map(|&gain| gain == 1).collect();
            let relevant = gains.iter().map(|&gain| usize::from(gain)).sum();
            let want = Ranking::new(hits, relevant).unwrap().ndcg();
            prop_assert!((ndcg(&all, &all, k).unwrap() - want).abs() < 1e-12);
        }
    }

    #[test]
    fn equal_labels_alone_give_the_binary_figure() {
        let gallery = Features::new(1, vec![1.0, -1.0, 2.0, -3.0]).unwrap();
        let gallery = LabeledFeatures::new(&gallery, &[0, 0, 1, 1]).unwrap();
        let queries = Features::new(1, vec![1.0, -1.0]).unwrap();
        let queries = LabeledFeatures::new(&queries, &[1, 7]).unwrap();
        let equal = |a: usize, b: usize| f64::from(u8::from(a == b));
        for k in 1..6 {
            let found = graded_ndcg_at_k(gallery, queries, k, equal).unwrap();
            assert!((found - ndcg_at_k(gallery, queries, k).unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        assert!(ndcg(&[1.0], &[1.0], 0).is_err());
        assert!(ndcg(&[-1.0], &[1.0], 1).is_err() && ndcg(&[1.0], &[f64::NAN], 1).is_err());
        let error = ndcg(&[2.0], &[1.0], 1).unwrap_err();
        assert_eq!(error.to_string(), "`all` must be at least what is retrieved");
        assert!(ndcg(&[], &[0.0], 3).unwrap().abs() < 1e-12, "no gain, nothing to win");
    }
}
