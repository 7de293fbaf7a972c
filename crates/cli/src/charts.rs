//! Charts of the training of one or several runs.

use selfsame::report::{LineChart, Series};

use crate::curves::Curves;

/// Curves of the training, as `epochs.csv` names them and as their charts do.
const CURVES: [(&str, &str); 8] = [
    ("loss", "loss"),
    ("invariance", "invariance term of the loss"),
    ("variance", "variance term of the loss"),
    ("covariance", "covariance term of the loss"),
    ("knn", "kNN accuracy on held-out training images"),
    ("embedding_std", "standard deviation of the embedding"),
    ("rankme", "effective rank of the embedding"),
    ("learning_rate", "learning rate"),
];

/// Returns one chart for every curve that was recorded, with a line for each of the named runs.
pub(crate) fn charts(runs: &[(String, Curves)]) -> Vec<LineChart> {
    let chart = |(name, title): (&str, &str)| {
        let series = runs
            .iter()
            .map(|(run, curves)| Series { name: run.clone(), points: curves.series(name) });
        let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
        (!series.is_empty()).then(|| LineChart {
            title: title.to_owned(),
            x_label: "epoch".to_owned(),
            series,
        })
    };
    CURVES.into_iter().filter_map(chart).collect()
}
