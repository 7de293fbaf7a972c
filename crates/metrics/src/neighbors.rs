//! Exact nearest neighbors.

mod candidates;
mod found;
mod prepared;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::{Distance, Features, MetricError};
use candidates::Candidates;
use prepared::{Prepared, Queries};

pub use found::Neighbors;

/// Exact search for the nearest of a set of rows.
///
/// A blocked matrix product in single precision (a plain sum for [`Distance::L1`]) picks a few rows
/// more than asked; their distances are then computed as [`Distance::between`] has them, rounded to
/// `f32`, and decide. Among equal distances the earlier row is nearer.
/// The answers do not depend on the number of threads. Beside at most one copy of the rows, memory is
/// bounded by blocks of fixed size and by what is returned.
#[derive(Debug)]
pub struct NearestNeighbors<'a> {
    rows: &'a Features,
    distance: Distance,
    prepared: Prepared<'a>,
}

/// Queries of a block.
const QUERIES: usize = 256;
/// Rows of a block, which is compared with a block of queries.
const ROWS: usize = 1024;
/// Tasks that there should be, so that few queries occupy all cores too. Not taken from the machine:
/// blocks are the same everywhere.
const TASKS: usize = 32;
/// Rows kept beyond the `k` asked, whose order rounding may have changed.
const SPARE: usize = 16;

impl<'a> NearestNeighbors<'a> {
    /// Prepares what every search needs, such as norms.
    ///
    /// # Errors
    /// If there are no rows, or more than `u32` counts.
    pub fn new(rows: &'a Features, distance: Distance) -> Result<Self, MetricError> {
        rows.at_least(1)?;
        if u32::try_from(rows.rows()).is_err() {
            let range = "at most 4294967295 rows; search parts and merge";
            return Err(MetricError::Setting { key: "rows", range });
        }
        Ok(Self { rows, distance, prepared: Prepared::new(rows, distance) })
    }

    /// Finds the `k` nearest rows of each query; all rows if there are fewer.
    ///
    /// # Errors
    /// If the widths differ or `k` is 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Distance, Features, NearestNeighbors};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0, 5.0])?;
    /// let search = NearestNeighbors::new(&rows, Distance::L2)?;
    /// let found = search.search(&Features::new(1, vec![4.0])?, 2)?;
    /// assert_eq!((found.indices(0), found.distances(0)), (&[2, 1][..], &[1.0, 3.0][..]));
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn search(&self, queries: &Features, k: usize) -> Result<Neighbors, MetricError> {
        self.rows.same_width(queries)?;
        check_k(k)?;
        let k = k.min(self.rows.rows());
        let found = self.nearest(queries, k, false);
        Ok(Neighbors::new(queries.rows(), k, found))
    }

