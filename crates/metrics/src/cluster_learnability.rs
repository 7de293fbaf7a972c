//! Cluster learnability: how soon a nearest neighbor predicts which cluster a sample is in.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::k_means::k_means;
use crate::squared_distance::squared_distance;
use crate::{Features, MetricError};

/// Returns the share of samples whose cluster is that of the nearest sample seen before: 0 to 1,
/// higher is better.
///
/// Normalized rows are clustered by k-means into `clusters`, and then come one after the other in an
/// order drawn by `seed`; each is predicted by its nearest neighbor among those before it. The first
/// is not counted; of equally near ones the earlier decides. The same seed gives the same figure.
/// A figure near 1 with few clusters may come from features that hold little, such as collapsed ones:
/// [`clid`](crate::clid) multiplies it by the intrinsic dimension.
///
/// Scale changes nothing. Time grows with the square of the rows.
///
/// # Errors
/// If there are fewer than two rows, or `clusters` is not 1 to the number of rows.
///
/// # Source
/// Lu et al., 2022, [arXiv:2206.01251](https://arxiv.org/abs/2206.01251), section 3.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, cluster_learnability};
///
/// // Ten samples on either axis: once both clusters have been seen, every sample is predicted.
/// let data = (1..11_u8).flat_map(|i| [f32::from(i), 0.0, 0.0, f32::from(i)]).collect();
/// let found = cluster_learnability(&Features::new(2, data)?, 2, 0)?;
/// assert!((found - 18.0 / 19.0).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn cluster_learnability(
    features: &Features,
    clusters: usize,
    seed: u64,
) -> Result<f64, MetricError> {
    features.at_least(2)?;
    if clusters == 0 || clusters > features.rows() {
        return Err(MetricError::Setting { key: "clusters", range: "1 to the number of rows" });
    }
    let rows = features.normalized();
    let labels = k_means(&rows, clusters, seed);
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(1); // k-means draws from stream 0
    let mut order: Vec<usize> = (0..rows.rows()).collect();
    order.shuffle(&mut generator);
    let is_predicted = |position: usize| {
        let query = rows.row(order[position]);
        let mut best = (order[0], f64::INFINITY);
        for &row in &order[..position] {
            let distance = squared_distance(query, rows.row(row));
            if distance < best.1 {
                best = (row, distance);
            }
        }
        labels[best.0] == labels[order[position]]
    };
    let predicted = (1..order.len()).into_par_iter().filter(|&position| is_predicted(position));
    Ok(predicted.count() as f64 / (order.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cluster_is_learned_at_once_and_a_cluster_each_never() {
        let data: Vec<f32> = (0..40_u16).map(|i| f32::from(i * 7 % 23) - 11.5).collect();
        let features = Features::new(2, data).unwrap();
        assert!((cluster_learnability(&features, 1, 3).unwrap() - 1.0).abs() < 1e-12);
        assert!(cluster_learnability(&features, 20, 3).unwrap() < 0.2);
        let scaled = features.as_slice().iter().map(|x| x * 1024.0).collect();
        let scaled = Features::new(2, scaled).unwrap();
        let of = |features| cluster_learnability(features, 5, 3).unwrap();
        assert!((of(&scaled) - of(&features)).abs() < 1e-12);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let features = Features::new(1, vec![1.0, 2.0]).unwrap();
        assert!(cluster_learnability(&features, 0, 0).is_err());
        assert!(cluster_learnability(&features, 3, 0).is_err());
        let one = Features::new(1, vec![1.0]).unwrap();
        let rows = MetricError::Rows { rows: 1, least: 2 };
        assert_eq!(cluster_learnability(&one, 1, 0), Err(rows));
        let zeros = Features::new(2, vec![0.0; 8]).unwrap();
        assert!(cluster_learnability(&zeros, 2, 0).is_ok());
    }
}
