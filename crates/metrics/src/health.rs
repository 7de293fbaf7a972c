//! Health: every measure that needs no labels, and a verdict in words.

mod verdict;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::alpha_req::alpha_req_of;
use crate::nesum::nesum_of;
use crate::{
    Features, MetricError, alignment, cluster_learnability, covariance_spectrum, dead_units,
    intrinsic_dimension, lidar, rankme, std_of_l2_normalized, uniform_std, uniformity,
};

pub use verdict::Verdict;

/// Settings of [`Health`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthConfig {
    /// Rows on which the figures of pairs of rows are computed, 2 or more: uniformity, cluster
    /// learnability and intrinsic dimension, whose time grows with its square. All if there are
    /// fewer. Default: 2,000, ours.
    pub pair_rows: usize,
    /// Clusters of cluster learnability, 1 or more; at most the rows. Default: none, the square root
    /// of the rows used, rounded down, ours.
    pub clusters: Option<usize>,
    /// Seed of the choice of rows and of the clusters. Default: 0.
    pub seed: u64,
}

impl Default for HealthConfig {
    /// Returns 2,000 rows of pairs, the square root of that many clusters and seed 0.
    fn default() -> Self {
        Self { pair_rows: 2000, clusters: None, seed: 0 }
    }
}

/// All measures of features that need no labels; a figure that is not defined is none.
///
/// Cost: of `n` rows of `d` two products of `n d · min(n, d)`, two eigenvalue problems of
/// `min(n, d)` (three of `d` with views), and `pair_rows² · d` for pairs. Memory beside the features
/// stays below a few `min(n, d)²` values, or `d²` with views.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, Health, HealthConfig, Verdict};
///
/// let data = (0..2000_u16).map(|i| (f32::from(i) * 0.618_034).fract() - 0.5).collect();
/// let health = Health::of(&Features::new(4, data)?, &[], &HealthConfig::default())?;
/// assert!(matches!(health.verdict, Verdict::Healthy { .. }), "{}", health.words);
/// let same = Features::new(2, vec![1.0, 2.0, 2.0, 4.0, 3.0, 6.0])?;
/// let health = Health::of(&same, &[], &HealthConfig::default())?;
/// assert!(health.words.starts_with("collapsed: "), "{}", health.words);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Number of rows.
    pub rows: usize,
    /// Number of dimensions.
    pub dim: usize,
    /// [`std_of_l2_normalized`].
    pub embedding_std: Option<f64>,
    /// [`uniform_std`] of as many dimensions.
    pub uniform_std: f64,
    /// [`alignment`] with α = 2, averaged over all pairs of views.
    pub alignment: Option<f64>,
    /// [`uniformity`] with t = 2.
    pub uniformity: Option<f64>,
    /// [`rankme`].
    pub rankme: Option<f64>,
    /// [`lidar`] with δ = 1e-4.
    pub lidar: Option<f64>,
    /// [`alpha_req`](crate::alpha_req) of ranks 11 to 100, of all if there are fewer than 20.
    pub alpha_req: Option<f64>,
    /// [`nesum`](crate::nesum).
    pub nesum: Option<f64>,
    /// [`cluster_learnability`].
    pub cluster_learnability: Option<f64>,
    /// [`intrinsic_dimension`].
    pub intrinsic_dimension: Option<f64>,
    /// [`clid`](crate::clid), the product of the two before.
    pub clid: Option<f64>,
    /// [`dead_units`] with a share of 1e-4.
    pub dead_units: Vec<usize>,
    /// [`covariance_spectrum`].
    pub spectrum: Vec<f64>,
    /// What the figures say.
    pub verdict: Verdict,
    /// The verdict in words: what is wrong, the figure that says so, and what to do.
    pub words: String,
}

/// Share of the mean variance up to which a unit is dead, ours.
const DEAD_SHARE: f64 = 1e-4;

