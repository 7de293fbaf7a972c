//! Rows and queries in the form in which a matrix product ranks them.

use std::borrow::Cow;

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::rounded;
use crate::distance::{cosine, squares, sum};
use crate::{Distance, Features};

/// Rows in the form in which `⟨query, row⟩ − weight · half square of the row` ranks them.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    distance: Distance,
    dim: usize,
    values: Cow<'a, [f32]>,
    /// Subtracted from every row before scaling; empty if nothing is.
    center: Vec<f64>,
    scale: f64,
    /// Half the squared norm of each prepared row, for distances that need it.
    half_squares: Vec<f32>,
    /// The squared norm of each row as given, for [`Distance::Cosine`].
    squares: Vec<f64>,
    /// The largest norm of a prepared row.
    largest: f64,
}

/// Squares of elements in this range are far from the limits of `f32`.
const SAFE: std::ops::RangeInclusive<f64> = 1e-12..=1e12;

impl<'a> Prepared<'a> {
    pub(super) fn new(rows: &'a Features, distance: Distance) -> Self {
        let (dim, given) = (rows.dim(), rows.as_slice());
        let norms = || given.par_chunks(dim).map(squares).collect::<Vec<f64>>();
        let mut prepared = Self {
            distance,
            dim,
            values: Cow::Borrowed(given),
            center: Vec::new(),
            scale: 1.0,
            half_squares: Vec::new(),
            squares: if distance == Distance::Cosine { norms() } else { Vec::new() },
            largest: 0.0,
        };
        if distance == Distance::L2 {
            prepared.center = worthwhile_center(rows);
        }
        // A cosine has its own scale per row.
        if matches!(distance, Distance::Dot | Distance::L2 | Distance::Snr) {
            let largest = given.par_chunks(dim).map(|row| prepared.spread(row));
            prepared.scale = safe_scale(largest.reduce(|| 0.0, f64::max));
        }
        let changed = match distance {
            Distance::Cosine => !prepared.squares.iter().all(|x| (x - 1.0).abs() < 1e-5),
            Distance::Dot | Distance::L2 => prepared.changes(),
            Distance::L1 => false,
            Distance::Snr => true,
        };
        if changed {
            let mut values = given.to_vec();
            values.par_chunks_mut(dim).for_each(|row| prepared.transform(row));
            prepared.values = Cow::Owned(values);
        }
        if distance != Distance::L1 {
            let norms: Vec<f64> = prepared.values.par_chunks(dim).map(squares).collect();
            prepared.largest = norms.iter().copied().fold(0.0, f64::max).sqrt();
            if matches!(distance, Distance::L2 | Distance::Snr) {
                prepared.half_squares = norms.iter().map(|norm| rounded(norm / 2.0)).collect();
            }
        }
        prepared
    }

    /// Returns the prepared values of `size` rows.
    pub(super) fn values(&self, first: usize, size: usize) -> &[f32] {
        &self.values[first * self.dim..][..size * self.dim]
    }

    /// Prepares a block of queries.
    pub(super) fn queries<'q>(&self, block: &'q [f32]) -> Queries<'q> {
        let given = block;
        let mut values = block.to_vec();
        let mut weights = Vec::with_capacity(block.len() / self.dim);
        for row in values.chunks_mut(self.dim) {
            if self.distance != Distance::L1 {
                self.transform_query(row, &mut weights);
            }
        }
        Queries { dim: self.dim, given, values, weights }
    }

    fn transform_query(&self, row: &mut [f32], weights: &mut Vec<f32>) {
        let own = match self.distance {
            Distance::Cosine => 1.0,
            _ => safe_scale(self.spread(row) * self.scale),
        };
        self.transform_by(row, own);
        weights.push(rounded(own));
    }

    fn changes(&self) -> bool {
        !self.center.is_empty() || (self.scale - 1.0).abs() > 0.0
    }

    /// Returns the largest magnitude of a row once centered.
    fn spread(&self, row: &[f32]) -> f64 {
        let mean = self.own_mean(row);
        let centered = row.iter().enumerate().map(|(i, x)| f64::from(*x) - self.shift(i, mean));
        centered.fold(0.0, |largest, x| largest.max(x.abs()))
    }

    fn own_mean(&self, row: &[f32]) -> f64 {
        if self.distance == Distance::Snr {
            sum(row, row, |x, _| x) / row.len() as f64
        } else {
            0.0
        }
    }

    fn shift(&self, column: usize, mean: f64) -> f64 {
        self.center.get(column).copied().unwrap_or(mean)
    }

    fn transform(&self, row: &mut [f32]) {
        self.transform_by(row, 1.0);
    }

    fn transform_by(&self, row: &mut [f32], own: f64) {
        if self.distance == Distance::Cosine {
            let norm = squares(row).sqrt();
            let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
            for x in row {
                *x = rounded(f64::from(*x) * scale);
            }
            return;
        }
        let mean = self.own_mean(row);
        for (i, x) in row.iter_mut().enumerate() {
            *x = rounded((f64::from(*x) - self.shift(i, mean)) * self.scale * own);
        }
    }

    /// Subtracts from the scores of the rows from `first` on what their own length adds to them.
    pub(super) fn subtract_half_squares(&self, weight: f32, first: usize, scores: &mut [f32]) {
        if !self.half_squares.is_empty() {
            let half_squares = &self.half_squares[first..][..scores.len()];
            for (score, half) in scores.iter_mut().zip(half_squares) {
                *score -= weight * half;
            }
        }
    }

    /// Writes the negative L1 distances of all queries from the rows from `first` on.
    pub(super) fn negative_l1(&self, queries: &Queries<'_>, first: usize, scores: &mut [f32]) {
        let (size, dim) = (scores.len() / queries.count().max(1), self.dim);
        let rows = &self.values[first * dim..][..size * dim];
        Arch::new().dispatch(NegativeL1 { queries: queries.given, rows, dim, scores });
    }

    /// Returns the function from a row and its values to its distance from a query.
    pub(super) fn exact<'q>(&'q self, query: &'q [f32]) -> impl Fn(usize, &[f32]) -> f32 + 'q {
        let own = if self.distance == Distance::Cosine { squares(query) } else { 0.0 };
        move |row, values| match self.distance {
            Distance::Cosine => rounded(1.0 - cosine(query, values, own, self.squares[row])),
            other => rounded(other.between(query, values)),
        }
    }
}

