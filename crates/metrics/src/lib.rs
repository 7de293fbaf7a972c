#![doc = include_str!("../README.md")]

mod balanced_accuracy;
mod calibration_error;
mod class_scores;
mod classification;
mod collapse;
mod confusion_matrix;
mod distance;
mod error;
mod features;
mod few_labels;
mod knn;
mod labeled_features;
mod lbfgs;
mod linear_probe;
mod log_loss;
mod nearest_class_mean;
mod neighbors;
mod retrieval;
mod summary;
mod top_n_accuracy;

pub use balanced_accuracy::{balanced_accuracy, class_accuracies};
pub use calibration_error::expected_calibration_error;
pub use class_scores::ClassScores;
pub use classification::Classification;
pub use collapse::{
    alignment, covariance_spectrum, nesum, rankme, std_of_l2_normalized, uniform_std, uniformity,
};
pub use confusion_matrix::ConfusionMatrix;
pub use distance::Distance;
pub use error::MetricError;
pub use features::Features;
pub use few_labels::{FewLabels, ReadOut, evaluate_few_labels};
pub use knn::{Knn, KnnResult, Votes};
pub use labeled_features::LabeledFeatures;
pub use linear_probe::{
    FeatureScaling, FittedProbe, GridFit, LinearProbe, ProbeGrid, ProbeProtocol, RateSchedule,
    SgdProbe,
};
pub use log_loss::log_loss;
pub use nearest_class_mean::{ClassMeans, NearestClassMean};
pub use neighbors::{NearestNeighbors, Neighbors};
pub use retrieval::{mean_average_precision_at_k, ndcg_at_k, precision_at_k, recall_at_k};
pub use summary::{Summary, accuracy};
pub use top_n_accuracy::top_n_accuracy;
