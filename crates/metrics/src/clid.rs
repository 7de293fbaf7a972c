//! CLID: learnable clusters, times the dimensions that are used.

use crate::{Features, MetricError, cluster_learnability, intrinsic_dimension};

/// Returns [`cluster_learnability`] times [`intrinsic_dimension`]: above 0, higher is better.
///
/// The first is high for features that hold little, the second for noise; both are for features
/// that are rich and simple to read. Compare it between encoders on the same samples, with the
/// same number of clusters and the same seed.
///
/// # Errors
/// As those of the two.
///
/// # Source
/// Lu et al., 2022, [arXiv:2206.01251](https://arxiv.org/abs/2206.01251). Deviation: the two are
/// multiplied; the paper joins them after standardizing each over all encoders compared.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, clid, cluster_learnability, intrinsic_dimension};
///
/// let places = (0..200_u16).flat_map(|i| [(f32::from(i) * 0.618).fract(), (f32::from(i) * 0.414).fract()]);
/// let features = Features::new(2, places.collect())?;
/// let parts = (cluster_learnability(&features, 8, 0)?, intrinsic_dimension(&features)?);
/// assert_eq!(clid(&features, 8, 0)?, parts.0 * parts.1);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn clid(features: &Features, clusters: usize, seed: u64) -> Result<f64, MetricError> {
    Ok(cluster_learnability(features, clusters, seed)? * intrinsic_dimension(features)?)
}
