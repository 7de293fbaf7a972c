//! Degenerate inputs: a typed error or a defined answer, never a panic.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use selfsame_index::{
    CalibrationConfig, CalibrationMetric, Hit, Index, IndexError, Item, Matcher, QueryStatistics,
    Target,
};
use selfsame_metrics::{Distance, Features, LabeledFeatures, Retrieval};

fn line(values: &[f32], labels: &[usize]) -> Index {
    let items = labels.iter().map(|&label| Item::labeled(label)).collect();
    let rows = Features::new(1, values.to_vec()).unwrap();
    Index::from_features(rows, items, Distance::L2).unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T, IndexError>) -> String {
    result.expect_err("an error").to_string()
}

#[test]
fn an_empty_index_answers_nothing_and_says_so() {
    let mut index = Index::new(2, Distance::Cosine).unwrap();
    let queries = Features::new(2, vec![1.0, 0.0]).unwrap();
    let labeled = LabeledFeatures::new(&queries, &[0]).unwrap();
    let config = CalibrationConfig::default();
    assert!(message(index.search(&[1.0, 0.0], 1)).contains("empty"));
    assert!(message(index.search_within(&[1.0, 0.0], 1.0)).contains("empty"));
    assert!(message(index.search_others(1)).contains("empty"));
    assert!(message(index.calibrate(labeled, &config)).contains("empty"));
    assert!(message(index.evaluate(labeled, Retrieval::default())).contains("empty"));
    assert!(message(index.remove(0)).contains("no item 0 among 0"));
    assert!(index.table().is_ok());
}

#[test]
fn queries_that_do_not_fit_are_refused() {
    let index = line(&[1.0, 2.0], &[0, 1]);
    assert!(message(index.search(&[1.0, 2.0], 1)).contains("rows of"));
    assert!(message(index.search(&[f32::NAN], 1)).contains("not finite"));
    assert!(message(index.search(&[], 1)).contains("do not fill"));
    assert!(message(index.search(&[1.0], 0)).contains("`k` must be 1 or more"));
    assert!(message(index.search_within(&[1.0], f64::NAN)).contains("not NaN"));
    let hit = Hit { position: 7, distance: 0.0 };
    let matched = index.match_hits(&[vec![hit]], Matcher::Nearest, 1.0);
    assert!(message(matched).contains("no item 7 among 2"));
    let none = index.match_hits(&[vec![]], Matcher::Nearest, 1.0);
    assert!(message(none).contains("at least one for each query"));
    assert!(
        message(index.match_all(&Features::new(1, vec![1.0]).unwrap(), "optimal"))
            .contains("not calibrated")
    );
}

#[test]
fn no_queries_have_no_hits_and_calibrate_nothing() {
    let mut index = line(&[1.0, 2.0], &[0, 1]);
    let none = Features::new(1, vec![]).unwrap();
    assert_eq!(index.search_all(&none, 3).unwrap(), Vec::<Vec<Hit>>::new());
    let labeled = LabeledFeatures::new(&none, &[]).unwrap();
    assert!(message(index.calibrate(labeled, &CalibrationConfig::default())).contains("0 rows"));
    assert_eq!(QueryStatistics::of(&[]).all, None);
}

#[test]
fn an_item_without_a_label_is_searched_but_decides_nothing() {
    let mut index = line(&[1.0, 2.0], &[0, 1]);
    index.add(&[9.0], Item::named("unlabeled")).unwrap();
    assert_eq!(index.search(&[8.0], 1).unwrap()[0].position, 2);
    let error = message(index.calibrate_on_itself(&CalibrationConfig::default()));
    assert!(error.contains("item 2 has no label"), "{error}");
}

