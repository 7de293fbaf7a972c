//! Approximate search beside exact search.
#![cfg(feature = "hnsw")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use selfsame_index::{Hit, HnswConfig, Index, Item};
use selfsame_metrics::{Distance, Features};

/// Rows around 20 centers, as an encoder's are around its classes; the two sets share the centers.
fn rows(count: usize, seed: u64) -> Features {
    let mut centers = ChaCha8Rng::seed_from_u64(0);
    let centers: Vec<f32> = (0..20 * 24).map(|_| centers.random_range(-1.0..1.0)).collect();
    let mut noise = ChaCha8Rng::seed_from_u64(seed);
    let row = |row: usize| {
        let center = &centers[row % 20 * 24..][..24];
        center.iter().map(|&value| value + noise.random_range(-0.5..0.5)).collect::<Vec<f32>>()
    };
    Features::new(24, (0..count).flat_map(row).collect()).unwrap()
}

fn positions(hits: &[Hit]) -> Vec<usize> {
    hits.iter().map(|hit| hit.position).collect()
}

fn recall(found: &[Vec<Hit>], exact: &[Vec<Hit>]) -> f64 {
    let shared = |(found, exact): (&Vec<Hit>, &Vec<Hit>)| {
        let positions = positions(found);
        exact.iter().filter(|hit| positions.contains(&hit.position)).count() as f64
            / exact.len() as f64
    };
    found.iter().zip(exact).map(shared).sum::<f64>() / found.len() as f64
}

#[test]
fn nearly_all_of_the_ten_nearest_are_found_by_every_distance_and_always_the_same() {
    let queries = rows(100, 2);
    for distance in Distance::ALL {
        let items = vec![Item::default(); 1000];
        let index = Index::from_features(rows(1000, 1), items, distance).unwrap();
        let searcher = index.approximate(&HnswConfig::default()).unwrap();
        let found = searcher.search_all(&queries, 10).unwrap();
        let exact = index.search_all(&queries, 10).unwrap();
        let recall = recall(&found, &exact);
        assert!(recall >= 0.95, "{distance:?}: {recall}");
        if distance == Distance::Cosine {
            let again = index.approximate(&HnswConfig::default()).unwrap();
            assert_eq!(again.search_all(&queries, 10).unwrap(), found);
        }
    }
}

#[test]
fn few_equal_or_zero_rows_and_large_k_are_no_trouble() {
    for distance in Distance::ALL {
        let values = [vec![0.0; 2], vec![1.0, 2.0], vec![1.0, 2.0], vec![-3.0, 5.0]].concat();
        let features = Features::new(2, values).unwrap();
        let index = Index::from_features(features, vec![Item::default(); 4], distance).unwrap();
        let searcher = index.approximate(&HnswConfig::default()).unwrap();
        let query = [1.0, 3.0];
        let (found, exact) =
            (searcher.search(&query, 9).unwrap(), index.search(&query, 9).unwrap());
        assert_eq!(positions(&found), positions(&exact), "{distance:?}");
        for (found, exact) in found.iter().zip(&exact) {
            assert!((found.distance - exact.distance).abs() < 1e-6 * exact.distance.abs().max(1.0));
        }
        assert!(searcher.search(&query, 0).is_err());
        assert!(searcher.search(&[1.0], 1).is_err());
    }
    let config = HnswConfig { neighbors: 256, ..HnswConfig::default() };
    let index = Index::from_features(rows(3, 1), vec![Item::default(); 3], Distance::L2).unwrap();
    assert!(index.approximate(&config).is_err());
    let empty = Index::new(3, Distance::L2).unwrap();
    assert!(empty.approximate(&HnswConfig::default()).is_err());
}
