//! Classification by nearest neighbors.

mod votes;

use serde::{Deserialize, Serialize};

use crate::neighbors::check_k;
use crate::{ClassScores, Distance, Features, LabeledFeatures, MetricError, NearestNeighbors};

pub use votes::Votes;

/// Nearest-neighbor classifier; by default closer neighbors have a larger vote.
///
/// ```text
/// score(class) = Σ over the k nearest rows of that class  exp(s / temperature)
///                                                        s = cosine, inner product, or −distance
/// ```
/// Among equally distant rows the earlier one is nearer. Among equal weighted scores the lower class
/// wins; among equal counts of [`Votes::Majority`] the class whose nearest member is nearest.
///
/// # Source
/// Wu et al., 2018, [arXiv:1805.01978](https://arxiv.org/abs/1805.01978), section 3.4.
/// Deviation: `k` is 20 by default, 200 in the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knn {
    /// Number of neighbors that vote, 1 or more; all rows if there are fewer.
    pub k: usize,
    /// Temperature of the votes, above 0; the smaller, the more the nearest neighbor decides.
    pub temperature: f64,
    /// Which rows are near; cosine by default.
    #[serde(default)]
    pub distance: Distance,
    /// What a vote weighs; by default `exp(s / temperature)`.
    #[serde(default)]
    pub votes: Votes,
}

impl Default for Knn {
    /// Returns 20 neighbors by cosine and temperature 0.1.
    fn default() -> Self {
        Self { k: 20, temperature: 0.1, distance: Distance::Cosine, votes: Votes::Weighted }
    }
}

/// Predictions with one number of neighbors, from [`Knn::evaluate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnResult {
    /// Number of neighbors asked.
    pub k: usize,
    /// The winning class of each query.
    pub predictions: Vec<usize>,
    /// Share of queries whose label won, 0 to 1.
    pub top1: f64,
    /// Share of queries whose label is among the five best classes that have a vote, 0 to 1.
    pub top5: f64,
}

/// Queries searched before their votes are counted, so that memory does not grow with their number.
const PART: usize = 8192;

