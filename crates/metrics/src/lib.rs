#![doc = include_str!("../README.md")]

mod collapse;
mod confusion_matrix;
mod distance;
mod error;
mod features;
mod knn;
mod labeled_features;
mod lbfgs;
mod linear_probe;
mod neighbors;
mod retrieval;
mod summary;
mod threshold_counts;
mod threshold_curve;

pub use collapse::{
    alignment, covariance_spectrum, nesum, rankme, std_of_l2_normalized, uniform_std, uniformity,
};
pub use confusion_matrix::ConfusionMatrix;
pub use distance::Distance;
pub use error::MetricError;
pub use features::Features;
pub use knn::Knn;
pub use labeled_features::LabeledFeatures;
pub use linear_probe::{FittedProbe, LinearProbe};
pub use neighbors::{NearestNeighbors, Neighbors};
pub use retrieval::{mean_average_precision_at_k, ndcg_at_k, precision_at_k, recall_at_k};
pub use summary::{Summary, accuracy};
pub use threshold_counts::ThresholdCounts;
pub use threshold_curve::{average_precision, roc_auc, threshold_curve};
