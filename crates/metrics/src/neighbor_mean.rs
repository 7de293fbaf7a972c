//! Features averaged over their nearest neighbors.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Distance, Features, MetricError, NearestNeighbors};

/// Replaces each row by the mean of its nearest rows among images that need no labels.
///
/// With few labels a linear layer on such means learns from the unlabeled images, too: what tells an
/// image from its neighbors, which mostly are of its class, is averaged out. A row that is itself
/// among those rows counts as its own neighbor, unless others are nearer by [`Dot`](Distance::Dot).
/// Before the search the mean of those rows is subtracted, since a direction that all features share
/// would hide how they differ.
///
/// # Source
/// One step over the graph of neighbors, of Wu et al., 2019, *Simplifying Graph Convolutional Networks*,
/// [arXiv:1902.07153](https://arxiv.org/abs/1902.07153).
/// Deviation: all neighbors weigh the same, whatever the number of theirs.
///
/// # Example
/// A linear probe with one label of each class. Its rows and those of the test become means over the
/// same unlabeled rows.
/// ```
/// use selfsame_metrics::{Distance, Features, LabeledFeatures, LinearProbe, NeighborMean};
///
/// let unlabeled = Features::new(1, vec![-3.0, -2.5, -2.0, 2.0, 2.5, 4.0])?;
/// let test = Features::new(1, vec![-1.0, 1.5])?;
/// let means = NeighborMean { k: 3, distance: Distance::L2 };
/// let labeled = means.of(&unlabeled.select(&[0, 5]), &unlabeled)?;
/// let probe = LinearProbe::few_labels().fit(LabeledFeatures::new(&labeled, &[0, 1])?, 2)?;
/// assert_eq!(probe.predict(&means.of(&test, &unlabeled)?)?, [0, 1]);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeighborMean {
    /// Number of neighbors, 1 or more; all rows if there are fewer. Default 20, as for
    /// [`Knn`](crate::Knn); on features of CIFAR-10, 10 to 50 were equally good.
    pub k: usize,
    /// Which rows are near; cosine by default.
    pub distance: Distance,
}

impl Default for NeighborMean {
    fn default() -> Self {
        Self { k: 20, distance: Distance::Cosine }
    }
}

impl NeighborMean {
    /// Returns for each query the mean of its nearest rows of `unlabeled`, in double precision.
    ///
    /// # Errors
    /// If the widths differ, `unlabeled` is empty or `k` is 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Distance, Features, NeighborMean};
    ///
    /// let unlabeled = Features::new(1, vec![0.0, 1.0, 9.0])?;
    /// let queries = Features::new(1, vec![1.0, 6.0])?;
    /// let means = NeighborMean { k: 2, distance: Distance::L2 }.of(&queries, &unlabeled)?;
    /// assert_eq!(means.as_slice(), [0.5, 5.0]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn of(&self, queries: &Features, unlabeled: &Features) -> Result<Features, MetricError> {
        unlabeled.at_least(1)?;
        unlabeled.same_width(queries)?;
        let all = mean((0..unlabeled.rows()).map(|row| unlabeled.row(row)), unlabeled.dim());
        let rows = halved_offsets(unlabeled, &all)?;
        let search = NearestNeighbors::new(&rows, self.distance)?;
        let found = search.search(&halved_offsets(queries, &all)?, self.k)?;
        let mean_of = |query| {
            let near = found.indices(query).iter().map(|row| unlabeled.row(*row as usize));
            mean(near, unlabeled.dim())
        };
        let data = (0..found.queries()).into_par_iter().flat_map_iter(mean_of);
        #[allow(clippy::cast_possible_truncation, reason = "a mean of single precision values")]
        Features::new(unlabeled.dim(), data.map(|x| x as f32).collect())
    }
}

fn mean<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>, dim: usize) -> Vec<f64> {
    let (count, mut sum) = (rows.len() as f64, vec![0.0; dim]);
    rows.for_each(|row| sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x)));
    sum.into_iter().map(|sum| sum / count).collect()
}

