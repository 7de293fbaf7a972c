use super::*;
use crate::{alpha_req, clid, nesum};
use rand::RngExt;

/// Rows of independent values in −1..1.
fn noise(rows: usize, dim: usize, seed: u64) -> Features {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..rows * dim).map(|_| generator.random_range(-1.0_f32..1.0)).collect();
    Features::new(dim, data).unwrap()
}

fn of(features: &Features) -> Health {
    Health::of(features, &[], &HealthConfig::default()).unwrap()
}

#[test]
fn figures_are_those_of_their_functions() {
    let features = noise(300, 24, 1);
    let views = [noise(50, 24, 2), noise(50, 24, 3), noise(50, 24, 4)];
    let config = HealthConfig { clusters: Some(9), seed: 4, ..HealthConfig::default() };
    let health = Health::of(&features, &views, &config).unwrap();
    let some = |value: f64| Some(value);
    assert_eq!((health.rows, health.dim), (300, 24));
    assert_eq!(health.embedding_std, some(std_of_l2_normalized(&features)));
    assert_eq!(health.uniformity, uniformity(&features, 2.0).ok());
    assert_eq!(health.rankme, rankme(&features).ok());
    assert_eq!(health.nesum, nesum(&features).ok());
    assert_eq!(health.alpha_req, alpha_req(&features, 11..=100).ok());
    assert_eq!(health.clid, clid(&features, 9, 4).ok());
    assert_eq!(health.lidar, lidar(&views, 1e-4).ok());
    let pairs =
        [(0, 1), (0, 2), (1, 2)].map(|(a, b)| alignment(&views[a], &views[b], 2.0).unwrap());
    let mean = pairs.iter().sum::<f64>() / 3.0;
    assert!((health.alignment.unwrap() - mean).abs() < 1e-12);
    assert!(health.dead_units.is_empty() && health.spectrum.len() == 24);
    assert!(matches!(health.verdict, Verdict::Healthy { .. }), "{}", health.words);
}

#[test]
fn pairs_are_computed_on_some_rows_and_the_seed_chooses_them() {
    let features = noise(500, 4, 1);
    let with = |pair_rows, seed| {
        let config = HealthConfig { pair_rows, seed, ..HealthConfig::default() };
        Health::of(&features, &[], &config).unwrap()
    };
    assert_eq!(with(100, 1), with(100, 1));
    assert_ne!(with(100, 1).uniformity, with(100, 2).uniformity);
    assert_eq!(with(100, 1).rankme, with(500, 1).rankme);
    assert_eq!(with(500, 1).uniformity, uniformity(&features, 2.0).ok());
}

#[test]
fn a_constant_has_collapsed_and_its_figures_are_none() {
    for data in [[0.1, 0.7].repeat(20), vec![0.0; 40]] {
        let health = of(&Features::new(2, data).unwrap());
        assert!(matches!(health.verdict, Verdict::Collapsed { .. }));
        assert_eq!((health.nesum, health.alpha_req, health.clid), (None, None, None));
        assert_eq!((health.dead_units, health.spectrum), (vec![0, 1], vec![0.0, 0.0]));
    }
}

#[test]
fn one_direction_of_both_signs_has_partly_collapsed() {
    let line = noise(200, 1, 1);
    let rows = line.as_slice().iter().flat_map(|x| [1.0, -2.0, 0.5].map(|w| w * x)).collect();
    let health = of(&Features::new(3, rows).unwrap());
    assert!(matches!(health.verdict, Verdict::PartlyCollapsed { .. }), "{}", health.words);
    assert!(health.embedding_std.unwrap() > 0.8 * health.uniform_std, "the std does not show it");
}

#[test]
fn units_that_do_not_vary_are_named() {
    let rows = noise(200, 6, 1);
    let data = rows.as_slice().chunks(6).flat_map(|row| {
        let mut row = row.to_vec();
        (row[1], row[4]) = (0.0, 3e-5);
        row
    });
    let health = of(&Features::new(6, data.collect()).unwrap());
    assert_eq!(health.verdict, Verdict::DeadUnits { dead: 2, units: 6 });
    assert_eq!(health.dead_units, [1, 4]);
}

#[test]
fn huge_and_tiny_norms_have_the_verdict_of_their_directions() {
    let rows = noise(100, 5, 1);
    for scale in [1e-36_f32, 1e36] {
        let data = rows.as_slice().iter().map(|x| x * scale).collect();
        let (found, want) = (of(&Features::new(5, data).unwrap()), of(&rows));
        let near = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-4;
        assert!(near(found.rankme, want.rankme) && near(found.nesum, want.nesum));
        assert!(near(found.alpha_req, want.alpha_req) && near(found.clid, want.clid));
        assert!(matches!(found.verdict, Verdict::Healthy { .. }));
    }
}

#[test]
fn it_is_read_back_from_json() {
    let health = of(&noise(50, 3, 1));
    let json = serde_json::to_string(&health).unwrap();
    assert!(json.contains(r#""verdict":{"kind":"healthy""#), "{json}");
    assert_eq!(serde_json::from_str::<Health>(&json).unwrap(), health);
    let broken = Health::of_values(1, vec![0.0, f32::INFINITY], &HealthConfig::default()).unwrap();
    let json = serde_json::to_string(&broken).unwrap();
    assert_eq!(serde_json::from_str::<Health>(&json).unwrap(), broken);
    assert!(broken.words.starts_with("not finite: row 1 "));
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let config = HealthConfig::default();
    let with = |features: &Features, views: &[Features]| Health::of(features, views, &config);
    let (one, two) = (noise(1, 2, 0), noise(2, 2, 0));
    let rows = MetricError::Rows { rows: 1, least: 2 };
    assert_eq!(with(&one, &[]), Err(rows));
    assert_eq!(with(&noise(0, 2, 0), &[]), Err(MetricError::Rows { rows: 0, least: 2 }));
    assert!(with(&two, &[]).is_ok());
    assert!(with(&two, std::slice::from_ref(&two)).is_err(), "one view");
    let pairs = MetricError::Pairs { first: 2, second: 1 };
    assert_eq!(with(&two, &[two.clone(), one]), Err(pairs));
    let few = HealthConfig { pair_rows: 1, ..config };
    assert!(Health::of(&two, &[], &few).is_err());
    let none = HealthConfig { clusters: Some(0), ..config };
    assert!(Health::of(&two, &[], &none).is_err());
    assert!(Health::of_values(0, vec![], &config).is_err());
    assert!(serde_json::from_str::<HealthConfig>(r#"{"rows": 3}"#).is_err());
}
