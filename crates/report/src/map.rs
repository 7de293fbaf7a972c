//! Two-dimensional maps of features, with how far they can be trusted.

mod graph;
mod pca;
mod quadtree;
mod trustworthiness;
mod tsne;
mod umap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use selfsame_metrics::{Distance, Features, MetricError, NearestNeighbors};
use serde::{Deserialize, Serialize};

pub use trustworthiness::{continuity, trustworthiness};

use self::pca::Pca;

/// How features become points in a plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum MapMethod {
    /// The two directions of largest variance: distances mean something, but classes overlap.
    Pca,
    /// t-SNE by Barnes and Hut's approximation: groups of neighbors, whose distances mean little.
    ///
    /// # Source
    /// van der Maaten, 2014, "Accelerating t-SNE using tree-based algorithms". Deviations: it starts
    /// at the points of PCA; 750 steps.
    Tsne {
        /// About how many neighbors a row has, above 1; at most a third of the rows is used.
        /// Paper: 30.
        perplexity: f64,
    },
    /// UMAP: groups of neighbors, their arrangement a little more faithful than that of t-SNE.
    ///
    /// # Source
    /// `McInnes` et al., 2018, [arXiv:1802.03426](https://arxiv.org/abs/1802.03426), and umap-learn.
    /// Deviation: it starts at the points of PCA, not at a spectral embedding.
    Umap {
        /// Neighbors of a row, itself counted: 2 or more. umap-learn: 15.
        neighbors: usize,
        /// Distance in the map below which points are not pulled closer, 0 up to 3. umap-learn: 0.1.
        min_dist: f64,
    },
}

impl MapMethod {
    /// Returns its usual name.
    ///
    /// # Example
    /// ```
    /// assert_eq!(selfsame_report::MapMethod::Pca.name(), "PCA");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pca => "PCA",
            Self::Tsne { .. } => "t-SNE",
            Self::Umap { .. } => "UMAP",
        }
    }
}

/// Settings of a [`Map`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapConfig {
    /// How the points are found; t-SNE with a perplexity of 30 by default.
    pub method: MapMethod,
    /// Decides everything random, 0 by default; equal seeds give equal points.
    pub seed: u64,
    /// Whether rows are scaled to L2 norm 1 first, so that neighbors are those by cosine; true by
    /// default.
    pub normalize: bool,
    /// Neighbors that trustworthiness and continuity look at, 1 or more, 12 by default; below half
    /// of the rows, fewer are used where there are too few rows.
    pub trusted_neighbors: usize,
}

impl Default for MapConfig {
    fn default() -> Self {
        Self {
            method: MapMethod::Tsne { perplexity: 30.0 },
            seed: 0,
            normalize: true,
            trusted_neighbors: 12,
        }
    }
}

/// Points in a plane, one for each row of features.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
/// use selfsame_report::{MapConfig, MapMethod};
///
/// let features = Features::new(3, vec![1.0, 0.0, 0.1, 0.9, 0.0, 0.0, 0.0, 1.0, 0.0, 0.1, 0.9, 0.0])?;
/// let map = MapConfig { method: MapMethod::Pca, ..MapConfig::default() }.map(&features)?;
/// assert_eq!((map.points.rows(), map.points.dim()), (4, 2));
/// assert_eq!(map.trustworthiness, 1.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// How they were found.
    pub method: MapMethod,
    /// Coordinates, `[rows, 2]`, centered.
    pub points: Features,
    /// Its [`trustworthiness`] at [`trusted_neighbors`](Self::trusted_neighbors), 0 to 1.
    pub trustworthiness: f64,
    /// Its [`continuity`] at the same number, 0 to 1.
    pub continuity: f64,
    /// Neighbors that these two looked at.
    pub trusted_neighbors: usize,
    /// Shares of the variance along both axes if they are those of PCA, 0 to 1 each.
    pub explained: Option<[f64; 2]>,
}

