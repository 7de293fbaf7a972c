//! What changes nothing: order of rows, scale, rotation and shift of features, and threads.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use selfsame_metrics::{
    Features, Health, HealthConfig, alpha_req, cluster_learnability, covariance_spectrum,
    dead_units, intrinsic_dimension, nesum, rankme, std_of_l2_normalized, uniformity,
};

/// A figure of features, and which changes it ignores.
struct Law {
    name: &'static str,
    figure: fn(&Features) -> f64,
    order: bool,
    scale: bool,
    rotation: bool,
    shift: bool,
}

const LAWS: [Law; 9] = [
    Law {
        name: "std",
        figure: std_of_l2_normalized,
        order: true,
        scale: true,
        rotation: false,
        shift: false,
    },
    Law {
        name: "uniformity",
        figure: |z| uniformity(z, 2.0).unwrap(),
        order: true,
        scale: true,
        rotation: true,
        shift: false,
    },
    Law {
        name: "rankme",
        figure: |z| rankme(z).unwrap(),
        order: true,
        scale: true,
        rotation: true,
        shift: false,
    },
    Law {
        name: "nesum",
        figure: |z| nesum(z).unwrap(),
        order: true,
        scale: true,
        rotation: true,
        shift: true,
    },
    Law {
        name: "alpha-ReQ",
        figure: |z| alpha_req(z, 1..=9).unwrap(),
        order: true,
        scale: true,
        rotation: true,
        shift: true,
    },
    Law {
        name: "spectrum",
        figure: |z| covariance_spectrum(z).unwrap()[1],
        order: true,
        scale: false,
        rotation: true,
        shift: true,
    },
    Law {
        name: "dimension",
        figure: |z| intrinsic_dimension(z).unwrap(),
        order: true,
        scale: true,
        rotation: true,
        shift: true,
    },
    Law {
        name: "dead units",
        figure: |z| dead_units(z, 0.1).unwrap().len() as f64,
        order: true,
        scale: true,
        rotation: false,
        shift: true,
    },
    Law {
        name: "clusters",
        figure: |z| cluster_learnability(z, 4, 1).unwrap(),
        order: false,
        scale: true,
        rotation: false,
        shift: false,
    },
];

const DIM: usize = 3;

fn map(features: &Features, row: impl Fn(&[f32]) -> Vec<f32>) -> Features {
    let rows = features.as_slice().chunks(DIM).flat_map(row).collect();
    Features::new(DIM, rows).unwrap()
}

proptest! {
    #[test]
    fn figures_ignore_what_they_say_they_ignore(
        data in proptest::collection::vec(-1.0_f32..1.0, 12 * DIM..40 * DIM), angle in 0.1_f32..3.0
    ) {
        let rows = data.len() / DIM;
        let features = Features::new(DIM, data[..rows * DIM].to_vec()).unwrap();
        let (sin, cos) = angle.sin_cos();
        let order = features.select(&(0..rows).rev().collect::<Vec<_>>());
        let scale = map(&features, |r| r.iter().map(|x| x * 64.0).collect());
        let rotation =
            map(&features, |r| vec![cos * r[0] - sin * r[2], r[1], sin * r[0] + cos * r[2]]);
        let shift = map(&features, |r| vec![r[0] + 1.0, r[1] - 2.0, r[2] + 0.5]);
        for law in LAWS {
            let want = (law.figure)(&features);
            let changes = [
                ("order", law.order, &order),
                ("scale", law.scale, &scale),
                ("rotation", law.rotation, &rotation),
                ("shift", law.shift, &shift),
            ];
            for (change, _, changed) in changes.iter().filter(|change| change.1) {
                let found = (law.figure)(changed);
                // Rotation and shift round every value to f32.
                let close = (found - want).abs() <= 2e-4 * want.abs().max(1.0);
                prop_assert!(close, "{} changes with {}: {} to {}", law.name, change, want, found);
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let data: Vec<f32> = (0..700 * 40_u32).map(|i| (i as f32 * 0.618_034).fract() - 0.4).collect();
    let features = Features::new(40, data).unwrap();
    let views = [features.clone(), features.normalized()];
    let health = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let of = || Health::of(&features, &views, &HealthConfig::default()).unwrap();
        serde_json::to_string(&pool.install(of)).unwrap()
    };
    assert_eq!(health(1), health(3));
}