    /// Finds the `k` nearest other rows of each row; all others if there are fewer.
    ///
    /// A row is left out by its index: an equal row elsewhere stays a neighbor.
    ///
    /// # Errors
    /// If there are fewer than two rows or `k` is 0.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Distance, Features, NearestNeighbors};
    ///
    /// let rows = Features::new(1, vec![0.0, 1.0, 1.0])?;
    /// let found = NearestNeighbors::new(&rows, Distance::L2)?.search_others(1)?;
    /// assert_eq!([0, 1, 2].map(|row| found.indices(row)[0]), [1, 2, 1]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn search_others(&self, k: usize) -> Result<Neighbors, MetricError> {
        self.rows.at_least(2)?;
        check_k(k)?;
        let k = k.min(self.rows.rows() - 1);
        let found = self.nearest(self.rows, k, true);
        Ok(Neighbors::new(self.rows.rows(), k, found))
    }

    /// Finds all rows at most `distance` away from each query, nearest first.
    ///
    /// Distances are compared as `f32`, so that one taken from a search includes its row.
    ///
    /// # Errors
    /// If the widths differ or `distance` is NaN.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Distance, Features, NearestNeighbors};
    ///
    /// let rows = Features::new(1, vec![0.0, 3.0, 1.0])?;
    /// let search = NearestNeighbors::new(&rows, Distance::L1)?;
    /// let found = search.within(&Features::new(1, vec![0.5, 9.0])?, 0.5)?;
    /// assert_eq!(found, [vec![(0, 0.5), (2, 0.5)], vec![]]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn within(
        &self,
        queries: &Features,
        distance: f64,
    ) -> Result<Vec<Vec<(u32, f32)>>, MetricError> {
        self.rows.same_width(queries)?;
        if distance.is_nan() {
            return Err(MetricError::Setting { key: "distance", range: "a number, not NaN" });
        }
        let blocks = queries.as_slice().par_chunks(QUERIES * queries.dim());
        let found = blocks.map(|block| {
            let prepared = self.prepared.queries(block);
            let floors = prepared.floors(&self.prepared, distance);
            let mut near = vec![Vec::new(); block.len() / queries.dim()];
            self.scores(&prepared, 0..self.rows.rows(), |first, query, scores| {
                let reached = scores.iter().zip(first..);
                let reached = reached.filter(|(score, _)| **score >= floors[query]);
                near[query].extend(reached.map(|(_, row)| row));
            });
            let rows = block.chunks(queries.dim()).zip(near);
            let near = rows.map(|(query, near)| {
                let mut near = self.measured(query, near);
                near.retain(|(_, found)| *found <= rounded(distance));
                near
            });
            near.collect::<Vec<_>>()
        });
        Ok(found.flatten_iter().collect())
    }

    /// Returns `k` pairs of row and distance per query, query after query.
    fn nearest(&self, queries: &Features, k: usize, others: bool) -> Vec<(u32, f32)> {
        let rows = self.rows.rows();
        let blocks = queries.rows().div_ceil(QUERIES);
        let spans = TASKS.div_ceil(blocks.max(1)).min(rows.div_ceil(ROWS));
        let span = rows.div_ceil(spans);
        let keep = (k + SPARE + usize::from(others)).min(rows);
        let dim = queries.dim();
        let of_block = |(place, block): (usize, &[f32])| {
            let prepared = self.prepared.queries(block);
            let of_span = |first: usize| {
                let mut best = vec![Candidates::new(keep); prepared.count()];
                self.scores(&prepared, first..(first + span).min(rows), |first, query, scores| {
                    best[query].offer(first, scores);
                });
                best
            };
            let starts: Vec<usize> = (0..rows).step_by(span).collect();
            let spans: Vec<Vec<Candidates>> = starts.into_par_iter().map(of_span).collect();
            let of_query = |(query, values): (usize, &[f32])| {
                let best = Candidates::best(spans.iter().map(|best| &best[query]), keep);
                let mut near = self.measured(values, best);
                near.retain(|(row, _)| !(others && *row as usize == place * QUERIES + query));
                near.truncate(k);
                near
            };
            block.chunks(dim).enumerate().flat_map(of_query).collect::<Vec<_>>()
        };
        let blocks = queries.as_slice().par_chunks(QUERIES * dim).enumerate();
        blocks.flat_map_iter(of_block).collect()
    }

    /// Hands out `(first row, query, scores of the rows from there)`, rows in ascending order.
    ///
    /// The larger a score, the nearer the row.
    fn scores(
        &self,
        queries: &Queries<'_>,
        rows: std::ops::Range<usize>,
        mut take: impl FnMut(u32, usize, &mut [f32]),
    ) {
        let (dim, count) = (self.rows.dim(), queries.count());
        let blocks = rows.len().div_ceil(ROWS).max(1);
        let size = rows.len().div_ceil(blocks); // of nearly equal size, so that none is thin
        let mut scores = vec![0.0_f32; count * size];
        let mut first = rows.start;
        while first < rows.end {
            let size = size.min(rows.end - first);
            let scores = &mut scores[..count * size];
            if self.distance == Distance::L1 {
                self.prepared.negative_l1(queries, first, scores);
            } else {
                let columns = self.prepared.values(first, size);
                matmul(
                    MatMut::from_row_major_slice_mut(scores, count, size),
                    Accum::Replace,
                    MatRef::from_row_major_slice(queries.values(), count, dim),
                    MatRef::from_row_major_slice(columns, size, dim).transpose(),
                    1.0,
                    Par::Seq,
                );
            }
            #[allow(clippy::cast_possible_truncation, reason = "`new` checks the number of rows")]
            for (query, scores) in scores.chunks_mut(size).enumerate() {
                self.prepared.subtract_half_squares(queries.weight(query), first, scores);
                take(first as u32, query, scores);
            }
            first += size;
        }
    }

    /// Returns the rows with their exact distances, rounded to `f32`, nearest first.
    fn measured(&self, query: &[f32], rows: Vec<u32>) -> Vec<(u32, f32)> {
        let distance = self.prepared.exact(query);
        let row = |row: u32| (row, distance(row as usize, self.rows.row(row as usize)));
        let mut near: Vec<(u32, f32)> = rows.into_iter().map(row).collect();
        near.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        near
    }
}

fn check_k(k: usize) -> Result<(), MetricError> {
    if k == 0 {
        return Err(MetricError::Setting { key: "k", range: "1 or more" });
    }
    Ok(())
}

#[allow(clippy::cast_possible_truncation, reason = "distances are returned in single precision")]
fn rounded(distance: f64) -> f32 {
    distance as f32
}

#[cfg(test)]
mod tests;