/// Returns the rows less `mean`, halved so that none leaves the range of `f32`. The order of
/// neighbors is the same at any scale.
fn halved_offsets(rows: &Features, mean: &[f64]) -> Result<Features, MetricError> {
    let pairs = rows.as_slice().chunks(rows.dim()).flat_map(|row| row.iter().zip(mean));
    #[allow(clippy::cast_possible_truncation, reason = "half the distance of two finite values")]
    Features::new(
        rows.dim(),
        pairs.map(|(x, mean)| ((f64::from(*x) - mean) / 2.0) as f32).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabeledFeatures, LinearProbe};

    #[test]
    fn a_row_among_the_unlabeled_is_its_own_neighbor() {
        let rows = Features::new(2, vec![1.0, 0.0, 0.9, 0.3, 0.0, 2.0, -1.0, 0.0]).unwrap();
        let alone = NeighborMean { k: 1, ..NeighborMean::default() };
        assert_eq!(alone.of(&rows, &rows).unwrap(), rows);
        let pair = NeighborMean { k: 2, ..NeighborMean::default() }.of(&rows, &rows).unwrap();
        assert_eq!(pair.row(0), [0.95, 0.15]);
        assert_eq!(pair.row(1), [0.95, 0.15]);
    }

    #[test]
    fn with_all_rows_as_neighbors_it_is_the_mean_even_of_huge_and_of_zero_rows() {
        let rows = Features::new(2, vec![3e38, 0.0, 3e38, 3.0, 0.0, 0.0]).unwrap();
        let queries = Features::new(2, vec![0.0, 0.0, 1.0, 1.0]).unwrap();
        let means = NeighborMean::default().of(&queries, &rows).unwrap();
        for query in 0..2 {
            let [first, second] = [means.row(query)[0], means.row(query)[1]];
            assert!((first / 2e38 - 1.0).abs() < 1e-6 && (second - 1.0).abs() < 1e-6);
        }
        let one = rows.select(&[1]);
        assert_eq!(NeighborMean::default().of(&queries, &one).unwrap(), rows.select(&[1, 1]));
    }

    #[test]
    fn a_probe_of_few_labels_is_better_where_neighbors_tell_classes_apart() {
        let mut seed = 1_u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [high, low, ..] = seed.to_be_bytes();
            f32::from(u16::from_be_bytes([high, low])) / 65_535.0 - 0.5
        };
        // Two classes apart in one of 40 dimensions, noise in all, and a shift that all rows share.
        let class = |row: usize, dim: usize| if dim == 0 && row % 2 == 1 { 2.0 } else { 0.0 };
        let value = |at: usize| 3.0 + class(at / 40, at % 40) + noise();
        let rows = Features::new(40, (0..400 * 40).map(value).collect()).unwrap();
        let labels: Vec<usize> = (0..400).map(|row| row % 2).collect();
        let accuracy = |rows: &Features| {
            let sample = rows.select(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
            let sample = LabeledFeatures::new(&sample, &labels[..10]).unwrap();
            let probe = LinearProbe::few_labels().fit(sample, 2).unwrap();
            probe.accuracy(LabeledFeatures::new(rows, &labels).unwrap()).unwrap()
        };
        let means = NeighborMean::default().of(&rows, &rows).unwrap();
        let (plain, averaged) = (accuracy(&rows), accuracy(&means));
        assert!(averaged > plain + 0.02, "{averaged} and {plain}");
    }

    #[test]
    fn what_all_rows_share_changes_no_neighbor() {
        let rows = Features::new(2, vec![1.0, 0.0, 0.9, 0.5, -1.0, 0.0, -0.9, -0.5]).unwrap();
        let moved = rows.as_slice().iter().map(|x| x + 64.0).collect();
        let moved = Features::new(2, moved).unwrap();
        let pair = NeighborMean { k: 2, ..NeighborMean::default() };
        let (here, there) = (pair.of(&rows, &rows).unwrap(), pair.of(&moved, &moved).unwrap());
        for (here, there) in here.as_slice().iter().zip(there.as_slice()) {
            assert!((here + 64.0 - there).abs() < 1e-4);
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let rows = Features::new(2, vec![1.0, 0.0]).unwrap();
        let none = Features::new(2, vec![]).unwrap();
        let narrow = Features::new(1, vec![1.0]).unwrap();
        assert!(NeighborMean::default().of(&rows, &none).is_err());
        assert!(NeighborMean::default().of(&narrow, &rows).is_err());
        assert!(NeighborMean { k: 0, ..NeighborMean::default() }.of(&rows, &rows).is_err());
        assert_eq!(NeighborMean::default().of(&none, &rows).unwrap().rows(), 0);
    }
}