#[test]
fn names_are_unique_and_a_refused_item_changes_nothing() {
    let mut index = Index::new(1, Distance::L2).unwrap();
    index.add(&[1.0], Item::named("a")).unwrap();
    let before = index.clone();
    let rows = Features::new(1, vec![2.0, 3.0]).unwrap();
    let twice = vec![Item::named("b"), Item::named("b")];
    assert!(message(index.add_all(&rows, twice)).contains("`b` is taken by item 1"));
    let taken = vec![Item::named("b"), Item::named("a")];
    assert!(message(index.add_all(&rows, taken)).contains("`a` is taken by item 0"));
    assert!(message(index.add_all(&rows, vec![Item::default()])).contains("1 items"));
    assert_eq!(index, before);
}

#[test]
fn equal_rows_are_all_found_the_first_first() {
    let index = line(&[5.0, 5.0, 5.0, 6.0], &[0, 1, 0, 1]);
    let hits = index.search(&[5.0], 9).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.position).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let within = index.search_within(&[5.0], 0.0).unwrap();
    assert_eq!(within.iter().map(|hit| hit.position).collect::<Vec<_>>(), [0, 1, 2]);
    let others = index.search_others(1).unwrap();
    assert_eq!(others.iter().map(|hits| hits[0].position).collect::<Vec<_>>(), [1, 0, 0, 0]);
}

#[test]
fn perfect_queries_calibrate_to_the_farthest_and_wrong_ones_to_nothing() {
    let mut index = line(&[0.0, 100.0], &[0, 1]);
    let queries = Features::new(1, vec![1.0, 97.0, 104.0]).unwrap();
    let right = LabeledFeatures::new(&queries, &[0, 1, 1]).unwrap();
    let wrong = LabeledFeatures::new(&queries, &[1, 0, 0]).unwrap();
    let config = CalibrationConfig::default();
    assert!(message(index.calibrate(wrong, &config)).contains("no query is matched"));
    assert_eq!(index.calibration(), None);
    let calibration = index.calibrate(right, &config).unwrap();
    let optimal = calibration.cut_point("optimal").unwrap();
    assert_eq!((optimal.distance, optimal.counts.f1()), (4.0, 1.0));
    assert!(message(index.calibrate(wrong, &config)).contains("no query is matched"));
    assert!(index.calibration().is_some(), "an earlier calibration stays");
}

#[test]
fn one_class_is_calibrated_and_matches_all_that_is_near() {
    let mut index = line(&[0.0, 1.0, 3.0], &[4, 4, 4]);
    index.calibrate_on_itself(&CalibrationConfig::default()).unwrap();
    let matches = index.match_all(&Features::new(1, vec![4.0, 50.0]).unwrap(), "optimal").unwrap();
    assert_eq!((matches[0].label, matches[1].label), (Some(4), None));
    assert_eq!((matches[1].candidate, matches[1].position), (4, 2));
}

#[test]
fn targets_are_reached_named_once_or_refused_with_the_best_value() {
    // Distances 1 right, 2 wrong, 3 right, 4 wrong: precision 1, 1/2, 2/3, 1/2.
    let mut index = line(&[0.0, 1000.0], &[0, 1]);
    let queries = Features::new(1, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
    let labeled = LabeledFeatures::new(&queries, &[0, 1, 0, 1]).unwrap();
    let mut with = |targets: &[(&str, CalibrationMetric, f64)]| {
        let target = |&(name, metric, value): &(&str, _, _)| Target::new(name, metric, value);
        let targets = targets.iter().map(target).collect();
        let config = CalibrationConfig { targets, ..CalibrationConfig::default() };
        index.calibrate(labeled, &config).cloned()
    };
    let calibration = with(&[
        ("precise", CalibrationMetric::Precision, 0.6),
        ("all", CalibrationMetric::Recall, 1.0),
        ("half", CalibrationMetric::Recall, 0.5),
        ("few false", CalibrationMetric::FalsePositiveRate, 0.5),
        ("none false", CalibrationMetric::FalsePositiveRate, 0.0),
    ])
    .unwrap();
    let distances: Vec<f64> =
        calibration.cut_points.iter().map(|cut_point| cut_point.distance).collect();
    assert_eq!(distances, [3.0, 3.0, 3.0, 1.0, 3.0, 1.0]);
    let high = message(with(&[("high", CalibrationMetric::MatchRate, 0.9)]));
    assert!(high.contains("match rate is at best 0.5 (at distance 4)"), "{high}");
    let twice = message(with(&[("optimal", CalibrationMetric::Recall, 0.5)]));
    assert!(twice.contains("two cut-points are named `optimal`"), "{twice}");
    assert!(message(with(&[("x", CalibrationMetric::Recall, 1.5)])).contains("0 to 1"));
    assert!(message(with(&[("x", CalibrationMetric::Recall, f64::NAN)])).contains("0 to 1"));
}

/// Rows and queries of small whole numbers, so that ties are frequent.
fn rows(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-4_i8..5, -4_i8..5, 1_i8..4), count)
        .prop_map(|rows| rows.iter().flat_map(|&(a, b, c)| [a, b, c].map(f32::from)).collect())
}

