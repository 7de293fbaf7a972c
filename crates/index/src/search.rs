//! Exact search.

use selfsame_metrics::{Features, NearestNeighbors, Neighbors};
use serde::{Deserialize, Serialize};

use crate::index::row_features;
use crate::{Index, IndexError};

/// An item that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hit {
    /// Position of the item in the index.
    pub position: usize,
    /// Its distance from the query, in the units of the index's distance.
    pub distance: f32,
}

/// An index that is prepared for many searches.
///
/// [`Index::search`] prepares anew for each call, which reads all rows once; a searcher does it once
/// for all calls. Results are the same.
///
/// # Example
/// ```
/// use selfsame_index::{Index, Item};
/// use selfsame_metrics::{Distance, Features};
///
/// let rows = Features::new(1, vec![5.0, 6.0, 9.0])?;
/// let index = Index::from_features(rows, vec![Item::default(); 3], Distance::L2)?;
/// let searcher = index.searcher()?;
/// for query in [4.0, 5.2] {
///     assert_eq!(searcher.search(&[query], 1)?[0].position, 0);
/// }
/// # Ok::<(), selfsame_index::IndexError>(())
/// ```
#[derive(Debug)]
pub struct Searcher<'a> {
    exact: NearestNeighbors<'a>,
}

impl Index {
    /// Prepares the index for many searches.
    ///
    /// # Errors
    /// If the index is empty.
    pub fn searcher(&self) -> Result<Searcher<'_>, IndexError> {
        if self.is_empty() {
            return Err(IndexError::Empty);
        }
        Ok(Searcher { exact: NearestNeighbors::new(self.features(), self.distance())? })
    }

    /// Returns the `k` nearest items of one query, nearest first; all items if there are fewer.
    ///
    /// # Errors
    /// If the index is empty, `k` is 0, or the query has another width or a value that is not
    /// finite.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Hit, Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(2, vec![0.0, 0.0, 3.0, 4.0])?;
    /// let index = Index::from_features(rows, vec![Item::default(); 2], Distance::L1)?;
    /// let near = Hit { position: 1, distance: 1.0 };
    /// let far = Hit { position: 0, distance: 6.0 };
    /// assert_eq!(index.search(&[3.0, 3.0], 9)?, [near, far]);
    /// assert!(index.search(&[3.0, 3.0], 0).is_err());
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn search(&self, query: &[f32], k: usize) -> Result<Vec<Hit>, IndexError> {
        self.searcher()?.search(query, k)
    }

    /// Returns the `k` nearest items of each query.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![5.0, 6.0])?;
    /// let index = Index::from_features(rows.clone(), vec![Item::default(); 2], Distance::L2)?;
    /// let hits = index.search_all(&rows, 1)?;
    /// assert_eq!((hits[0][0].position, hits[1][0].position), (0, 1));
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn search_all(&self, queries: &Features, k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        self.searcher()?.search_all(queries, k)
    }

    /// Returns all items at most `distance` from one query, nearest first.
    ///
    /// # Errors
    /// If the index is empty, `distance` is NaN, or the query has another width or a value that is
    /// not finite.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![5.0, 6.0, 9.0])?;
    /// let index = Index::from_features(rows, vec![Item::default(); 3], Distance::L2)?;
    /// let positions = |distance| -> Result<Vec<usize>, selfsame_index::IndexError> {
    ///     Ok(index.search_within(&[7.0], distance)?.iter().map(|hit| hit.position).collect())
    /// };
    /// assert_eq!(positions(2.0)?, [1, 0, 2]);
    /// assert!(positions(0.5)?.is_empty());
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn search_within(&self, query: &[f32], distance: f64) -> Result<Vec<Hit>, IndexError> {
        self.searcher()?.search_within(query, distance)
    }

    /// Returns all items at most `distance` from each query, nearest first.
    ///
    /// # Errors
    /// As [`search_within`](Self::search_within).
    pub fn search_all_within(
        &self,
        queries: &Features,
        distance: f64,
    ) -> Result<Vec<Vec<Hit>>, IndexError> {
        self.searcher()?.search_all_within(queries, distance)
    }

    /// Returns for each item the `k` nearest of the others; copies of it are among those.
    ///
    /// # Errors
    /// If there are fewer than two items, or `k` is 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::{Distance, Features};
    ///
    /// let rows = Features::new(1, vec![5.0, 6.0, 9.0])?;
    /// let index = Index::from_features(rows, vec![Item::default(); 3], Distance::L2)?;
    /// let nearest: Vec<_> = index.search_others(1)?.iter().map(|hits| hits[0].position).collect();
    /// assert_eq!(nearest, [1, 0, 1]);
    /// # Ok::<(), selfsame_index::IndexError>(())
    /// ```
    pub fn search_others(&self, k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        self.searcher()?.search_others(k)
    }
}

impl Searcher<'_> {
    /// Returns what [`Index::search`] returns.
    ///
    /// # Errors
    /// If `k` is 0, or the query has another width or a value that is not finite.
    pub fn search(&self, query: &[f32], k: usize) -> Result<Vec<Hit>, IndexError> {
        Ok(one(self.search_all(&row_features(query)?, k)?))
    }

    /// Returns what [`Index::search_all`] returns.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_all(&self, queries: &Features, k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        Ok(hits(&self.exact.search(queries, k)?))
    }

    /// Returns what [`Index::search_within`] returns.
    ///
    /// # Errors
    /// If `distance` is NaN, or the query has another width or a value that is not finite.
    pub fn search_within(&self, query: &[f32], distance: f64) -> Result<Vec<Hit>, IndexError> {
        Ok(one(self.search_all_within(&row_features(query)?, distance)?))
    }

    /// Returns what [`Index::search_all_within`] returns.
    ///
    /// # Errors
    /// As [`search_within`](Self::search_within).
    pub fn search_all_within(
        &self,
        queries: &Features,
        distance: f64,
    ) -> Result<Vec<Vec<Hit>>, IndexError> {
        if distance.is_nan() {
            return Err(IndexError::setting("distance", "a number, not NaN"));
        }
        let of_query = |found: Vec<(u32, f32)>| {
            found.into_iter().map(|(row, distance)| hit(row, distance)).collect()
        };
        Ok(self.exact.within(queries, distance)?.into_iter().map(of_query).collect())
    }

    /// Returns what [`Index::search_others`] returns.
    ///
    /// # Errors
    /// If there are fewer than two items, or `k` is 0.
    pub fn search_others(&self, k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        Ok(hits(&self.exact.search_others(k)?))
    }
}

fn hit(row: u32, distance: f32) -> Hit {
    Hit { position: row as usize, distance }
}

fn hits(neighbors: &Neighbors) -> Vec<Vec<Hit>> {
    let of_query = |query| {
        let rows = neighbors.indices(query).iter().zip(neighbors.distances(query));
        rows.map(|(&row, &distance)| hit(row, distance)).collect()
    };
    (0..neighbors.queries()).map(of_query).collect()
}

/// Returns the answer to the only query.
fn one(mut hits: Vec<Vec<Hit>>) -> Vec<Hit> {
    hits.pop().unwrap_or_default()
}
