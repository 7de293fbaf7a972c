//! What a search has found.

/// The nearest rows of each query, nearest first; equal distances in order of the rows.
///
/// # Example
/// ```
/// use selfsame_metrics::{Distance, Features, NearestNeighbors};
///
/// let rows = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
/// let found = NearestNeighbors::new(&rows, Distance::Cosine)?.search(&rows, 5)?;
/// assert_eq!((found.queries(), found.k()), (2, 2));
/// assert_eq!((found.indices(1), found.distances(1)), (&[1, 0][..], &[0.0, 1.0][..]));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    queries: usize,
    k: usize,
    indices: Vec<u32>,
    distances: Vec<f32>,
}

impl Neighbors {
    /// Takes `k` pairs per query, query after query.
    pub(super) fn new(queries: usize, k: usize, found: Vec<(u32, f32)>) -> Self {
        debug_assert_eq!(found.len(), queries * k, "k neighbors per query");
        let (indices, distances) = found.into_iter().unzip();
        Self { queries, k, indices, distances }
    }

    /// Returns the number of queries.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.queries
    }

    /// Returns the number of neighbors per query: what was asked, or all rows if there are fewer.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the rows nearest to a query, nearest first.
    ///
    /// # Panics
    /// If `query` is not below [`queries`](Self::queries).
    #[must_use]
    #[track_caller]
    pub fn indices(&self, query: usize) -> &[u32] {
        &self.indices[query * self.k..][..self.k]
    }

    /// Returns the distances of those rows, in ascending order.
    ///
    /// # Panics
    /// If `query` is not below [`queries`](Self::queries).
    #[must_use]
    #[track_caller]
    pub fn distances(&self, query: usize) -> &[f32] {
        &self.distances[query * self.k..][..self.k]
    }
}