impl Knn {
    /// Returns for each query the indices of its nearest rows of `train`, nearest first.
    ///
    /// # Errors
    /// If the widths differ, `train` is empty or `k` is 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn};
    ///
    /// let train = Features::new(2, vec![0.0, 1.0, 1.0, 0.1, 2.0, 0.0])?;
    /// let query = Features::new(2, vec![5.0, 0.0])?;
    /// let knn = Knn { k: 2, ..Knn::default() };
    /// assert_eq!(knn.neighbors(&train, &query)?, [[2, 1]]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn neighbors(
        &self,
        train: &Features,
        queries: &Features,
    ) -> Result<Vec<Vec<usize>>, MetricError> {
        let found = NearestNeighbors::new(train, self.distance)?.search(queries, self.k)?;
        let rows = |query| found.indices(query).iter().map(|row| *row as usize).collect();
        Ok((0..found.queries()).map(rows).collect())
    }

    /// Returns for each query the class its neighbors vote for.
    ///
    /// # Errors
    /// As [`neighbors`](Self::neighbors), or if a label is not below `classes` or the temperature
    /// is not above 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn, LabeledFeatures};
    ///
    /// let train = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
    /// let train = LabeledFeatures::new(&train, &[4, 7])?;
    /// let queries = Features::new(2, vec![0.2, 3.0, 3.0, 0.2])?;
    /// assert_eq!(Knn::default().predict(train, &queries, 10)?, [7, 4]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn predict(
        &self,
        train: LabeledFeatures<'_>,
        queries: &Features,
        classes: usize,
    ) -> Result<Vec<usize>, MetricError> {
        let mut predictions = Vec::with_capacity(queries.rows());
        self.ranked(&[self.k], train, Some(queries), classes, |_, ranked| {
            predictions.push(ranked[0].0);
        })?;
        Ok(predictions)
    }

    /// Returns the share of queries whose neighbors vote for their label, 0 to 1.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn, LabeledFeatures};
    ///
    /// let features = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
    /// let train = LabeledFeatures::new(&features, &[0, 1])?;
    /// let queries = LabeledFeatures::new(&features, &[0, 0])?;
    /// assert_eq!(Knn::default().accuracy(train, queries, 2)?, 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn accuracy(
        &self,
        train: LabeledFeatures<'_>,
        queries: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<f64, MetricError> {
        queries.check_classes(classes)?;
        Ok(crate::accuracy(&self.predict(train, queries.features(), classes)?, queries.labels()))
    }

    /// Returns each class's share of the votes: rows of `classes` values that sum to 1.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn, LabeledFeatures, Votes};
    ///
    /// let rows = Features::new(1, vec![1.0, 2.0, 3.0, 4.0])?;
    /// let train = LabeledFeatures::new(&rows, &[0, 1, 1, 1])?;
    /// let knn = Knn { votes: Votes::Majority, ..Knn::default() };
    /// let shares = knn.probabilities(train, &Features::new(1, vec![1.0])?, 2)?;
    /// assert_eq!(shares.row(0), [0.25, 0.75]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn probabilities(
        &self,
        train: LabeledFeatures<'_>,
        queries: &Features,
        classes: usize,
    ) -> Result<ClassScores, MetricError> {
        let mut shares = vec![0.0; queries.rows() * classes];
        let mut rows = shares.chunks_mut(classes.max(1));
        self.ranked(&[self.k], train, Some(queries), classes, |_, ranked| {
            let total: f64 = ranked.iter().map(|(_, score)| score).sum();
            if let Some(row) = rows.next() {
                for &(class, score) in ranked {
                    row[class] = score / total;
                }
            }
        })?;
        ClassScores::new(classes, shares)
    }

    /// Classifies labeled queries with several numbers of neighbors after one search; [`k`](Self::k)
    /// is not read.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), or if `ks` is empty or a label of a query is not below
    /// `classes`.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn, LabeledFeatures, Votes};
    ///
    /// let rows = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.1, 1.0])?;
    /// let train = LabeledFeatures::new(&rows, &[0, 1, 1])?;
    /// let query = Features::new(2, vec![1.0, 0.1])?;
    /// let knn = Knn { votes: Votes::Majority, ..Knn::default() };
    /// let found = knn.evaluate(&[1, 3], train, LabeledFeatures::new(&query, &[0])?, 2)?;
    /// assert_eq!((found[0].top1, found[1].top1, found[1].top5), (1.0, 0.0, 1.0));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn evaluate(
        &self,
        ks: &[usize],
        train: LabeledFeatures<'_>,
        queries: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<Vec<KnnResult>, MetricError> {
        queries.check_classes(classes)?;
        self.results(ks, train, Some(queries.features()), queries.labels(), classes)
    }

    /// Classifies every row by its nearest others, with several numbers of neighbors after one
    /// search: leave-one-out accuracy.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), or if there are fewer than two rows.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn, LabeledFeatures};
    ///
    /// let rows = Features::new(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0])?;
    /// let train = LabeledFeatures::new(&rows, &[0, 0, 1])?;
    /// let found = Knn::default().evaluate_others(&[1], train, 2)?;
    /// assert_eq!(found[0].predictions, [0, 0, 0]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn evaluate_others(
        &self,
        ks: &[usize],
        train: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<Vec<KnnResult>, MetricError> {
        self.results(ks, train, None, train.labels(), classes)
    }

    fn results(
        &self,
        ks: &[usize],
        train: LabeledFeatures<'_>,
        queries: Option<&Features>,
        labels: &[usize],
        classes: usize,
    ) -> Result<Vec<KnnResult>, MetricError> {
        let mut predictions = vec![Vec::with_capacity(labels.len()); ks.len()];
        let mut hits = vec![[0_usize; 2]; ks.len()];
        self.ranked(ks, train, queries, classes, |of, ranked| {
            let label = labels[predictions[of].len()];
            predictions[of].push(ranked[0].0);
            for (hits, n) in hits[of].iter_mut().zip([1, 5]) {
                *hits += usize::from(ranked.iter().take(n).any(|(class, _)| *class == label));
            }
        })?;
        let share = |hits: usize| hits as f64 / labels.len().max(1) as f64;
        let results = ks.iter().zip(predictions).zip(hits);
        Ok(results
            .map(|((&k, predictions), [first, five])| KnnResult {
                k,
                predictions,
                top1: share(first),
                top5: share(five),
            })
            .collect())
    }

    /// Hands out `(index of k, classes with their scores, best first)` for every query in order and
    /// for each of its `k`; without queries those are the rows, each classified by the others.
    fn ranked(
        &self,
        ks: &[usize],
        train: LabeledFeatures<'_>,
        queries: Option<&Features>,
        classes: usize,
        mut take: impl FnMut(usize, &[(usize, f64)]),
    ) -> Result<(), MetricError> {
        let (rows, others) = (train.features(), queries.is_none());
        let search = NearestNeighbors::new(rows, self.distance)?;
        rows.at_least(1 + usize::from(others))?;
        rows.same_width(queries.unwrap_or(rows))?;
        ks.iter().try_for_each(|k| check_k(*k))?;
        let Some(most) = ks.iter().max() else {
            return Err(MetricError::Setting { key: "ks", range: "one or more numbers" });
        };
        train.check_classes(classes)?;
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(MetricError::Setting { key: "temperature", range: "above 0" });
        }
        let most = (*most).min(search.available(others));
        let parts = queries.unwrap_or(rows).as_slice().chunks(PART * rows.dim());
        for (part, queries) in parts.enumerate() {
            let found = search.search_part(queries, most, others.then_some(part * PART));
            for query in 0..found.queries() {
                let labels = found.indices(query).iter().map(|row| train.labels()[*row as usize]);
                let labels: Vec<usize> = labels.collect();
                for (of, k) in ks.iter().enumerate() {
                    let voters = (*k).min(most);
                    let distances = &found.distances(query)[..voters];
                    take(of, &self.votes.count(&labels[..voters], distances, self.temperature));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