proptest! {
    #[test]
    fn a_search_is_a_sorted_list_of_all_distances(
        values in rows(1..12), query in rows(1..2), k in 1_usize..15, cut in 0.0_f64..4.0
    ) {
        for distance in Distance::ALL {
            let features = Features::new(3, values.clone()).unwrap();
            let items = vec![Item::default(); features.rows()];
            let index = Index::from_features(features, items, distance).unwrap();
            let far = |position: usize| distance.between(&query, index.features().row(position));
            // SNR of a constant query is infinite to all rows but its own shifts.
            let close = |got: f32, want: f64| {
                f64::from(got).total_cmp(&want).is_eq() || (f64::from(got) - want).abs() < 1e-4
            };
            let hits = index.search(&query, k).unwrap();
            prop_assert_eq!(hits.len(), k.min(index.len()));
            let mut all: Vec<f64> = (0..index.len()).map(far).collect();
            all.sort_by(f64::total_cmp);
            for (hit, want) in hits.iter().zip(&all) {
                prop_assert!(close(hit.distance, *want));
                prop_assert!(close(hit.distance, far(hit.position)));
            }
            for pair in hits.windows(2) {
                let key = |hit: &Hit| (hit.distance, hit.position);
                prop_assert!(key(&pair[0]) < key(&pair[1]));
            }
            let within = index.search_within(&query, cut).unwrap();
            prop_assert!(within.iter().all(|hit| f64::from(hit.distance) <= cut + 1e-6));
            let near = all.iter().filter(|&&d| d < cut - 1e-4).count();
            prop_assert!(within.len() >= near, "{} of {near}", within.len());
        }
    }

    /// The naive twin tries every distance.
    #[test]
    fn the_optimal_cut_point_has_the_best_f1_and_is_the_largest_that_has(
        values in rows(3..12), labels in prop::collection::vec(0_usize..3, 12)
    ) {
        let features = Features::new(3, values).unwrap();
        let count = features.rows();
        let items = labels[..count].iter().map(|&label| Item::labeled(label)).collect();
        let mut index = Index::from_features(features, items, Distance::L1).unwrap();
        let hits = index.search_others(1).unwrap();
        let right = |query: usize| labels[hits[query][0].position] == labels[query];
        let far = |query: usize| f64::from(hits[query][0].distance);
        let f1 = |cut: f64| {
            let hit = (0..count).filter(|&query| right(query) && far(query) <= cut).count() as f64;
            let accepted = (0..count).filter(|&query| far(query) <= cut).count() as f64;
            2.0 * hit / (accepted + (0..count).filter(|&query| right(query)).count() as f64)
        };
        let result = index.calibrate_on_itself(&CalibrationConfig::default());
        if (0..count).any(right) {
            let optimal = result.unwrap().cut_points[0].clone();
            prop_assert!((optimal.counts.f1() - f1(optimal.distance)).abs() < 1e-12);
            for query in 0..count {
                let other = f1(far(query));
                prop_assert!(other <= f1(optimal.distance) + 1e-12);
                prop_assert!(far(query) <= optimal.distance || other < f1(optimal.distance));
            }
        } else {
            prop_assert!(matches!(result, Err(IndexError::NothingMatches)));
        }
    }
}
