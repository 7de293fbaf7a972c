//! Approximate search by a graph of neighbors.

mod euclidean;
mod squared_l2;

use hnsw_rs::hnsw::Hnsw;
use selfsame_metrics::{Features, MetricError};
use serde::{Deserialize, Serialize};

use self::euclidean::Euclidean;
use self::squared_l2::SquaredL2;
use crate::index::row_features;
use crate::{Hit, Index, IndexError};

/// Settings of an [`ApproximateSearcher`].
///
/// # Source
/// Malkov & Yashunin, 2018, [arXiv:1603.09320](https://arxiv.org/abs/1603.09320).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HnswConfig {
    /// Neighbors of an item in the graph (`M`), 2 to 255. More make searches better, and building
    /// and memory larger. Default: 16 (ours).
    pub neighbors: usize,
    /// Candidates while the graph is built (`efConstruction`), 1 or more. Default: 200 (the paper's
    /// authors').
    pub build_candidates: usize,
    /// Candidates of a search (`ef`), 1 or more; at least `k` are taken. More find more and are
    /// slower. Default: 128 (ours).
    pub search_candidates: usize,
}

impl Default for HnswConfig {
    fn default() -> Self {
        Self { neighbors: 16, build_candidates: 200, search_candidates: 128 }
    }
}

/// Layers that a graph may have, the largest number that the library takes.
const LAYERS: usize = 16;

/// A graph over an index, by which a search reads few of its items.
///
/// It finds most of the nearest items, not all of them; their distances are those of
/// [`Distance::between`](selfsame_metrics::Distance::between). The graph is built
/// one item after the other, with a fixed seed: the same index gives the same graph and the same
/// hits. It holds a copy of the rows, is not saved, and serves the index as it is now: the borrow
/// keeps the index from changing.
///
/// # Example
/// ```
/// use selfsame_index::{HnswConfig, Index, Item};
/// use selfsame_metrics::{Distance, Features};
///
/// let rows = Features::new(1, (0_u8..200).map(f32::from).collect())?;
/// let index = Index::from_features(rows, vec![Item::default(); 200], Distance::L2)?;
/// let searcher = index.approximate(&HnswConfig::default())?;
/// assert_eq!(searcher.search(&[57.2], 2)?, index.search(&[57.2], 2)?);
/// # Ok::<(), selfsame_index::IndexError>(())
/// ```
pub struct ApproximateSearcher<'a> {
    index: &'a Index,
    space: Euclidean,
    graph: Hnsw<'static, f32, SquaredL2>,
    search_candidates: usize,
}

impl std::fmt::Debug for ApproximateSearcher<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ApproximateSearcher")
            .field("items", &self.index.len())
            .field("search_candidates", &self.search_candidates)
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Builds a graph for approximate search.
    ///
    /// Cosine, dot product, L2 and SNR are searched as Euclidean distances of changed rows, which
    /// have the same order; L1 is searched as it is.
    ///
    /// # Errors
    /// If the index is empty, or a setting is out of its range.
    pub fn approximate(&self, config: &HnswConfig) -> Result<ApproximateSearcher<'_>, IndexError> {
        let in_range = [
            ("neighbors", (2..=255).contains(&config.neighbors), "2 to 255"),
            ("build_candidates", config.build_candidates > 0, "1 or more"),
            ("search_candidates", config.search_candidates > 0, "1 or more"),
        ];
        for (key, is_in_range, range) in in_range {
            if !is_in_range {
                return Err(IndexError::setting(key, range));
            }
        }
        if self.is_empty() {
            return Err(IndexError::Empty);
        }
        let space = Euclidean::of(self.features(), self.distance());
        let metric = SquaredL2::for_distance(self.distance());
        let graph =
            Hnsw::new(config.neighbors, self.len(), LAYERS, config.build_candidates, metric);
        for position in 0..self.len() {
            graph.insert_slice((&space.row(self.features().row(position)), position));
        }
        Ok(ApproximateSearcher {
            index: self,
            space,
            graph,
            search_candidates: config.search_candidates,
        })
    }
}

impl ApproximateSearcher<'_> {
    /// Returns about the `k` nearest items of one query, nearest first.
    ///
    /// # Errors
    /// If `k` is 0, or the query has another width or a value that is not finite.
    pub fn search(&self, query: &[f32], k: usize) -> Result<Vec<Hit>, IndexError> {
        let mut hits = self.search_all(&row_features(query)?, k)?;
        Ok(hits.pop().unwrap_or_default())
    }

    /// Returns about the `k` nearest items of each query, nearest first.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_all(&self, queries: &Features, k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        let (first, second) = (queries.dim(), self.index.dim());
        if first != second {
            return Err(MetricError::Width { first, second }.into());
        }
        if k == 0 {
            return Err(IndexError::setting("k", "1 or more"));
        }
        Ok((0..queries.rows()).map(|query| self.nearest(queries.row(query), k)).collect())
    }

    /// Returns the hits of one query with their exact distances.
    fn nearest(&self, query: &[f32], k: usize) -> Vec<Hit> {
        let candidates = self.search_candidates.max(k);
        let found = self.graph.search(&self.space.query(query), k, candidates);
        let hit = |position: usize| {
            let row = self.index.features().row(position);
            #[allow(clippy::cast_possible_truncation, reason = "hits hold f32")]
            let distance = self.index.distance().between(query, row) as f32;
            Hit { position, distance }
        };
        let mut hits: Vec<Hit> = found.iter().map(|found| hit(found.d_id)).collect();
        let order =
            |a: &Hit, b: &Hit| a.distance.total_cmp(&b.distance).then(a.position.cmp(&b.position));
        hits.sort_unstable_by(order);
        hits
    }
}
