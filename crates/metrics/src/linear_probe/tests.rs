use super::*;
use crate::Features;

/// Two classes that differ in their first feature; the second is noise.
fn blobs(rows: usize) -> (Features, Vec<usize>) {
    let noise = |seed: usize| (seed * 7919 % 1009) as f32 / 1009.0 - 0.5;
    let row = |i: usize| [noise(2 * i) + 3.0 * (i % 2) as f32, 1e3 * noise(7 * i + 1)];
    let features = Features::new(2, (0..rows).flat_map(row).collect()).unwrap();
    (features, (0..rows).map(|i| i % 2).collect())
}

/// Three classes that overlap.
fn overlapping(rows: usize) -> (Features, Vec<usize>) {
    let noise = |seed: usize| (seed * 7919 % 1009) as f32 / 1009.0 - 0.5;
    let row = |i: usize| [noise(3 * i) + 0.5 * (i % 3) as f32, noise(5 * i + 1), noise(11 * i + 2)];
    let features = Features::new(3, (0..rows).flat_map(row).collect()).unwrap();
    (features, (0..rows).map(|i| i % 3).collect())
}

#[test]
fn separates_linearly_separable_classes_whatever_the_scale() {
    let (features, labels) = blobs(600);
    let train = LabeledFeatures::new(&features, &labels).unwrap();
    let probe = LinearProbe::default().fit(train, 2).unwrap();
    assert!(probe.accuracy(train).unwrap() > 0.999);
}

#[test]
fn one_row_constant_features_and_empty_classes_are_fitted() {
    let one = Features::new(2, vec![1.0, 1.0]).unwrap();
    let labeled = |label| LabeledFeatures::new(&one, label).unwrap();
    let probe = LinearProbe::default().fit(labeled(&[4]), 6).unwrap();
    assert_eq!(probe.predict(&one).unwrap(), [4]);
    assert!(LinearProbe::default().fit(labeled(&[6]), 6).is_err());
    assert!(LinearProbe { l2: 0.0, ..LinearProbe::default() }.fit(labeled(&[0]), 1).is_err());
    let none = Features::new(2, Vec::new()).unwrap();
    let none = LabeledFeatures::new(&none, &[]).unwrap();
    assert!(matches!(LinearProbe::default().fit(none, 2), Err(MetricError::Rows { .. })));
    assert!(probe.predict(&Features::new(1, vec![0.0]).unwrap()).is_err());
}

#[test]
fn threads_do_not_change_a_bit() {
    let (features, labels) = blobs(1_500);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let train = LabeledFeatures::new(&features, &labels).unwrap();
        pool.install(|| LinearProbe::default().fit(train, 2).unwrap().weights)
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn the_grid_refits_what_a_fixed_penalty_fits() {
    let (features, labels) = overlapping(300);
    let train = LabeledFeatures::new(&features, &labels).unwrap();
    let grid = ProbeGrid::default().fit(train, 3).unwrap();
    assert!(grid.accuracies.is_sorted_by(|a, b| a.0 < b.0));
    let best = grid.accuracies.iter().map(|(_, accuracy)| *accuracy).fold(0.0, f64::max);
    let first = grid.accuracies.iter().find(|(_, accuracy)| *accuracy >= best).unwrap();
    assert!((grid.c - first.0).abs() < 1e-12 * grid.c);
    let alone = LinearProbe { l2: 1.0 / grid.c, ..LinearProbe::default() };
    let alone = alone.fit(train, 3).unwrap();
    for (a, b) in alone.weights.iter().zip(&grid.probe.weights) {
        assert!((a - b).abs() < 1e-3 * b.abs().max(1.0), "{a} is not {b}");
    }
}

#[test]
fn settings_out_of_range_are_errors() {
    let (features, labels) = overlapping(30);
    let train = LabeledFeatures::new(&features, &labels).unwrap();
    assert!(LinearProbe { tolerance: f64::NAN, ..LinearProbe::default() }.fit(train, 3).is_err());
    let grid = ProbeGrid::default();
    for c in [vec![], vec![0.0], vec![1.0, f64::NAN], vec![f64::INFINITY]] {
        assert!(ProbeGrid { c, ..grid.clone() }.fit(train, 3).is_err());
    }
    for held_out in [0.0, 1.0, f64::NAN] {
        assert!(ProbeGrid { held_out, ..grid.clone() }.fit(train, 3).is_err());
    }
    let single = features.select(&[0, 1, 2]);
    let single = LabeledFeatures::new(&single, &[0, 1, 2]).unwrap();
    let error = grid.fit(single, 3).unwrap_err();
    assert!(error.to_string().contains("LinearProbe"), "{error}");
    let sgd = SgdProbe::lightly();
    assert!(SgdProbe { epochs: 0, ..sgd.clone() }.fit(train, 3).is_err());
    assert!(SgdProbe { batch_size: 0, ..sgd.clone() }.fit(train, 3).is_err());
    assert!(SgdProbe { rate: f64::NAN, ..sgd.clone() }.fit(train, 3).is_err());
    assert!(SgdProbe { momentum: 1.0, ..sgd.clone() }.fit(train, 3).is_err());
    assert!(SgdProbe { weight_decay: -1.0, ..sgd }.fit(train, 3).is_err());
}

#[test]
fn descent_in_full_batches_reaches_the_minimum() {
    let (features, labels) = overlapping(60);
    let train = LabeledFeatures::new(&features, &labels).unwrap();
    let exact = LinearProbe { l2: 6.0, ..LinearProbe::default() }.fit(train, 3).unwrap();
    let sgd = SgdProbe {
        epochs: 2000,
        batch_size: 60,
        rate: 0.5,
        weight_decay: 0.1,
        scaling: FeatureScaling::Standardize,
        ..SgdProbe::lightly()
    };
    for (a, b) in sgd.fit(train, 3).unwrap().weights.iter().zip(&exact.weights) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }
    // Batch norm over all rows is the same standardization.
    let normed = SgdProbe { batch_norm: true, scaling: FeatureScaling::None, ..sgd };
    let (a, b) = (normed.fit(train, 3).unwrap().coefficients(2), exact.coefficients(2));
    assert!((a.1 - b.1).abs() < 1e-3 && (a.0[0] - b.0[0]).abs() < 1e-3, "{a:?} is not {b:?}");
}

