//! Whether the right images are retrieved: figures of ranked lists.

use crate::error::check_labels;
use crate::{Features, Knn, MetricError};

/// Share of the first `k` rows that have the query's label, averaged over queries: 0 to 1, higher
/// is better.
///
/// # Errors
/// If widths, labels or `k` do not fit.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, precision_at_k};
///
/// let bank = Features::new(2, vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0])?;
/// let query = Features::new(2, vec![1.0, 0.0])?;
/// assert_eq!(precision_at_k(&bank, &[0, 1, 0], &query, &[0], 2)?, 0.5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn precision_at_k(
    bank: &Features,
    bank_labels: &[usize],
    queries: &Features,
    query_labels: &[usize],
    k: usize,
) -> Result<f64, MetricError> {
    mean_over_queries(bank, bank_labels, queries, query_labels, k, |hits, _| {
        hits.iter().filter(|&&hit| hit).count() as f64 / hits.len() as f64
    })
}

/// Share of queries that find their label among the first `k` rows at least once: 0 to 1, higher is
/// better.
///
/// # Errors
/// If widths, labels or `k` do not fit.
pub fn recall_at_k(
    bank: &Features,
    bank_labels: &[usize],
    queries: &Features,
    query_labels: &[usize],
    k: usize,
) -> Result<f64, MetricError> {
    mean_over_queries(bank, bank_labels, queries, query_labels, k, |hits, _| {
        f64::from(u8::from(hits.contains(&true)))
    })
}

/// Mean over queries of the average precision of the first `k` rows: 0 to 1, higher is better.
///
/// ```text
/// AP@k = Σ over hits at rank r ≤ k of precision@r  /  min(R, k)
/// ```
/// `R` is the number of rows with the query's label; a query with none counts 0.
///
/// # Errors
/// If widths, labels or `k` do not fit.
pub fn mean_average_precision_at_k(
    bank: &Features,
    bank_labels: &[usize],
    queries: &Features,
    query_labels: &[usize],
    k: usize,
) -> Result<f64, MetricError> {
    mean_over_queries(bank, bank_labels, queries, query_labels, k, |hits, relevant| {
        let ranks =
            hits.iter().zip(1_u32..).filter_map(|(&hit, rank)| hit.then_some(f64::from(rank)));
        let precision: f64 = ranks.zip(1_u32..).map(|(rank, found)| f64::from(found) / rank).sum();
        precision / relevant.min(k).max(1) as f64
    })
}

/// Normalized discounted cumulative gain of the first `k` rows, averaged over queries: 0 to 1,
/// higher is better.
///
/// ```text
/// DCG@k = Σ over hits at rank r ≤ k of 1 / log₂(r + 1)
/// ```
/// divided by that of a list which begins with all rows that have the query's label; a query with
/// no such row counts 0.
///
/// # Errors
/// If widths, labels or `k` do not fit.
///
/// # Source
/// Järvelin & Kekäläinen, 2002, with binary gains.
pub fn ndcg_at_k(
    bank: &Features,
    bank_labels: &[usize],
    queries: &Features,
    query_labels: &[usize],
    k: usize,
) -> Result<f64, MetricError> {
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    mean_over_queries(bank, bank_labels, queries, query_labels, k, |hits, relevant| {
        let ideal: f64 = (0..relevant.min(k)).map(gain).sum();
        let found: f64 = (0..hits.len()).filter(|&rank| hits[rank]).map(gain).sum();
        if relevant == 0 { 0.0 } else { found / ideal }
    })
}

/// `figure` of the hits of each ranked list and of the number of relevant rows.
fn mean_over_queries(
    bank: &Features,
    bank_labels: &[usize],
    queries: &Features,
    query_labels: &[usize],
    k: usize,
    figure: impl Fn(&[bool], usize) -> f64,
) -> Result<f64, MetricError> {
    check_labels(bank_labels, bank.rows(), usize::MAX)?;
    check_labels(query_labels, queries.rows(), usize::MAX)?;
    queries.at_least(1)?;
    let lists = Knn { k, ..Knn::default() }.neighbors(bank, queries)?;
    let one = |(list, &label): (&Vec<usize>, &usize)| {
        let hits: Vec<bool> = list.iter().map(|&index| bank_labels[index] == label).collect();
        figure(&hits, bank_labels.iter().filter(|&&other| other == label).count())
    };
    Ok(lists.iter().zip(query_labels).map(one).sum::<f64>() / queries.rows() as f64)
}
