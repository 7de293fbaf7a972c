//! Retrieval: what the nearest rows of every query are worth, all figures at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::check_label_count;
use crate::ranking::FIGURES;
use crate::{Distance, LabeledFeatures, MetricError, NearestNeighbors, Ranking};

/// What a mean over queries weighs alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Average {
    /// Every query.
    #[default]
    Micro,
    /// Every class that has queries: the mean over classes of the mean over a class's queries.
    Macro,
}

/// Rows of the gallery that one query retrieved, nearest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retrieved<'a> {
    /// Rows of the gallery.
    pub rows: &'a [u32],
    /// Distance of each row, ascending.
    pub distances: &'a [f32],
}

/// Evaluation of ranked neighbors by their labels: a row is relevant if it has the query's label.
///
/// - A gallery of fewer than `k` rows is ranked whole, and `k` is then its size.
/// - Ties are ranked as the search ranks them.
/// - A query without any relevant row counts 0 in every figure;
///   [`without_relevant`](RetrievalFigures::without_relevant) says how many there are.
/// - With one class all rows are relevant and every figure but recall is 1.
///
/// # Source
/// The settings are those of TensorFlow Similarity's retrieval metrics. Deviation: its figures drop the
/// nearest row as the query itself, and some then count `k − 1` rows; here the query's own row
/// is dropped, wherever it is ranked, and `k` others count. Its NDCG takes the ideal order of the
/// retrieved rows, ours that of all relevant ones. `max_distance` applies to every figure.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, Retrieval};
///
/// let features = Features::new(2, vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 0.1, 1.0])?;
/// let labeled = LabeledFeatures::new(&features, &[0, 0, 1, 1])?;
/// let figures = Retrieval { k: 1, drop_self: true, ..Retrieval::default() }.of(labeled, labeled)?;
/// assert_eq!((figures.precision, figures.recall, figures.ndcg), (1.0, 1.0, 1.0));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retrieval {
    /// Rows that count, 1 or more. Default: 5, as in TensorFlow Similarity.
    pub k: usize,
    /// Distance by which [`of`](Self::of) retrieves. Default: cosine.
    #[serde(default)]
    pub distance: Distance,
    /// What the mean weighs alike. Default: every query.
    #[serde(default)]
    pub average: Average,
    /// Whether queries are the gallery's rows, in the same order, so that row `i` is dropped from
    /// what query `i` retrieves. Default: no.
    #[serde(default)]
    pub drop_self: bool,
    /// Distance beyond which a row is a miss, whatever its label; it keeps its rank. Rounded to `f32`.
    /// Default: none.
    #[serde(default)]
    pub max_distance: Option<f64>,
}

impl Default for Retrieval {
    /// Returns 5 rows by cosine, a mean over queries, nothing dropped and no largest distance.
    fn default() -> Self {
        Self {
            k: 5,
            distance: Distance::Cosine,
            average: Average::Micro,
            drop_self: false,
            max_distance: None,
        }
    }
}

/// Means over queries; all are 0 to 1, higher is better. [`Ranking`] defines them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrievalFigures {
    /// Queries evaluated.
    pub queries: usize,
    /// Queries without any relevant row, which count 0.
    pub without_relevant: usize,
    /// Share of the first k that is relevant.
    pub precision: f64,
    /// Share of the relevant rows that is among the first k.
    pub recall: f64,
    /// Share of queries with a relevant row among the first k.
    pub hit_rate: f64,
    /// One over the rank of the first relevant row.
    pub reciprocal_rank: f64,
    /// Mean average precision, divided by `min(R, k)`.
    pub map: f64,
    /// Mean average precision, divided by `R`.
    pub map_of_all: f64,
    /// Mean average precision of the first `R`.
    pub map_at_r: f64,
    /// Precision of the first `R`.
    pub r_precision: f64,
    /// Normalized discounted cumulative gain with binary gains.
    pub ndcg: f64,
}

impl Retrieval {
    /// Retrieves rows of the gallery by [`distance`](Self::distance) and evaluates them.
    ///
    /// # Errors
    /// If the widths differ, a set is empty, a setting is out of range, or with `drop_self` the
    /// gallery has not as many rows as there are queries, or fewer than 2.
    pub fn of(
        &self,
        gallery: LabeledFeatures<'_>,
        queries: LabeledFeatures<'_>,
    ) -> Result<RetrievalFigures, MetricError> {
        self.check()?;
        let k = self.k.saturating_add(usize::from(self.drop_self));
        let search = NearestNeighbors::new(gallery.features(), self.distance)?;
        let neighbors = search.search(queries.features(), k)?;
        let retrieved: Vec<Retrieved<'_>> = (0..neighbors.queries())
            .map(|query| Retrieved {
                rows: neighbors.indices(query),
                distances: neighbors.distances(query),
            })
            .collect();
        self.evaluate(&retrieved, gallery.labels(), queries.labels())
    }