/// Returns the mean row if subtracting it shortens the rows by much, else nothing.
fn worthwhile_center(rows: &Features) -> Vec<f64> {
    let (dim, count) = (rows.dim(), rows.rows() as f64);
    let mut mean = vec![0.0; dim];
    for row in rows.as_slice().chunks(dim) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x) / count);
    }
    let of_mean: f64 = mean.iter().map(|x| x * x).sum();
    let of_rows = rows.as_slice().par_chunks(dim).map(squares).collect::<Vec<_>>();
    let of_rows = of_rows.iter().sum::<f64>() / count;
    if of_mean > 0.5 * of_rows { mean } else { Vec::new() }
}

/// Returns 1 if values up to `largest` can be squared and summed in `f32`, else what makes them 1.
fn safe_scale(largest: f64) -> f64 {
    if SAFE.contains(&largest) || largest == 0.0 { 1.0 } else { 1.0 / largest }
}

/// A block of queries in the form of the rows.
#[derive(Debug)]
pub(super) struct Queries<'q> {
    dim: usize,
    given: &'q [f32],
    values: Vec<f32>,
    weights: Vec<f32>,
}

impl Queries<'_> {
    pub(super) fn count(&self) -> usize {
        self.given.len() / self.dim
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns the scale of a query beyond that of the rows; 1 but for extremes.
    pub(super) fn weight(&self, query: usize) -> f32 {
        self.weights.get(query).copied().unwrap_or(1.0)
    }

    /// Returns for each query the score that every row within `distance` reaches.
    pub(super) fn floors(&self, rows: &Prepared<'_>, distance: f64) -> Vec<f32> {
        let floor = |query: usize| {
            let values = &self.values[query * self.dim..][..self.dim];
            let given = &self.given[query * self.dim..][..self.dim];
            let norm = squares(values).sqrt();
            let weight = f64::from(self.weight(query));
            // Scores of L2 are ⟨a, b⟩ − weight ‖b‖²/2 = (weight⁻¹‖a‖² − weight d²)/2.
            let of_square = |square: f64| {
                (norm * norm / weight - weight * rows.scale * rows.scale * square) / 2.0
            };
            let exact = match rows.distance {
                Distance::Cosine => 1.0 - distance,
                Distance::Dot => -distance * rows.scale * rows.scale * weight,
                Distance::L2 if distance < 0.0 => return f32::INFINITY,
                Distance::L2 => of_square(distance * distance),
                Distance::L1 => -distance,
                Distance::Snr => of_square(distance.max(0.0) * variation(given)),
            };
            // The error of an inner product of `dim` terms, and of rounding the factors.
            let error = 2.0 * f64::from(f32::EPSILON) * (self.dim + 8) as f64;
            let longest = norm / weight + rows.largest;
            let length = weight * longest * longest;
            let slack = error * (2.0 * length + exact.abs().min(1e300));
            let floor = exact - slack - f64::from(f32::MIN_POSITIVE);
            if floor.is_nan() { f32::NEG_INFINITY } else { rounded(floor) }
        };
        (0..self.count()).map(floor).collect()
    }
}

/// Returns the sum of squared deviations of the elements from their mean.
fn variation(row: &[f32]) -> f64 {
    let mean = sum(row, row, |x, _| x) / row.len() as f64;
    sum(row, row, |x, _| (x - mean) * (x - mean))
}

struct NegativeL1<'a> {
    queries: &'a [f32],
    rows: &'a [f32],
    dim: usize,
    scores: &'a mut [f32],
}

impl NullaryFnOnce for NegativeL1<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a dispatched function must be inlined")]
    fn call(self) {
        let size = self.rows.len() / self.dim;
        for (query, scores) in self.queries.chunks(self.dim).zip(self.scores.chunks_mut(size)) {
            for (row, score) in self.rows.chunks(self.dim).zip(scores) {
                *score = -rounded(sum(query, row, |a, b| (a - b).abs()));
            }
        }
    }
}
