//! Maps beside scikit-learn's, and what holds for every map.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and reads small values"
)]

use proptest::prelude::*;
use selfsame_metrics::{Features, MetricError};
use selfsame_report::{MapConfig, MapMethod, continuity, trustworthiness};
use serde_json::Value;

const TSNE: MapMethod = MapMethod::Tsne { perplexity: 10.0 };
const UMAP: MapMethod = MapMethod::Umap { neighbors: 15, min_dist: 0.1 };
const METHODS: [MapMethod; 3] = [MapMethod::Pca, TSNE, UMAP];

fn config(method: MapMethod) -> MapConfig {
    MapConfig { method, ..MapConfig::default() }
}

fn values(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn features(dim: usize, list: &Value) -> Features {
    Features::new(dim, values(list).into_iter().map(|value| value as f32).collect()).unwrap()
}

/// Rows around centers, `(rows, centers)`, the same each time.
fn groups(rows: usize, centers: usize, dim: usize) -> Features {
    let noise = |n: usize| ((n as f32 * 12.9898).sin() * 43_758.547).fract();
    let value = |row: usize, column: usize| {
        4.0 * noise(row % centers * dim + column + 1_000_003) + noise(row * dim + column)
    };
    let data = (0..rows).flat_map(|row| (0..dim).map(move |column| value(row, column))).collect();
    Features::new(dim, data).unwrap()
}

#[test]
fn pca_and_trustworthiness_are_those_of_scikit_learn() {
    let file: Value = serde_json::from_str(include_str!("fixtures/maps.json")).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let dim = usize::try_from(case["dim"].as_u64().unwrap()).unwrap();
        let high = features(dim, &case["features"]);
        let map = MapConfig { normalize: false, ..config(MapMethod::Pca) }.map(&high).unwrap();
        let expected = values(&case["pca"]);
        for axis in 0..2 {
            // The sign of an axis is a convention.
            let ours = (0..high.rows()).map(|row| f64::from(map.points.row(row)[axis]));
            let theirs = expected.iter().skip(axis).step_by(2);
            let pairs: Vec<(f64, f64)> = ours.zip(theirs.copied()).collect();
            let sign = pairs.iter().map(|(a, b)| a * b).sum::<f64>().signum();
            let worst = pairs.iter().map(|(a, b)| (a - sign * b).abs()).fold(0.0, f64::max);
            assert!(worst < 2e-6, "axis {axis}: {worst}");
        }
        for (ours, theirs) in map.explained.unwrap().iter().zip(values(&case["explained"])) {
            assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
        }
        for measured in case["measured"].as_array().unwrap() {
            let k = usize::try_from(measured["k"].as_u64().unwrap()).unwrap();
            let low = features(2, &case[measured["low"].as_str().unwrap()]);
            let ours = [trustworthiness(&high, &low, k), continuity(&high, &low, k)];
            for (ours, name) in ours.into_iter().zip(["trustworthiness", "continuity"]) {
                let (ours, theirs) = (ours.unwrap(), measured[name].as_f64().unwrap());
                assert!((ours - theirs).abs() < 1e-12, "{name} at {k}: {ours} {theirs}");
            }
        }
    }
}

#[test]
fn groups_of_rows_become_groups_of_points() {
    let high = groups(200, 5, 24);
    for method in [TSNE, UMAP] {
        let map = config(method).map(&high).unwrap();
        let alone = [trustworthiness, continuity].map(|measure| {
            measure(&high.normalized(), &map.points, map.trusted_neighbors).unwrap()
        });
        for (found, alone) in [map.trustworthiness, map.continuity].into_iter().zip(alone) {
            assert!((found - alone).abs() < 1e-15, "{method:?}: {found} {alone}");
        }
        assert!(map.trustworthiness > 0.9, "{method:?}: {}", map.trustworthiness);
        for row in 0..200 {
            let point = map.points.row(row);
            let distance = |other: &usize| {
                let other = map.points.row(*other);
                (point[0] - other[0]).hypot(point[1] - other[1])
            };
            let others = (0..200).filter(|other| *other != row);
            let nearest = others.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap();
            assert_eq!(nearest % 5, row % 5, "{method:?}: row {row}");
        }
    }
}

