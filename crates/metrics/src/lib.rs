#![doc = include_str!("../README.md")]

mod alignment;
mod alpha_req;
mod balanced_accuracy;
mod calibration_error;
mod class_scores;
mod classification;
mod clid;
mod cluster_learnability;
mod confusion_matrix;
mod covariance_spectrum;
mod dead_units;
mod distance;
mod error;
mod features;
mod few_labels;
mod graded_ndcg;
mod gram;
mod health;
mod intrinsic_dimension;
mod k_means;
mod knn;
mod labeled_features;
mod lbfgs;
mod lidar;
mod linear_probe;
mod log_loss;
mod nearest_class_mean;
mod neighbor_mean;
mod neighbors;
mod nesum;
mod pair_distances;
mod ranking;
mod rankme;
mod retrieval;
mod retrieval_at_k;
mod std_of_l2_normalized;
mod summary;
mod threshold_counts;
mod threshold_curve;
mod top_n_accuracy;
mod uniformity;

pub use alignment::alignment;
pub use alpha_req::alpha_req;
pub use balanced_accuracy::{balanced_accuracy, class_accuracies};
pub use calibration_error::expected_calibration_error;
pub use class_scores::ClassScores;
pub use classification::Classification;
pub use clid::clid;
pub use cluster_learnability::cluster_learnability;
pub use confusion_matrix::ConfusionMatrix;
pub use covariance_spectrum::covariance_spectrum;
pub use dead_units::dead_units;
pub use distance::Distance;
pub use error::MetricError;
pub use features::Features;
pub use few_labels::{FewLabels, ReadOut, evaluate_few_labels};
pub use graded_ndcg::{graded_ndcg_at_k, ndcg};
pub use health::{Health, HealthConfig, Verdict};
pub use intrinsic_dimension::intrinsic_dimension;
pub use knn::{Knn, KnnResult, Votes};
pub use labeled_features::LabeledFeatures;
pub use lidar::lidar;
pub use linear_probe::{
    FeatureScaling, FittedProbe, GridFit, LinearProbe, ProbeGrid, ProbeProtocol, RateSchedule,
    SgdProbe,
};
pub use log_loss::log_loss;
pub use nearest_class_mean::{ClassMeans, NearestClassMean};
pub use neighbor_mean::NeighborMean;
pub use neighbors::{NearestNeighbors, Neighbors};
pub use nesum::nesum;
pub use pair_distances::{
    EpochDistances, EpochSpread, Mining, PairDistanceMeans, PairDistances, Spread,
};
pub use ranking::Ranking;
pub use rankme::rankme;
pub use retrieval::{Average, Retrieval, RetrievalFigures, Retrieved};
pub use retrieval_at_k::{mean_average_precision_at_k, ndcg_at_k, precision_at_k, recall_at_k};
pub use std_of_l2_normalized::{std_of_l2_normalized, uniform_std};
pub use summary::{Summary, accuracy};
pub use threshold_counts::ThresholdCounts;
pub use threshold_curve::{average_precision, roc_auc, threshold_curve};
pub use top_n_accuracy::top_n_accuracy;
pub use uniformity::uniformity;