impl Health {
    /// Measures features; with `views`, also how views of the same samples differ.
    ///
    /// Row `i` of every view is the same sample, which need not be one of `features`. Hand in the
    /// encoder's features to know what it gives, or embeddings to know what the loss sees.
    ///
    /// # Errors
    /// If there are fewer than two rows, a setting is out of range, or there is one view, or views
    /// differ in shape.
    pub fn of(
        features: &Features,
        views: &[Features],
        config: &HealthConfig,
    ) -> Result<Self, MetricError> {
        features.at_least(2)?;
        if config.pair_rows < 2 {
            return Err(MetricError::Setting { key: "pair_rows", range: "2 or more" });
        }
        if config.clusters == Some(0) {
            return Err(MetricError::Setting { key: "clusters", range: "1 or more" });
        }
        let spectrum = covariance_spectrum(features)?;
        let pairs = some_rows(features, config);
        let clusters = config.clusters.unwrap_or(pairs.rows().isqrt()).min(pairs.rows());
        let learnability = cluster_learnability(&pairs, clusters, config.seed)?;
        let dimension = defined(intrinsic_dimension(&pairs))?;
        let ranks = if spectrum.len() < 20 { 1..=20 } else { 11..=100 };
        let mut health = Self {
            rows: features.rows(),
            dim: features.dim(),
            embedding_std: Some(std_of_l2_normalized(features)),
            uniform_std: uniform_std(features.dim()),
            alignment: alignment_of_all(views)?,
            uniformity: Some(uniformity(&pairs, 2.0)?),
            rankme: defined(rankme(features))?,
            lidar: if views.is_empty() { None } else { defined(lidar(views, 1e-4))? },
            alpha_req: defined(alpha_req_of(&spectrum, ranks))?,
            nesum: defined(nesum_of(&spectrum))?,
            cluster_learnability: Some(learnability),
            intrinsic_dimension: dimension,
            clid: dimension.map(|dimension| learnability * dimension),
            dead_units: dead_units(features, DEAD_SHARE)?,
            spectrum,
            verdict: Verdict::NotFinite { row: 0 },
            words: String::new(),
        };
        health.judge();
        Ok(health)
    }

    /// Measures rows that may hold NaN or infinities, which are then the verdict.
    ///
    /// # Errors
    /// As [`of`](Self::of), or if the values do not fill rows of `dim`.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Health, HealthConfig, Verdict};
    ///
    /// let health = Health::of_values(2, vec![1.0, 2.0, f32::NAN, 3.0], &HealthConfig::default())?;
    /// assert_eq!(health.verdict, Verdict::NotFinite { row: 1 });
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn of_values(
        dim: usize,
        values: Vec<f32>,
        config: &HealthConfig,
    ) -> Result<Self, MetricError> {
        let count = values.len();
        match Features::new(dim, values) {
            Ok(features) => Self::of(&features, &[], config),
            Err(MetricError::NotFinite { row }) => Ok(Self::not_finite(count / dim, dim, row)),
            Err(error) => Err(error),
        }
    }

    fn not_finite(rows: usize, dim: usize, row: usize) -> Self {
        let verdict = Verdict::NotFinite { row };
        Self {
            rows,
            dim,
            embedding_std: None,
            uniform_std: uniform_std(dim),
            alignment: None,
            uniformity: None,
            rankme: None,
            lidar: None,
            alpha_req: None,
            nesum: None,
            cluster_learnability: None,
            intrinsic_dimension: None,
            clid: None,
            dead_units: vec![],
            spectrum: vec![],
            words: verdict.to_string(),
            verdict,
        }
    }

    fn judge(&mut self) {
        let std_share = self.embedding_std.unwrap_or(0.0) / self.uniform_std;
        let most = self.rows.min(self.dim);
        let rankme = self.rankme.unwrap_or(0.0);
        self.verdict = Verdict::of(std_share, rankme, most, self.dead_units.len(), self.dim);
        self.words = self.verdict.to_string();
    }
}

/// Turns a figure that these features do not have into none.
fn defined(figure: Result<f64, MetricError>) -> Result<Option<f64>, MetricError> {
    match figure {
        Ok(value) => Ok(Some(value)),
        Err(MetricError::Setting { key: "features", .. } | MetricError::Rows { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Draws rows without replacement, in ascending order; all if they are not too many.
fn some_rows(features: &Features, config: &HealthConfig) -> Features {
    if features.rows() <= config.pair_rows {
        return features.clone();
    }
    let mut order: Vec<usize> = (0..features.rows()).collect();
    let mut generator = ChaCha8Rng::seed_from_u64(config.seed);
    generator.set_stream(2); // clusters are drawn from streams 0 and 1
    let (drawn, _) = order.partial_shuffle(&mut generator, config.pair_rows);
    drawn.sort_unstable();
    features.select(drawn)
}

/// Averages the alignment over all pairs of views; none without two views.
fn alignment_of_all(views: &[Features]) -> Result<Option<f64>, MetricError> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for (index, view) in views.iter().enumerate() {
        for other in &views[..index] {
            sum += alignment(other, view, 2.0)?;
            count += 1;
        }
    }
    Ok((count > 0).then(|| sum / f64::from(count)))
}

#[cfg(test)]
mod tests;
