//! Classification by nearest neighbors.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Features, LabeledFeatures, MetricError, accuracy};

/// Nearest-neighbor classifier by cosine similarity; closer neighbors have a larger vote.
///
/// ```text
/// score(class) = Σ over the k nearest rows of that class  exp(cos / temperature)
/// ```
/// Among equally similar rows the earlier one is nearer; among equal scores the lower class wins.
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
}

impl Default for Knn {
    /// Returns 20 neighbors and temperature 0.1.
    fn default() -> Self {
        Self { k: 20, temperature: 0.1 }
    }
}

/// Queries per block, which is compared with all training rows.
const BLOCK: usize = 64;

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
        let scored = self.scored_neighbors(train, queries)?;
        Ok(scored
            .into_iter()
            .map(|row| row.into_iter().map(|(_, index)| index).collect())
            .collect())
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
        train.check_classes(classes)?;
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(MetricError::Setting { key: "temperature", range: "above 0" });
        }
        let vote = |neighbors: Vec<(f32, usize)>| {
            let mut scores = vec![0.0; classes];
            let highest = neighbors.first().map_or(0.0, |(cosine, _)| f64::from(*cosine));
            for (cosine, index) in neighbors {
                let below = (f64::from(cosine) - highest) / self.temperature;
                scores[train.labels()[index]] += below.exp();
            }
            argmax(&scores)
        };
        Ok(self.scored_neighbors(train.features(), queries)?.into_iter().map(vote).collect())
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
        Ok(accuracy(&self.predict(train, queries.features(), classes)?, queries.labels()))
    }

    /// Returns for each query `(cosine, index)` of its nearest rows, nearest first.
    fn scored_neighbors(
        &self,
        train: &Features,
        queries: &Features,
    ) -> Result<Vec<Vec<(f32, usize)>>, MetricError> {
        train.at_least(1)?;
        train.same_width(queries)?;
        if self.k == 0 {
            return Err(MetricError::Setting { key: "k", range: "1 or more" });
        }
        let (train, queries) = (train.normalized(), queries.normalized());
        let (dim, rows) = (train.dim(), train.rows());
        let columns = MatRef::from_row_major_slice(train.as_slice(), rows, dim).transpose();
        let blocks = queries.as_slice().par_chunks(BLOCK * dim).map(|block| {
            let count = block.len() / dim;
            let mut cosines = vec![0.0_f32; count * rows];
            let out = MatMut::from_row_major_slice_mut(&mut cosines, count, rows);
            let block = MatRef::from_row_major_slice(block, count, dim);
            matmul(out, Accum::Replace, block, columns, 1.0, Par::Seq);
            cosines.chunks(rows).map(|row| top_k(row, self.k)).collect::<Vec<_>>()
        });
        Ok(blocks.flatten_iter().collect())
    }
}

/// Returns the `k` largest values with their indices, largest first.
fn top_k(values: &[f32], k: usize) -> Vec<(f32, usize)> {
    let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let mut indexed: Vec<(f32, usize)> = values.iter().copied().zip(0..).collect();
    if k < indexed.len() {
        indexed.select_nth_unstable_by(k, order);
        indexed.truncate(k);
    }
    indexed.sort_unstable_by(order);
    indexed
}

/// Returns the index of the largest score, the first of equal ones.
pub(crate) fn argmax(scores: &[f64]) -> usize {
    let larger =
        |best: usize, index: usize| if scores[index] > scores[best] { index } else { best };
    (1..scores.len()).fold(0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_neighbors_outvote_many_far_ones() {
        let train = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.0, 2.0]).unwrap();
        let query = Features::new(2, vec![1.0, 0.5]).unwrap();
        let train = LabeledFeatures::new(&train, &[0, 1, 1]).unwrap();
        let vote = |temperature| Knn { k: 9, temperature }.predict(train, &query, 2);
        assert_eq!(vote(0.1).unwrap(), [0]);
        assert_eq!(vote(10.0).unwrap(), [1]);
        assert_eq!(vote(1e-6).unwrap(), [0], "no overflow");
    }

    #[test]
    fn ties_go_to_the_earlier_row() {
        let train = Features::new(1, vec![2.0, 1.0, 3.0]).unwrap();
        let neighbors = Knn { k: 2, ..Knn::default() }.neighbors(&train, &train).unwrap();
        assert_eq!(neighbors, [[0, 1]; 3]);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let train = Features::new(1, vec![1.0]).unwrap();
        let wide = Features::new(2, vec![1.0, 1.0]).unwrap();
        let knn = Knn::default();
        assert_eq!(knn.neighbors(&train, &wide), Err(MetricError::Width { first: 1, second: 2 }));
        let labeled = LabeledFeatures::new(&train, &[3]).unwrap();
        let label = MetricError::Label { label: 3, classes: 2 };
        assert_eq!(knn.predict(labeled, &train, 2), Err(label.clone()));
        let right = LabeledFeatures::new(&train, &[1]).unwrap();
        assert_eq!(knn.accuracy(right, labeled, 2), Err(label));
        let count = MetricError::LabelCount { labels: 0, rows: 1 };
        assert_eq!(LabeledFeatures::new(&train, &[]), Err(count));
        assert!(Knn { k: 0, ..knn }.neighbors(&train, &train).is_err());
    }
}