    /// Evaluates what queries have retrieved, one list per query.
    ///
    /// A list holds at least `k` rows of the gallery, one more with `drop_self`, or all there are.
    ///
    /// # Errors
    /// If there are no queries, not one list per label, a list is too short, names a row that does
    /// not exist, or its distances do not ascend; else as [`of`](Self::of).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Retrieval, Retrieved};
    ///
    /// let retrieved = [Retrieved { rows: &[1, 0], distances: &[0.1, 0.2] }];
    /// let figures = Retrieval::default().evaluate(&retrieved, &[7, 8], &[7])?;
    /// assert_eq!((figures.precision, figures.reciprocal_rank), (0.5, 0.5));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn evaluate(
        &self,
        retrieved: &[Retrieved<'_>],
        gallery_labels: &[usize],
        query_labels: &[usize],
    ) -> Result<RetrievalFigures, MetricError> {
        let rankings = self.rankings(retrieved, gallery_labels, query_labels)?;
        let mut classes = BTreeMap::<usize, (usize, [f64; FIGURES.len()])>::new();
        for (ranking, &label) in rankings.iter().zip(query_labels) {
            let class = if self.average == Average::Macro { label } else { 0 };
            let (count, sums) = classes.entry(class).or_default();
            *count += 1;
            sums.iter_mut().zip(FIGURES).for_each(|(sum, figure)| *sum += figure(ranking));
        }
        let mean = |index: usize| {
            let means = classes.values().map(|(count, sums)| sums[index] / *count as f64);
            means.sum::<f64>() / classes.len() as f64
        };
        Ok(RetrievalFigures {
            queries: rankings.len(),
            without_relevant: rankings.iter().filter(|ranking| ranking.relevant() == 0).count(),
            precision: mean(0),
            recall: mean(1),
            hit_rate: mean(2),
            reciprocal_rank: mean(3),
            map: mean(4),
            map_of_all: mean(5),
            map_at_r: mean(6),
            r_precision: mean(7),
            ndcg: mean(8),
        })
    }

    /// Returns one ranking per query.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Retrieval, Retrieved};
    ///
    /// let retrieved = [Retrieved { rows: &[1, 0], distances: &[0.1, 0.2] }];
    /// let near = Retrieval { max_distance: Some(0.1), ..Retrieval::default() };
    /// let ranking = &near.rankings(&retrieved, &[7, 8], &[7])?[0];
    /// assert_eq!((ranking.hits(), ranking.relevant()), (0, 1), "row 0 is too far to count");
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn rankings(
        &self,
        retrieved: &[Retrieved<'_>],
        gallery_labels: &[usize],
        query_labels: &[usize],
    ) -> Result<Vec<Ranking>, MetricError> {
        self.check()?;
        check_label_count(query_labels, retrieved.len())?;
        let (rows, queries) = (gallery_labels.len(), retrieved.len());
        if rows < 1 + usize::from(self.drop_self) {
            return Err(MetricError::Rows { rows, least: 1 + usize::from(self.drop_self) });
        }
        if queries == 0 {
            return Err(MetricError::Rows { rows: 0, least: 1 });
        }
        if self.drop_self && queries != rows {
            return Err(MetricError::Pairs { first: queries, second: rows });
        }
        let mut of_label = BTreeMap::<usize, usize>::new();
        for &label in gallery_labels {
            *of_label.entry(label).or_default() += 1;
        }
        let lists = retrieved.iter().zip(query_labels).enumerate();
        lists
            .map(|(query, (list, label))| {
                let relevant = of_label.get(label).copied().unwrap_or(0);
                let dropped = self.drop_self.then_some(query);
                // The query's own label is among the gallery's labels if its row is.
                let own = usize::from(dropped.is_some_and(|row| gallery_labels[row] == *label));
                let hits = self.hits(list, gallery_labels, *label, dropped)?;
                Ranking::new(hits, relevant - own)
            })
            .collect()
    }

    /// Returns which of the first `k` rows are hits.
    fn hits(
        &self,
        list: &Retrieved<'_>,
        gallery_labels: &[usize],
        label: usize,
        dropped: Option<usize>,
    ) -> Result<Vec<bool>, MetricError> {
        let Retrieved { rows, distances } = *list;
        if rows.len() != distances.len() {
            return Err(MetricError::Pairs { first: rows.len(), second: distances.len() });
        }
        if !distances.is_sorted() || distances.iter().any(|distance| distance.is_nan()) {
            return Err(MetricError::Setting { key: "distances", range: "ascending, without NaN" });
        }
        if rows.iter().any(|&row| row as usize >= gallery_labels.len()) {
            return Err(MetricError::Setting { key: "rows", range: "rows of the gallery" });
        }
        #[allow(clippy::cast_possible_truncation, reason = "rounded to the precision of distances")]
        let farthest = self.max_distance.map_or(f32::INFINITY, |distance| distance as f32);
        let others = rows.iter().zip(distances).filter(|(row, _)| Some(**row as usize) != dropped);
        let hits: Vec<bool> = others
            .take(self.k)
            .map(|(&row, &distance)| distance <= farthest && gallery_labels[row as usize] == label)
            .collect();
        let least = self.k.min(gallery_labels.len() - usize::from(dropped.is_some()));
        if hits.len() < least {
            return Err(MetricError::Rows { rows: hits.len(), least });
        }
        Ok(hits)
    }

    fn check(&self) -> Result<(), MetricError> {
        if self.k == 0 {
            return Err(MetricError::Setting { key: "k", range: "1 or more" });
        }
        if self.max_distance.is_some_and(f64::is_nan) {
            return Err(MetricError::Setting { key: "max_distance", range: "a number, not NaN" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
