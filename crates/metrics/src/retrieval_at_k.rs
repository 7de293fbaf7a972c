//! One figure of retrieval by cosine similarity at a time.

use crate::{LabeledFeatures, MetricError, Retrieval, RetrievalFigures};

/// Returns the share of the first `k` retrieved rows that have the query's label, averaged over
/// queries: 0 to 1, higher is better.
///
/// A gallery of fewer than `k` rows is ranked whole.
///
/// # Errors
/// If the widths differ, either set is empty or `k` is 0.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, precision_at_k};
///
/// let gallery = Features::new(2, vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0])?;
/// let gallery = LabeledFeatures::new(&gallery, &[0, 1, 0])?;
/// let query = Features::new(2, vec![1.0, 0.0])?;
/// let query = LabeledFeatures::new(&query, &[0])?;
/// assert_eq!(precision_at_k(gallery, query, 2)?, 0.5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn precision_at_k(
    gallery: LabeledFeatures<'_>,
    queries: LabeledFeatures<'_>,
    k: usize,
) -> Result<f64, MetricError> {
    Ok(figures(gallery, queries, k)?.precision)
}

/// Returns the share of queries whose label is among those of the first `k` retrieved rows: 0 to 1,
/// higher is better.
///
/// Metric learning calls this share of queries recall. The share of relevant rows that is retrieved is
/// [`RetrievalFigures::recall`].
///
/// # Errors
/// As [`precision_at_k`].
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, recall_at_k};
///
/// let gallery = Features::new(2, vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0])?;
/// let gallery = LabeledFeatures::new(&gallery, &[0, 1, 0])?;
/// let query = Features::new(2, vec![1.0, 0.0])?;
/// let query = LabeledFeatures::new(&query, &[1])?;
/// assert_eq!((recall_at_k(gallery, query, 1)?, recall_at_k(gallery, query, 2)?), (0.0, 1.0));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn recall_at_k(
    gallery: LabeledFeatures<'_>,
    queries: LabeledFeatures<'_>,
    k: usize,
) -> Result<f64, MetricError> {
    Ok(figures(gallery, queries, k)?.hit_rate)
}

/// Returns the mean over queries of the average precision of the first `k` retrieved rows: 0 to 1,
/// higher is better.
///
/// ```text
/// AP@k = Σ over hits at rank r ≤ k of precision@r  /  min(R, k)
/// ```
/// `R` is the number of gallery rows with the query's label; a query without any counts 0.
///
/// # Errors
/// As [`precision_at_k`].
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, mean_average_precision_at_k};
///
/// let gallery = Features::new(2, vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0])?;
/// let gallery = LabeledFeatures::new(&gallery, &[0, 1, 0])?;
/// let query = Features::new(2, vec![1.0, 0.0])?;
/// let query = LabeledFeatures::new(&query, &[0])?;
/// // Hits at ranks 1 and 3: precision 1/1 and 2/3.
/// let found = mean_average_precision_at_k(gallery, query, 3)?;
/// assert!((found - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn mean_average_precision_at_k(
    gallery: LabeledFeatures<'_>,
    queries: LabeledFeatures<'_>,
    k: usize,
) -> Result<f64, MetricError> {
    Ok(figures(gallery, queries, k)?.map)
}

/// Returns the normalized discounted cumulative gain of the first `k` retrieved rows, averaged over
/// queries: 0 to 1, higher is better.
///
/// ```text
/// DCG@k = Σ over hits at rank r ≤ k of 1 / log₂(r + 1)
/// ```
/// The divisor is the DCG of a list that begins with all gallery rows of the query's label; a query
/// without any counts 0.
///
/// # Errors
/// As [`precision_at_k`].
///
/// # Source
/// Järvelin & Kekäläinen, 2002, with binary gains.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, ndcg_at_k};
///
/// let gallery = Features::new(2, vec![1.0, 0.1, 1.0, 0.0])?;
/// let gallery = LabeledFeatures::new(&gallery, &[0, 1])?;
/// let query = Features::new(2, vec![1.0, 0.0])?;
/// let query = LabeledFeatures::new(&query, &[0])?;
/// // The one hit has rank 2, the ideal list has it at rank 1.
/// assert!((ndcg_at_k(gallery, query, 2)? - 1.0 / 3.0_f64.log2()).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn ndcg_at_k(
    gallery: LabeledFeatures<'_>,
    queries: LabeledFeatures<'_>,
    k: usize,
) -> Result<f64, MetricError> {
    Ok(figures(gallery, queries, k)?.ndcg)
}

/// Returns all figures of the first `k` rows that each query retrieves by cosine similarity.
fn figures(
    gallery: LabeledFeatures<'_>,
    queries: LabeledFeatures<'_>,
    k: usize,
) -> Result<RetrievalFigures, MetricError> {
    Retrieval { k, ..Retrieval::default() }.of(gallery, queries)
}