#[test]
fn the_seed_decides_every_bit_of_a_descent() {
    let (features, labels) = overlapping(70);
    let train = LabeledFeatures::new(&features, &labels).unwrap();
    let fit = |seed| {
        let probe = SgdProbe { seed, epochs: 2, batch_size: 16, ..SgdProbe::lightly() };
        probe.fit(train, 3).unwrap().weights
    };
    assert_eq!(fit(1), fit(1));
    assert_ne!(fit(1), fit(2));
}

#[test]
fn rates_fall_by_tenths_or_along_a_cosine() {
    let steps = SgdProbe::solo_learn();
    let rates = [0, 59, 60, 79, 80].map(|epoch| steps.rate_at(epoch, 0.0) / steps.rate);
    for (rate, want) in rates.into_iter().zip([1.0, 1.0, 0.1, 0.1, 0.01]) {
        assert!((rate - want).abs() < 1e-12);
    }
    let cosine = SgdProbe::tf_similarity();
    assert!((cosine.rate_at(0, 0.5) - 15.0).abs() < 1e-9 && cosine.rate_at(9, 1.0).abs() < 1e-9);
}

#[test]
fn protocols_are_read_back() {
    for protocol in [ProbeProtocol::dinov3(), ProbeProtocol::solo_learn()] {
        let json = serde_json::to_string(&protocol).unwrap();
        assert_eq!(serde_json::from_str::<ProbeProtocol>(&json).unwrap(), protocol);
    }
    let old: LinearProbe = serde_json::from_str(r#"{"l2": 1.0, "steps": 300}"#).unwrap();
    assert_eq!(old, LinearProbe::default());
}

/// Rows at ±1: scikit-learn's single weight w, at C = 1, minimizes 2 log(1 + exp(−w)) + w²/2, so that
/// w (1 + exp(w)) = 2.
#[test]
fn two_classes_have_the_penalty_of_one_weight_vector() {
    let features = Features::new(1, vec![-1.0, 1.0]).unwrap();
    let train = LabeledFeatures::new(&features, &[0, 1]).unwrap();
    let exact =
        LinearProbe { scaling: FeatureScaling::None, tolerance: 1e-10, ..LinearProbe::default() };
    let fitted = exact.fit(train, 2).unwrap();
    let w = fitted.coefficients(1).0[0] - fitted.coefficients(0).0[0];
    assert!((w * (1.0 + w.exp()) - 2.0).abs() < 1e-5, "{w}");
}
