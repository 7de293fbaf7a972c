//! Barlow Twins' loss from the correlations of two views' columns.
//!
//! Views are much larger than caches, so that each pass over one counts. Besides the products there
//! is one pass that measures the columns of a view. Views are standardized while they are packed
//! for a product, so that the standardized matrix is never materialized; the backward pass does the
//! same per block of rows.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::gemm::packed::{Matrix, multiply, multiply_then};
use crate::loss::standardize::host::{ColumnStatistics, column_statistics};
use crate::simd::{GRAIN, dot};

/// The loss of the correlations of two views, with the state of its backward pass.
pub(crate) struct Correlation<'a> {
    pub(crate) loss: f32,
    /// Both views in row-major order, and the statistics that standardize them.
    views: [(&'a [f32], ColumnStatistics); 2],
    /// The derivative of the loss with respect to each correlation; a row for each column of the
    /// first view.
    slopes: Vec<f32>,
    /// The share of each column in its own gradient, for each view.
    along: [Vec<f32>; 2],
}

impl<'a> Correlation<'a> {
    /// Computes `Σᵢ (1 − Cᵢᵢ)² + weight · Σᵢ Σⱼ≠ᵢ Cᵢⱼ²`; `None` if a variance is too large, or NaN.
    pub(crate) fn of(
        views: [&'a [f32]; 2],
        columns: usize,
        epsilon: f32,
        weight: f32,
    ) -> Option<Self> {
        let views = views.map(|view| (view, column_statistics(view, columns, epsilon)));
        if !views.iter().flat_map(|(_, own)| &own.inverse).all(|inverse| inverse.is_normal()) {
            return None;
        }
        let [a, b] = views.each_ref().map(|(view, own)| own.standardized(view));
        let share = (a.rows() as f32).recip();
        let mut slopes = multiply(a.transpose(), b, share);
        let mut diagonal = Vec::with_capacity(columns);
        for own in slopes.iter_mut().step_by(columns + 1) {
            diagonal.push(std::mem::take(own));
        }
        let squares = square_sums(&mut slopes, columns, 2.0 * weight);
        for (own, correlation) in slopes.iter_mut().step_by(columns + 1).zip(&diagonal) {
            *own = 2.0 * (correlation - 1.0);
        }
        let distance: f64 = diagonal.iter().map(|x| f64::from(1.0 - x).powi(2)).sum();
        let others: f64 = squares[0].iter().map(|squares| f64::from(*squares)).sum();
        let along = squares.map(|squares| {
            let of_both = squares.iter().zip(&diagonal);
            of_both.map(|(squares, x)| 2.0 * share * (weight * squares + x * (x - 1.0))).collect()
        });
        let loss = (distance + f64::from(weight) * others) as f32;
        Some(Self { loss, views, slopes, along })
    }

    /// Computes the gradient with respect to the first or the second view.
    pub(crate) fn gradient(&self, view: usize) -> Vec<f32> {
        let [(x, of_columns), (other, of_others)] = [&self.views[view], &self.views[1 - view]];
        let along = &self.along[view];
        let columns = along.len();
        let slopes = Matrix::new(&self.slopes, [columns; 2]);
        let slopes = if view == 0 { slopes.transpose() } else { slopes };
        let other = of_others.standardized(other);
        let share = (other.rows() as f32).recip();
        multiply_then(other, slopes, share, |row, gradient| {
            let x = &x[row * columns..][..gradient.len()];
            Arch::new().dispatch(ViewBackward { x, of_columns, along, gradient });
        })
    }
}

/// Sums the squares of each row and of each column; then multiplies all elements by `scale`.
fn square_sums(elements: &mut [f32], columns: usize, scale: f32) -> [Vec<f32>; 2] {
    let count = (GRAIN / columns).max(1);
    let (mut of_rows, mut of_columns) = (vec![0.0; columns], vec![0.0; columns]);
    let parts = elements.par_chunks_mut(count * columns).zip(of_rows.par_chunks_mut(count));
    let parts: Vec<Vec<f32>> =
        parts.map(|(rows, sums)| Arch::new().dispatch(SquareSums { rows, sums, scale })).collect();
    for part in parts {
        of_columns.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    [of_rows, of_columns]
}

struct SquareSums<'a> {
    rows: &'a mut [f32],
    sums: &'a mut [f32],
    scale: f32,
}

impl WithSimd for SquareSums<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f32> {
        let columns = self.rows.len() / self.sums.len();
        let mut of_columns = vec![0.0; columns];
        for (row, sum) in self.rows.chunks_exact_mut(columns).zip(self.sums) {
            *sum = dot(row, row);
            for (of_column, x) in of_columns.iter_mut().zip(row) {
                *of_column += *x * *x;
                *x *= self.scale;
            }
        }
        of_columns
    }
}

/// Turns rows of the gradient with respect to a standardized view into rows of the gradient with
/// respect to the view. Their column means are 0 already, as those of the other view are.
struct ViewBackward<'a> {
    x: &'a [f32],
    of_columns: &'a ColumnStatistics,
    along: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for ViewBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, of_columns: ColumnStatistics { means, inverse }, along, gradient } = self;
        let columns = along.len();
        for (gradient, x) in gradient.chunks_exact_mut(columns).zip(x.chunks_exact(columns)) {
            let of_columns = along.iter().zip(means.iter().zip(inverse));
            for ((gradient, x), (along, (mean, inverse))) in
                gradient.iter_mut().zip(x).zip(of_columns)
            {
                *gradient = (*gradient - (x - mean) * inverse * along) * inverse;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_column_costs_one_and_has_no_gradient() {
        let constant = 0.37;
        for rows in [3, 1_000] {
            let view: Vec<f32> =
                (0..rows).flat_map(|row| [(row * 37 % 101) as f32, constant]).collect();
            let found = Correlation::of([&view, &view], 2, 1e-5, 0.5).unwrap();
            assert!((found.loss - 1.0).abs() < 1e-5, "{rows} rows: {}", found.loss);
            for side in 0..2 {
                let gradient = found.gradient(side);
                assert!(gradient.iter().skip(1).step_by(2).all(|x| *x == 0.0), "{rows} rows");
            }
        }
    }
}
