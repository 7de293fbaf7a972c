//! Products of a matrix with its transpose, row block by row block, and their eigenvalues.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, Side};
use rayon::prelude::*;

use crate::{Features, MetricError};

/// Rows converted to `f64` at a time.
const BLOCK: usize = 512;

/// Rows of the product that one task computes; fixed, so that threads do not change a sum.
const STRIP: usize = 128;

/// Returns the eigenvalues of `Xᵀ X`, largest first and at least 0: `min(rows, dim)` of them, as the
/// others are 0.
///
/// `fill` writes row `i` of `X`. At most `min(rows, dim)² + 512 · dim` values are held.
pub(crate) fn squared_singular_values(
    rows: usize,
    dim: usize,
    fill: impl Fn(usize, &mut [f64]),
) -> Result<Vec<f64>, MetricError> {
    let gram = if rows < dim { row_gram(rows, dim, fill) } else { column_gram(rows, dim, fill) };
    eigenvalues(&gram, rows.min(dim))
}

/// Returns the eigenvalues of a symmetric matrix, largest first, those below 0 as 0.
///
/// Only the lower triangle is read.
pub(crate) fn eigenvalues(lower: &[f64], side: usize) -> Result<Vec<f64>, MetricError> {
    let values = MatRef::from_row_major_slice(lower, side, side)
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| MetricError::Eigenvalues)?;
    let mut values: Vec<f64> = values.into_iter().map(|value| value.max(0.0)).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    Ok(values)
}

/// Returns the lower triangle of `Xᵀ X`, row-major, `dim × dim`; the rest is 0 or part of the sum.
pub(crate) fn column_gram(rows: usize, dim: usize, fill: impl Fn(usize, &mut [f64])) -> Vec<f64> {
    let mut gram = vec![0.0; dim * dim];
    let mut block = vec![0.0; BLOCK.min(rows) * dim];
    for first in (0..rows).step_by(BLOCK) {
        let count = BLOCK.min(rows - first);
        let block = &mut block[..count * dim];
        block.chunks_mut(dim).zip(first..).for_each(|(row, index)| fill(index, row));
        let block = MatRef::from_row_major_slice(block, count, dim);
        add_lower(&mut gram, dim, block.transpose(), block);
    }
    gram
}

/// Returns the lower triangle of `X Xᵀ`, row-major, `rows × rows`.
fn row_gram(rows: usize, dim: usize, fill: impl Fn(usize, &mut [f64])) -> Vec<f64> {
    let mut data = vec![0.0; rows * dim];
    data.chunks_mut(dim).enumerate().for_each(|(index, row)| fill(index, row));
    let data = MatRef::from_row_major_slice(&data, rows, dim);
    let mut gram = vec![0.0; rows * rows];
    add_lower(&mut gram, rows, data, data.transpose());
    gram
}

/// Adds the lower triangle of a product, in strips that run in parallel.
fn add_lower(gram: &mut [f64], side: usize, left: MatRef<'_, f64>, right: MatRef<'_, f64>) {
    gram.par_chunks_mut(STRIP * side).enumerate().for_each(|(strip, out)| {
        let (first, count) = (strip * STRIP, out.len() / side);
        let out = MatMut::from_row_major_slice_mut(out, count, side).subcols_mut(0, first + count);
        let (left, right) = (left.subrows(first, count), right.subcols(0, first + count));
        matmul(out, Accum::Add, left, right, 1.0, Par::Seq);
    });
}

/// Returns the mean of every column; exact for a column of one value.
pub(crate) fn column_means(features: &Features) -> Vec<f64> {
    let (rows, first) = (features.rows() as f64, features.row(0));
    let mut means = vec![0.0; features.dim()];
    for row in features.as_slice().chunks(features.dim()) {
        let offsets = row.iter().zip(first).map(|(x, first)| f64::from(*x) - f64::from(*first));
        means.iter_mut().zip(offsets).for_each(|(mean, offset)| *mean += offset / rows);
    }
    means.iter_mut().zip(first).for_each(|(mean, first)| *mean += f64::from(*first));
    means
}

/// Returns the exponential of the entropy of `values` as shares of their sum: how many of them
/// count; nothing if none is above 0.
///
/// Values at most `floor` are omitted.
pub(crate) fn effective_rank(values: impl Iterator<Item = f64> + Clone, floor: f64) -> Option<f64> {
    let values = values.filter(|&value| value > floor);
    let total: f64 = values.clone().sum();
    let entropy: f64 = values.map(|value| value / total).map(|p| -p * p.ln()).sum();
    (total > 0.0).then(|| entropy.exp())
}

/// Returns the eigenvalue up to which the eigenvalues of a product are rounding, not directions.
pub(crate) fn rounding_floor(eigenvalues: &[f64]) -> f64 {
    let largest = eigenvalues.first().copied().unwrap_or(0.0);
    largest * f64::EPSILON * eigenvalues.len().max(64) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of no order, the same on every run.
    fn value(row: usize, column: usize) -> f64 {
        ((row * 31 + column * 17 + row * column) % 23) as f64 - 11.0
    }

    fn fill(row: usize, out: &mut [f64]) {
        out.iter_mut().enumerate().for_each(|(column, x)| *x = value(row, column));
    }

    #[test]
    fn blocks_and_strips_add_up_to_the_product() {
        for (rows, dim) in [(1, 1), (3, 5), (BLOCK + 7, 3), (2 * BLOCK, STRIP + 2), (9, 300)] {
            let gram = column_gram(rows, dim, fill);
            for (i, j) in [(0, 0), (dim - 1, 0), (dim - 1, dim - 1), (dim / 2, dim / 3)] {
                let want: f64 = (0..rows).map(|row| value(row, i) * value(row, j)).sum();
                assert!((gram[i * dim + j] - want).abs() <= 1e-12 * want.abs().max(1.0));
            }
        }
    }

    #[test]
    fn both_products_have_the_same_eigenvalues() {
        for (rows, dim) in [(4, 9), (9, 4), (5, 5)] {
            let found = squared_singular_values(rows, dim, fill).unwrap();
            let columns = eigenvalues(&column_gram(rows, dim, fill), dim).unwrap();
            let rows = eigenvalues(&row_gram(rows, dim, fill), rows).unwrap();
            for ((found, columns), rows) in found.iter().zip(columns).zip(rows) {
                assert!((found - columns).abs() < 1e-9 && (found - rows).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_mean_of_one_value_is_that_value() {
        let constant = Features::new(2, [0.1, 1e30].repeat(7)).unwrap();
        let want = [f64::from(0.1_f32), f64::from(1e30_f32)];
        assert_eq!(column_means(&constant), want);
    }
}
