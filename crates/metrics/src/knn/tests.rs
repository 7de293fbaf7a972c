use super::*;
use crate::accuracy;

#[test]
fn near_neighbors_outvote_many_far_ones() {
    let train = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.0, 2.0]).unwrap();
    let query = Features::new(2, vec![1.0, 0.5]).unwrap();
    let train = LabeledFeatures::new(&train, &[0, 1, 1]).unwrap();
    let vote = |temperature| Knn { k: 9, temperature, ..Knn::default() }.predict(train, &query, 2);
    assert_eq!(vote(0.1).unwrap(), [0]);
    assert_eq!(vote(10.0).unwrap(), [1]);
    assert_eq!(vote(1e-6).unwrap(), [0], "no overflow");
}

#[test]
fn ties_go_to_the_earlier_row() {
    let train = Features::new(1, vec![2.0, 1.0, 3.0]).unwrap();
    let neighbors = Knn { k: 2, ..Knn::default() }.neighbors(&train, &train).unwrap();
    assert_eq!(neighbors, [[0, 1]; 3]);
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let train = Features::new(1, vec![1.0]).unwrap();
    let wide = Features::new(2, vec![1.0, 1.0]).unwrap();
    let knn = Knn::default();
    assert_eq!(knn.neighbors(&train, &wide), Err(MetricError::Width { first: 1, second: 2 }));
    let labeled = LabeledFeatures::new(&train, &[3]).unwrap();
    let label = MetricError::Label { label: 3, classes: 2 };
    assert_eq!(knn.predict(labeled, &train, 2), Err(label.clone()));
    let right = LabeledFeatures::new(&train, &[1]).unwrap();
    assert_eq!(knn.accuracy(right, labeled, 2), Err(label));
    let count = MetricError::LabelCount { labels: 0, rows: 1 };
    assert_eq!(LabeledFeatures::new(&train, &[]), Err(count));
    assert!(Knn { k: 0, ..knn }.neighbors(&train, &train).is_err());
    assert!(knn.evaluate(&[], right, right, 2).is_err());
    assert!(knn.evaluate(&[1, 0], right, right, 2).is_err());
    assert_eq!(knn.evaluate_others(&[1], right, 2), Err(MetricError::Rows { rows: 1, least: 2 }));
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Knn { temperature, ..knn }.predict(right, &train, 2).is_err());
    }
}

/// Rows on a circle of four classes.
fn rings(rows: usize, shift: usize) -> (Features, Vec<usize>) {
    let angle = |i: usize| (i * 89 + shift) as f32;
    let data = (0..rows).flat_map(|i| [angle(i).cos(), angle(i).sin()]);
    // The quadrant, turned a little.
    let label = |i: usize| {
        let turned = angle(i) + 0.3;
        2 * usize::from(turned.sin() > 0.0) + usize::from(turned.cos() > 0.0)
    };
    (Features::new(2, data.collect()).unwrap(), (0..rows).map(label).collect())
}

#[test]
fn several_k_in_one_pass_equal_one_pass_each_for_every_distance() {
    let ((rows, labels), (queries, answers)) = (rings(120, 0), rings(50, 7));
    let train = LabeledFeatures::new(&rows, &labels).unwrap();
    let test = LabeledFeatures::new(&queries, &answers).unwrap();
    for distance in Distance::ALL {
        for votes in [Votes::Weighted, Votes::Majority] {
            let knn = Knn { distance, votes, ..Knn::default() };
            for result in knn.evaluate(&[15, 1, 500], train, test, 4).unwrap() {
                let alone = Knn { k: result.k, ..knn };
                assert_eq!(result.predictions, alone.predict(train, &queries, 4).unwrap());
                let top1 = accuracy(&result.predictions, &answers);
                assert!((result.top1 - top1).abs() < 1e-12 && result.top5 >= result.top1);
            }
        }
    }
}

#[test]
fn leaving_a_row_out_equals_searching_without_it() {
    let (rows, labels) = rings(40, 3);
    let train = LabeledFeatures::new(&rows, &labels).unwrap();
    let found = Knn::default().evaluate_others(&[1, 5], train, 4).unwrap();
    for row in 0..40 {
        let others: Vec<usize> = (0..40).filter(|other| *other != row).collect();
        let (rest, rest_labels) = (rows.select(&others), others.iter().map(|i| labels[*i]));
        let rest_labels: Vec<usize> = rest_labels.collect();
        let rest = LabeledFeatures::new(&rest, &rest_labels).unwrap();
        for result in &found {
            let knn = Knn { k: result.k, ..Knn::default() };
            let query = rows.select(&[row]);
            assert_eq!(knn.predict(rest, &query, 4).unwrap(), [result.predictions[row]]);
        }
    }
}

#[test]
fn a_class_without_a_vote_is_no_hit_and_shares_sum_to_one() {
    let rows = Features::new(1, vec![1.0, 2.0]).unwrap();
    let train = LabeledFeatures::new(&rows, &[0, 1]).unwrap();
    let test = LabeledFeatures::new(&rows, &[2, 1]).unwrap();
    let found = Knn::default().evaluate(&[2], train, test, 3).unwrap();
    assert!((found[0].top5 - 0.5).abs() < 1e-12);
    let shares = Knn { distance: Distance::L2, ..Knn::default() };
    let shares = shares.probabilities(train, &rows, 3).unwrap();
    assert!((shares.row(0).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((shares.row(0)[1] - 1.0 / (1.0 + 10.0_f64.exp())).abs() < 1e-9);
}

#[test]
fn old_settings_without_distance_and_votes_are_read() {
    let knn: Knn = serde_json::from_str(r#"{"k": 20, "temperature": 0.1}"#).unwrap();
    assert_eq!(knn, Knn::default());
    assert!(serde_json::from_str::<Knn>(r#"{"k": 1, "temperature": 1, "metric": 1}"#).is_err());
}
