//! Matrix products on the host, by blocks of rows: no result depends on the number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Rows of a product that one task computes.
const BLOCK: usize = 64;

/// `left · right · scale`, row by row.
pub(crate) fn product(left: MatRef<'_, f32>, right: MatRef<'_, f32>, scale: f32) -> Vec<f32> {
    let columns = right.ncols();
    let mut out = vec![0.0; left.nrows() * columns];
    out.par_chunks_mut(BLOCK * columns).enumerate().for_each(|(block, out)| {
        let rows = out.len() / columns;
        let left = left.subrows(block * BLOCK, rows);
        let out = MatMut::from_row_major_slice_mut(out, rows, columns);
        matmul(out, Accum::Replace, left, right, scale, Par::Seq);
    });
    out
}

/// `x · xᵀ`, row by row; of two products that mirror each other one is computed.
pub(crate) fn gram(x: MatRef<'_, f32>) -> Vec<f32> {
    let count = x.nrows();
    let mut out = vec![0.0; count * count];
    // The last blocks are the longest: they come first.
    out.par_chunks_mut(BLOCK * count).enumerate().rev().for_each(|(block, out)| {
        let rows = out.len() / count;
        let upto = block * BLOCK + rows;
        let out = MatMut::from_row_major_slice_mut(out, rows, count).subcols_mut(0, upto);
        let (left, right) = (x.subrows(block * BLOCK, rows), x.subrows(0, upto).transpose());
        matmul(out, Accum::Replace, left, right, 1.0, Par::Seq);
    });
    for row in 0..count {
        for column in (row / BLOCK + 1) * BLOCK..count {
            out[row * count + column] = out[column * count + row];
        }
    }
    out
}
