//! Matrix products on the host, by blocks of rows: no result depends on the number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Rows and columns that are mirrored at a time: a block is a multiple of it.
const SQUARE: usize = 16;

/// Rows of a product that one task computes: enough tasks for many cores, of which each lays out the
/// right side for itself.
fn block_length(rows: usize) -> usize {
    (rows / 16).clamp(64, 256) / SQUARE * SQUARE
}

/// `left · right · scale`, row by row.
pub(crate) fn product(left: MatRef<'_, f32>, right: MatRef<'_, f32>, scale: f32) -> Vec<f32> {
    let (columns, length) = (right.ncols(), block_length(left.nrows()));
    let mut out = vec![0.0; left.nrows() * columns];
    out.par_chunks_mut(length * columns).enumerate().for_each(|(block, out)| {
        let rows = out.len() / columns;
        let left = left.subrows(block * length, rows);
        let out = MatMut::from_row_major_slice_mut(out, rows, columns);
        matmul(out, Accum::Replace, left, right, scale, Par::Seq);
    });
    out
}

/// `x · xᵀ`, row by row; of two products that mirror each other one is computed.
pub(crate) fn gram(x: MatRef<'_, f32>) -> Vec<f32> {
    let (count, length) = (x.nrows(), block_length(x.nrows()));
    let mut out = vec![0.0; count * count];
    // The last blocks are the longest: they come first.
    out.par_chunks_mut(length * count).enumerate().rev().for_each(|(block, out)| {
        let rows = out.len() / count;
        let upto = block * length + rows;
        let out = MatMut::from_row_major_slice_mut(out, rows, count).subcols_mut(0, upto);
        let (left, right) = (x.subrows(block * length, rows), x.subrows(0, upto).transpose());
        matmul(out, Accum::Replace, left, right, 1.0, Par::Seq);
    });
    // In squares that stay in a cache, as one side of the diagonal is read down the columns.
    for rows in (0..count).step_by(SQUARE) {
        for columns in (rows / length * length + length..count).step_by(SQUARE) {
            for row in rows..rows + SQUARE.min(count - rows) {
                for column in columns..columns + SQUARE.min(count - columns) {
                    out[row * count + column] = out[column * count + row];
                }
            }
        }
    }
    out
}