impl MapConfig {
    /// Maps features to points. The same bytes for the same input, however many threads there are.
    ///
    /// Rows that are all equal become points at random places near each other, and for PCA one
    /// point. Time grows with the square of the rows, by the search of neighbors and by
    /// trustworthiness.
    ///
    /// # Errors
    /// If there are fewer than 3 rows, or a setting is out of its range.
    pub fn map(&self, features: &Features) -> Result<Map, MetricError> {
        self.validate()?;
        let rows = features.rows();
        if rows < 3 {
            return Err(MetricError::Rows { rows, least: 3 });
        }
        let normalized = self.normalize.then(|| features.normalized());
        let features = normalized.as_ref().unwrap_or(features);
        let pca = pca::pca(features)?;
        let explained = (self.method == MapMethod::Pca).then_some(pca.explained);
        let points = to_features(&self.arrange(features, pca)?)?;
        let k = self.trusted_neighbors.min((rows - 1) / 2);
        let [trustworthiness, continuity] = trustworthiness::both(features, &points, k)?;
        Ok(Map {
            method: self.method,
            trustworthiness,
            continuity,
            points,
            trusted_neighbors: k,
            explained,
        })
    }

    fn validate(&self) -> Result<(), MetricError> {
        let (key, range, holds) = match self.method {
            MapMethod::Tsne { perplexity } => {
                ("perplexity", "above 1", perplexity > 1.0 && perplexity.is_finite())
            }
            MapMethod::Umap { neighbors, .. } if neighbors < 2 => ("neighbors", "2 or more", false),
            MapMethod::Umap { min_dist, .. } => {
                ("min_dist", "0 or more and below 3", (0.0..3.0).contains(&min_dist))
            }
            MapMethod::Pca => ("trusted_neighbors", "1 or more", true),
        };
        if !holds {
            return Err(MetricError::Setting { key, range });
        }
        if self.trusted_neighbors == 0 {
            return Err(MetricError::Setting { key: "trusted_neighbors", range: "1 or more" });
        }
        Ok(())
    }

    fn arrange(&self, features: &Features, pca: Pca) -> Result<Vec<[f64; 2]>, MetricError> {
        let others = features.rows() - 1;
        let nearest = |k| NearestNeighbors::new(features, Distance::L2)?.search_others(k);
        match self.method {
            MapMethod::Pca => Ok(pca.points),
            MapMethod::Tsne { perplexity } => {
                // Beyond three times the perplexity, probabilities are negligible.
                let k = ceil(3.0 * perplexity).min(others);
                let perplexity = perplexity.min(others as f64 / 3.0).max(1.0);
                let start = self.start(pca, 1e-4);
                Ok(tsne::tsne(start, &nearest(k)?, perplexity))
            }
            MapMethod::Umap { neighbors, min_dist } => {
                let neighbors = nearest((neighbors - 1).min(others))?;
                Ok(umap::umap(self.start(pca, 5.0), &neighbors, min_dist, self.seed))
            }
        }
    }

    /// Points of PCA scaled to a standard deviation of `std` along the first axis, and moved a
    /// little at random, so that equal rows can part.
    fn start(&self, pca: Pca, std: f64) -> Vec<[f64; 2]> {
        let squares: f64 = pca.points.iter().map(|point| point[0] * point[0]).sum();
        let scale =
            if squares > 0.0 { std * (pca.points.len() as f64 / squares).sqrt() } else { 0.0 };
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        // Uniform in ±1 % of the standard deviation.
        let mut noise = || (f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5) * 0.02 * std;
        pca.points.iter().map(|point| point.map(|x| scale * x + noise())).collect()
    }
}

/// Rounds up a number above 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn ceil(value: f64) -> usize {
    value.ceil() as usize
}

/// Centers the points.
fn to_features(points: &[[f64; 2]]) -> Result<Features, MetricError> {
    let count = points.len() as f64;
    let sum = points.iter().fold([0.0; 2], |sum, point| [sum[0] + point[0], sum[1] + point[1]]);
    let centered =
        points.iter().flat_map(|point| [0, 1].map(|axis| point[axis] - sum[axis] / count));
    #[allow(clippy::cast_possible_truncation, reason = "a map is not more exact")]
    let values = centered.map(|x| x as f32).collect();
    Features::new(2, values)
}
