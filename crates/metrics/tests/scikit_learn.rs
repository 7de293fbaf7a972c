//! Compares the linear probe, with `C = 1 / l2`, and the scores of a classification with
//! scikit-learn's, which `fixtures/scikit_learn.py` writes.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and reads small values"
)]

use selfsame_metrics::{FeatureScaling, Features, LabeledFeatures, LinearProbe, ProbeGrid};
use serde_json::Value;

fn floats(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn the_optimum_and_its_scores_are_those_of_scikit_learn() {
    let file: Value = serde_json::from_str(include_str!("fixtures/scikit_learn.json")).unwrap();
    let [dim, classes, rows] =
        ["dim", "classes", "train"].map(|key| file[key].as_u64().unwrap() as usize);
    let values: Vec<f32> = floats(&file["features"]).into_iter().map(|x| x as f32).collect();
    let labels = file["labels"].as_array().unwrap().iter();
    let labels: Vec<usize> = labels.map(|x| x.as_u64().unwrap() as usize).collect();
    let train = Features::new(dim, values[..rows * dim].to_vec()).unwrap();
    let test = Features::new(dim, values[rows * dim..].to_vec()).unwrap();
    let train = LabeledFeatures::new(&train, &labels[..rows]).unwrap();
    let test = LabeledFeatures::new(&test, &labels[rows..]).unwrap();
    let fits = file["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 3);
    for fit in fits {
        let c = fit["c"].as_f64().unwrap();
        let scaling = FeatureScaling::None;
        let fixed = LinearProbe { l2: 1.0 / c, steps: 10_000, tolerance: 1e-8, scaling };
        let grid = ProbeGrid { c: vec![c], scaling, steps: 10_000, ..ProbeGrid::default() };
        let fixed = fixed.fit(train, classes).unwrap();
        let grid = grid.fit(train, classes).unwrap().probe;
        for (probe, tolerance) in [(&fixed, 1e-4), (&grid, 1e-2)] {
            for class in 0..classes {
                let (weights, bias) = probe.coefficients(class);
                let want = floats(&fit["coefficients"][class]);
                let intercept = fit["intercepts"][class].as_f64().unwrap();
                for (found, want) in
                    weights.into_iter().chain([bias]).zip(want.into_iter().chain([intercept]))
                {
                    let near = (found - want).abs() < tolerance * want.abs().max(1.0);
                    assert!(near, "C {c}, class {class}: {found} is not {want}");
                }
            }
        }
        let found = fixed.evaluate(test).unwrap();
        let scores = [found.top1, found.top5, found.balanced, found.log_loss];
        for (found, key) in scores.into_iter().zip(["top1", "top5", "balanced", "log_loss"]) {
            let want = fit[key].as_f64().unwrap();
            assert!((found - want).abs() < 1e-4, "C {c}: {key} {found} is not {want}");
        }
    }
}
