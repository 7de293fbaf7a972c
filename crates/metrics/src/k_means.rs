//! K-means: pseudo-labels for features without labels.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::Features;
use crate::squared_distance::squared_distance;

/// Rounds of assignment and update at most; few sets need half as many.
const ROUNDS: usize = 100;

/// Returns the cluster of every row: Lloyd's algorithm from a k-means++ start.
///
/// There are fewer than `clusters` clusters if there are fewer different rows. A row between two
/// centers belongs to the first. A cluster that loses all its rows keeps its center.
///
/// # Source
/// Arthur & Vassilvitskii, 2007, "k-means++: the advantages of careful seeding".
pub(crate) fn k_means(features: &Features, clusters: usize, seed: u64) -> Vec<usize> {
    let mut centers = start(features, clusters, seed);
    let mut labels = vec![usize::MAX; features.rows()];
    for _ in 0..ROUNDS {
        let row = |index| nearest(features.row(index), &centers).0;
        let assigned: Vec<usize> = (0..features.rows()).into_par_iter().map(row).collect();
        if assigned == labels {
            break;
        }
        labels = assigned;
        update(features, &labels, &mut centers);
    }
    labels
}

/// Draws centers from the rows, each with a probability proportional to its squared distance from
/// those drawn before.
fn start(features: &Features, clusters: usize, seed: u64) -> Vec<Vec<f32>> {
    let rows = features.rows();
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut centers = vec![features.row(generator.random_range(0..rows)).to_vec()];
    let mut apart = vec![f64::INFINITY; rows];
    while centers.len() < clusters {
        let newest = &centers[centers.len() - 1];
        apart.par_iter_mut().enumerate().for_each(|(index, apart)| {
            *apart = apart.min(squared_distance(features.row(index), newest));
        });
        let total: f64 = apart.iter().sum();
        if total <= 0.0 {
            break;
        }
        let mut left = generator.random_range(0.0..total);
        let drawn = apart.iter().position(|&distance| {
            left -= distance;
            left < 0.0
        });
        // Rounding may leave a rest after the last row.
        let farthest = |a: &usize, b: &usize| apart[*a].total_cmp(&apart[*b]);
        let drawn = drawn.or_else(|| (0..rows).max_by(farthest)).unwrap_or(0);
        centers.push(features.row(drawn).to_vec());
    }
    centers
}

/// Returns the nearest center and its squared distance.
fn nearest(row: &[f32], centers: &[Vec<f32>]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (index, center) in centers.iter().enumerate() {
        let distance = squared_distance(row, center);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best
}

/// Moves every center to the mean of its rows.
fn update(features: &Features, labels: &[usize], centers: &mut [Vec<f32>]) {
    let mut sums = vec![vec![0.0_f64; features.dim()]; centers.len()];
    let mut counts = vec![0_usize; centers.len()];
    for (index, &label) in labels.iter().enumerate() {
        counts[label] += 1;
        let row = features.row(index).iter();
        sums[label].iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    for ((center, sum), count) in centers.iter_mut().zip(sums).zip(counts) {
        if count > 0 {
            #[allow(clippy::cast_possible_truncation, reason = "a mean of f32 values")]
            center.iter_mut().zip(sum).for_each(|(x, sum)| *x = (sum / count as f64) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_groups_are_found_whatever_the_seed() {
        let data: Vec<f32> = (0..30_u8).map(|i| f32::from(i % 3) * 100.0 + f32::from(i)).collect();
        let features = Features::new(1, data).unwrap();
        for seed in 0..10 {
            let labels = k_means(&features, 3, seed);
            for i in 0..30 {
                for j in 0..30 {
                    assert_eq!(labels[i] == labels[j], i % 3 == j % 3, "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn duplicates_share_a_cluster_and_the_same_seed_gives_the_same() {
        let features = Features::new(1, vec![1.0, 1.0, 2.0, 2.0]).unwrap();
        let labels = k_means(&features, 4, 7);
        assert_eq!((labels[0], labels[2]), (labels[1], labels[3]));
        assert_ne!(labels[0], labels[2]);
        assert_eq!(labels, k_means(&features, 4, 7));
        assert_eq!(k_means(&Features::new(1, vec![5.0; 6]).unwrap(), 3, 0), [0; 6]);
    }
}
