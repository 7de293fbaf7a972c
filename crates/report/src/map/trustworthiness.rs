//! How far the neighbors in a map are those of the features.

use faer::Mat;
use rayon::prelude::*;
use selfsame_metrics::{Features, MetricError};

/// Rows whose distances are held at once by a thread.
const BLOCK: usize = 128;

/// Returns how far rows that are neighbors in `low` are neighbors in `high`: 0 to 1, higher is
/// better.
///
/// ```text
/// 1 − 2 / (n k (2n − 3k − 1)) Σᵢ Σⱼ max(0, rank(i, j) − k)      j: the k nearest rows of i in low
/// ```
/// `rank(i, j)` counts from 1 and is that of `j` among the rows nearest to `i` in `high`, by L2
/// distance; the earlier of equally distant rows is nearer. A random map has about 0.5.
///
/// # Errors
/// If the sets differ in their number of rows, or `k` is 0 or not below half of it.
///
/// # Source
/// Venna & Kaski, 2001, "Neighborhood preservation in nonlinear projection methods", eq. 2; equal
/// to `sklearn.manifold.trustworthiness`.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
/// use selfsame_report::trustworthiness;
///
/// // The map shows rows 0 and 3 as neighbors, which are the farthest of all.
/// let high = Features::new(1, vec![0.0, 1.5, 2.0, 3.5])?;
/// let low = Features::new(1, vec![0.0, 5.0, 8.0, 1.0])?;
/// assert_eq!(trustworthiness(&high, &high, 1)?, 1.0);
/// assert_eq!(trustworthiness(&high, &low, 1)?, 0.5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn trustworthiness(high: &Features, low: &Features, k: usize) -> Result<f64, MetricError> {
    let [share, _] = shares(high, low, k, |row, high, low| [intruders(row, high, low, k), 0])?;
    Ok(share)
}

/// Returns how far rows that are neighbors in `high` stay neighbors in `low`: 0 to 1, higher is
/// better.
///
/// It is the [`trustworthiness`] with both sets exchanged: that one falls if the map shows wrong
/// neighbors, this one if it tears true ones apart.
///
/// # Errors
/// As [`trustworthiness`].
///
/// # Source
/// Venna & Kaski, 2001, "Neighborhood preservation in nonlinear projection methods", eq. 4.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
/// use selfsame_report::{continuity, trustworthiness};
///
/// let high = Features::new(1, vec![0.0, 1.5, 2.0, 3.5])?;
/// let low = Features::new(1, vec![0.0, 5.0, 8.0, 1.0])?;
/// assert_eq!(continuity(&high, &low, 1)?, trustworthiness(&low, &high, 1)?);
/// assert!(continuity(&high, &low, 1)? < 1.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn continuity(high: &Features, low: &Features, k: usize) -> Result<f64, MetricError> {
    trustworthiness(low, high, k)
}

/// Returns [`trustworthiness`] and [`continuity`], which take as long as one of them.
pub(super) fn both(high: &Features, low: &Features, k: usize) -> Result<[f64; 2], MetricError> {
    shares(high, low, k, |row, high, low| {
        [intruders(row, high, low, k), intruders(row, low, high, k)]
    })
}

/// Sums two penalties of each row, given its distances to all rows, and scales them to 0 to 1.
fn shares(
    high: &Features,
    low: &Features,
    k: usize,
    penalties: impl Fn(usize, &[f64], &[f64]) -> [usize; 2] + Sync,
) -> Result<[f64; 2], MetricError> {
    let rows = high.rows();
    if rows != low.rows() {
        return Err(MetricError::Pairs { first: rows, second: low.rows() });
    }
    if rows < 3 {
        return Err(MetricError::Rows { rows, least: 3 });
    }
    if k == 0 || 2 * k >= rows {
        return Err(MetricError::Setting { key: "k", range: "1 or more, below half of the rows" });
    }
    let (high, low) = (Distances::new(high), Distances::new(low));
    let blocks: Vec<usize> = (0..rows).step_by(BLOCK).collect();
    let add = |a: [usize; 2], b: [usize; 2]| [a[0] + b[0], a[1] + b[1]];
    let block = |first: usize| {
        let count = BLOCK.min(rows - first);
        let (high, low) = (high.block(first, count), low.block(first, count));
        let pairs = (first..first + count).zip(high.chunks(rows).zip(low.chunks(rows)));
        pairs.map(|(row, (high, low))| penalties(row, high, low)).fold([0; 2], add)
    };
    // Whole numbers, so that the sums do not depend on the threads.
    let sums = blocks.into_par_iter().map(block).reduce(|| [0; 2], add);
    let (rows, k) = (rows as f64, k as f64);
    Ok(sums.map(|sum| 1.0 - sum as f64 * 2.0 / (rows * k * (2.0 * rows - 3.0 * k - 1.0))))
}

