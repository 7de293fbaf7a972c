#![doc = include_str!("../README.md")]

mod confusion_matrix;
mod error;
mod features;
mod health;
mod knn;
mod linear_probe;
mod minimize;
pub mod plot;
mod retrieval;
mod summary;

pub use confusion_matrix::ConfusionMatrix;
pub use error::MetricError;
pub use features::Features;
pub use health::{
    alignment, covariance_spectrum, nesum, rankme, std_of_l2_normalized, uniform_std, uniformity,
};
pub use knn::Knn;
pub use linear_probe::{FittedProbe, LinearProbe};
pub use retrieval::{mean_average_precision_at_k, ndcg_at_k, precision_at_k, recall_at_k};
pub use summary::{Summary, accuracy};
