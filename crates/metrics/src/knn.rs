//! Classification by nearest neighbors.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::check_labels;
use crate::{Features, MetricError, accuracy};

/// Neighbors vote, the nearer the louder.
///
/// ```text
/// score(class) = Σ over the k nearest rows of that class  exp(cos / temperature)
/// ```
/// Equal distances are settled in favor of the earlier row, equal scores in favor of the lower
/// class.
///
/// # Source
/// Wu et al., 2018, [arXiv:1805.01978](https://arxiv.org/abs/1805.01978), section 3.4.
/// Deviation: `k` 20 by default, the paper has 200.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knn {
    /// Neighbors that vote; all rows if there are fewer.
    pub k: usize,
    /// Above 0; small values listen to the nearest only.
    pub temperature: f64,
}

impl Default for Knn {
    /// 20 neighbors, temperature 0.1.
    fn default() -> Self {
        Self { k: 20, temperature: 0.1 }
    }
}

/// Queries compared with the whole bank at a time.
const BLOCK: usize = 64;

impl Knn {
    /// For each query the indices of its nearest rows of `bank`, nearest first.
    ///
    /// # Errors
    /// If the widths differ, the bank is empty or `k` is 0.
    pub fn neighbors(
        &self,
        bank: &Features,
        queries: &Features,
    ) -> Result<Vec<Vec<usize>>, MetricError> {
        let nearest = self.nearest(bank, queries)?;
        Ok(nearest
            .into_iter()
            .map(|row| row.into_iter().map(|(_, index)| index).collect())
            .collect())
    }

    /// The class the neighbors vote for, for each query.
    ///
    /// # Errors
    /// As [`neighbors`](Self::neighbors), or if a label does not fit or the temperature is not
    /// above 0.
    pub fn predict(
        &self,
        bank: &Features,
        bank_labels: &[usize],
        queries: &Features,
        classes: usize,
    ) -> Result<Vec<usize>, MetricError> {
        check_labels(bank_labels, bank.rows(), classes)?;
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(MetricError::Setting { key: "temperature", range: "above 0" });
        }
        let vote = |near: Vec<(f32, usize)>| {
            let mut scores = vec![0.0; classes];
            let loudest = near.first().map_or(0.0, |(cosine, _)| f64::from(*cosine));
            for (cosine, index) in near {
                let closeness = (f64::from(cosine) - loudest) / self.temperature;
                scores[bank_labels[index]] += closeness.exp();
            }
            best(&scores)
        };
        Ok(self.nearest(bank, queries)?.into_iter().map(vote).collect())
    }

    /// Share of queries whose neighbors vote for their label, 0 to 1.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, Knn};
    ///
    /// let bank = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
    /// let accuracy = Knn::default().accuracy(&bank, &[0, 1], &bank, &[0, 0], 2)?;
    /// assert_eq!(accuracy, 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn accuracy(
        &self,
        bank: &Features,
        bank_labels: &[usize],
        queries: &Features,
        query_labels: &[usize],
        classes: usize,
    ) -> Result<f64, MetricError> {
        check_labels(query_labels, queries.rows(), classes)?;
        Ok(accuracy(&self.predict(bank, bank_labels, queries, classes)?, query_labels))
    }

    /// `(cosine, index)` of the nearest rows, nearest first.
    pub(crate) fn nearest(
        &self,
        bank: &Features,
        queries: &Features,
    ) -> Result<Vec<Vec<(f32, usize)>>, MetricError> {
        bank.at_least(1)?;
        bank.same_width(queries)?;
        if self.k == 0 {
            return Err(MetricError::Setting { key: "k", range: "1 or more" });
        }
        let (bank, queries) = (bank.normalized(), queries.normalized());
        let (dim, rows) = (bank.dim(), bank.rows());
        let columns = MatRef::from_row_major_slice(bank.as_slice(), rows, dim).transpose();
        let blocks = queries.as_slice().par_chunks(BLOCK * dim).map(|block| {
            let count = block.len() / dim;
            let mut cosines = vec![0.0_f32; count * rows];
            let out = MatMut::from_row_major_slice_mut(&mut cosines, count, rows);
            let block = MatRef::from_row_major_slice(block, count, dim);
            matmul(out, Accum::Replace, block, columns, 1.0, Par::Seq);
            cosines.chunks(rows).map(|row| largest(row, self.k)).collect::<Vec<_>>()
        });
        Ok(blocks.flatten_iter().collect())
    }
}

/// The `k` largest numbers with their places, largest first.
fn largest(row: &[f32], k: usize) -> Vec<(f32, usize)> {
    let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let mut all: Vec<(f32, usize)> = row.iter().copied().zip(0..).collect();
    if k < all.len() {
        all.select_nth_unstable_by(k, order);
        all.truncate(k);
    }
    all.sort_unstable_by(order);
    all
}

/// The place of the largest number, the first of equals.
pub(crate) fn best(scores: &[f64]) -> usize {
    let ahead = |best: usize, place: usize| if scores[place] > scores[best] { place } else { best };
    (1..scores.len()).fold(0, ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_neighbors_outvote_many_far_ones() {
        let bank = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.0, 2.0]).unwrap();
        let query = Features::new(2, vec![1.0, 0.5]).unwrap();
        let vote = |temperature| Knn { k: 9, temperature }.predict(&bank, &[0, 1, 1], &query, 2);
        assert_eq!(vote(0.1).unwrap(), [0]);
        assert_eq!(vote(10.0).unwrap(), [1]);
        assert_eq!(vote(1e-6).unwrap(), [0], "no overflow");
    }

    #[test]
    fn ties_go_to_the_earlier_row() {
        let bank = Features::new(1, vec![2.0, 1.0, 3.0]).unwrap();
        let near = Knn { k: 2, ..Knn::default() }.neighbors(&bank, &bank).unwrap();
        assert_eq!(near, [[0, 1]; 3]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let bank = Features::new(1, vec![1.0]).unwrap();
        let wide = Features::new(2, vec![1.0, 1.0]).unwrap();
        let knn = Knn::default();
        assert_eq!(knn.neighbors(&bank, &wide), Err(MetricError::Width { first: 1, second: 2 }));
        assert!(matches!(knn.predict(&bank, &[3], &bank, 2), Err(MetricError::Label { .. })));
        assert!(matches!(knn.predict(&bank, &[], &bank, 2), Err(MetricError::LabelCount { .. })));
        assert!(Knn { k: 0, ..knn }.neighbors(&bank, &bank).is_err());
    }
}