/// Sums `max(0, rank − k)` over the `k` rows nearest to `row` by `low`, ranked by `high`.
fn intruders(row: usize, high: &[f64], low: &[f64], k: usize) -> usize {
    let mut nearest: Vec<usize> = (0..low.len()).filter(|&other| other != row).collect();
    nearest.select_nth_unstable_by(k - 1, |&a, &b| low[a].total_cmp(&low[b]).then(a.cmp(&b)));
    let rank = |other: usize| {
        let distance = high[other];
        let nearer = high.iter().enumerate().filter(|(index, d)| {
            *index != row && d.total_cmp(&distance).then(index.cmp(&other)).is_lt()
        });
        1 + nearer.count()
    };
    nearest[..k].iter().map(|&other| rank(other).saturating_sub(k)).sum()
}

/// Squared L2 distances of rows, block by block.
struct Distances {
    rows: Mat<f64>,
    squares: Vec<f64>,
}

impl Distances {
    fn new(features: &Features) -> Self {
        let rows = Mat::from_fn(features.rows(), features.dim(), |row, column| {
            f64::from(features.row(row)[column])
        });
        let squares = rows.row_iter().map(|row| row.squared_norm_l2()).collect();
        Self { rows, squares }
    }

    /// Distances of `count` rows from `first` on to all rows, row by row.
    fn block(&self, first: usize, count: usize) -> Vec<f64> {
        let own = self.rows.subrows(first, count);
        // One column for each of the block's rows, which lies in one piece.
        let products = &self.rows * own.transpose();
        let column = |index: usize| {
            let own = self.squares[first + index];
            let products = products.col(index);
            let pairs = products.iter().zip(&self.squares);
            pairs
                .map(|(product, square)| (own + square - 2.0 * product).max(0.0))
                .collect::<Vec<_>>()
        };
        (0..count).flat_map(column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, by sorting all rows for each row.
    fn naive(high: &Features, low: &Features, k: usize) -> f64 {
        let rows = high.rows();
        let order = |features: &Features, row: usize| {
            let distance = |&other: &usize| -> f64 {
                let pairs = features.row(row).iter().zip(features.row(other));
                pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
            };
            let mut others: Vec<usize> = (0..rows).filter(|&other| other != row).collect();
            others.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
            others
        };
        let mut penalty = 0.0;
        for row in 0..rows {
            let (high, low) = (order(high, row), order(low, row));
            for other in &low[..k] {
                let rank = 1 + high.iter().position(|x| x == other).unwrap();
                penalty += rank.saturating_sub(k) as f64;
            }
        }
        let (rows, k) = (rows as f64, k as f64);
        1.0 - penalty * 2.0 / (rows * k * (2.0 * rows - 3.0 * k - 1.0))
    }

    /// Values without order, the same each time.
    fn scattered(rows: usize, dim: usize, seed: f32) -> Features {
        let value = |n: usize| ((n as f32 * 12.9898 + seed).sin() * 437.585).fract();
        Features::new(dim, (0..rows * dim).map(value).collect()).unwrap()
    }

    #[test]
    fn equals_the_definition_across_blocks() {
        for (rows, k) in [(3, 1), (11, 5), (40, 7), (300, 12)] {
            let (high, low) = (scattered(rows, 5, 0.3), scattered(rows, 2, 0.7));
            let (found, expected) =
                (trustworthiness(&high, &low, k).unwrap(), naive(&high, &low, k));
            assert!((found - expected).abs() < 1e-12, "{rows} {k}: {found} {expected}");
        }
    }

    #[test]
    fn sets_and_k_that_do_not_fit_are_errors() {
        let (four, five) = (scattered(4, 1, 0.0), scattered(5, 1, 0.0));
        assert!(matches!(trustworthiness(&four, &five, 1), Err(MetricError::Pairs { .. })));
        assert!(matches!(trustworthiness(&four, &four, 0), Err(MetricError::Setting { .. })));
        assert!(matches!(trustworthiness(&four, &four, 2), Err(MetricError::Setting { .. })));
        assert!(trustworthiness(&five, &five, 2).is_ok());
        let two = scattered(2, 1, 0.0);
        assert!(matches!(trustworthiness(&two, &two, 1), Err(MetricError::Rows { .. })));
    }
}