#[test]
fn the_seed_decides_and_the_threads_do_not() {
    let high = groups(150, 3, 8);
    for method in [TSNE, UMAP] {
        let with_threads = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| MapConfig { seed, ..config(method) }.map(&high).unwrap())
        };
        let one = with_threads(1, 3);
        assert_eq!(one, with_threads(3, 3), "{method:?}");
        assert_ne!(one.points, with_threads(1, 4).points, "{method:?}");
    }
}

#[test]
fn equal_rows_few_rows_and_zeros_still_make_a_map() {
    let equal = Features::new(2, vec![1.5; 40]).unwrap();
    let zeros = Features::new(3, vec![0.0; 30]).unwrap();
    let three = Features::new(1, vec![1.0, -2.0, 3.0]).unwrap();
    let huge = Features::new(2, vec![3e38, -3e38, 1e38, 2e38, -1e38, 3e38, 0.0, 1.0]).unwrap();
    for method in METHODS {
        for high in [&equal, &zeros, &three, &huge] {
            let map = config(method).map(high).unwrap();
            assert_eq!(map.points.rows(), high.rows());
            assert!((0.0..=1.0).contains(&map.trustworthiness), "{map:?}");
        }
        // Without scaling, the distances of such values are beyond an f32: a map or an error.
        let map = MapConfig { normalize: false, ..config(method) }.map(&huge);
        assert!(matches!(map, Ok(_) | Err(MetricError::NotFinite { .. })), "{map:?}");
    }
}

#[test]
fn settings_out_of_range_and_too_few_rows_are_errors() {
    let high = groups(20, 2, 3);
    let methods = [
        MapMethod::Tsne { perplexity: 1.0 },
        MapMethod::Tsne { perplexity: f64::NAN },
        MapMethod::Umap { neighbors: 1, min_dist: 0.1 },
        MapMethod::Umap { neighbors: 5, min_dist: -0.1 },
        MapMethod::Umap { neighbors: 5, min_dist: f64::INFINITY },
    ];
    for method in methods {
        let error = config(method).map(&high).unwrap_err();
        assert!(matches!(error, MetricError::Setting { .. }), "{method:?}: {error}");
    }
    let none = MapConfig { trusted_neighbors: 0, ..MapConfig::default() };
    assert!(none.map(&high).unwrap_err().to_string().contains("trusted_neighbors"));
    let two = Features::new(1, vec![1.0, 2.0]).unwrap();
    for method in METHODS {
        let error = MetricError::Rows { rows: 2, least: 3 };
        assert_eq!(config(method).map(&two), Err(error));
    }
    let unknown = "{\"method\": \"pca\", \"sede\": 1}";
    assert!(serde_json::from_str::<MapConfig>(unknown).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rotating_the_features_changes_no_trustworthiness(
        data in prop::collection::vec(-10.0_f32..10.0, 60),
        angle in 0.0_f32..6.0,
    ) {
        let (sin, cos) = angle.sin_cos();
        let rotate = |pair: &[f32]| [cos * pair[0] - sin * pair[1], sin * pair[0] + cos * pair[1]];
        let turned: Vec<f32> = data.chunks(2).flat_map(rotate).collect();
        let (high, low) = (groups(30, 3, 5), Features::new(2, data).unwrap());
        let turned = Features::new(2, turned).unwrap();
        let [a, b] = [&low, &turned].map(|low| trustworthiness(&high, low, 4).unwrap());
        // Rounding may exchange two neighbors that are nearly equally far.
        prop_assert!((a - b).abs() < 0.01);
        prop_assert!((trustworthiness(&low, &low, 4).unwrap() - 1.0).abs() < 1e-12);
    }
}
