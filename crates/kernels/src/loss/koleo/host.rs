//! The nearest other row by inner product, without materializing the matrix of all products.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::max;

/// Rows of a tile, and its columns.
const TILE: [usize; 2] = [64, 256];

/// Finds for every row the index of the other row with the largest product, of equal ones the
/// first, and some other row if all products are NaN. There are 2 rows or more.
pub(crate) fn most_similar_rows(rows: &[f32], dim: usize) -> Vec<usize> {
    let count = rows.len() / dim;
    let matrix = |first: usize, some: usize| {
        MatRef::from_row_major_slice(&rows[first * dim..(first + some) * dim], some, dim)
    };
    let mut found: Vec<usize> = (0..count).map(|row| usize::from(row == 0)).collect();
    found.par_chunks_mut(TILE[0]).enumerate().for_each_init(Vec::new, |tile, (block, found)| {
        let (first, some) = (block * TILE[0], found.len());
        let anchors = matrix(first, some);
        let mut best = vec![f32::NEG_INFINITY; some];
        for column in (0..count).step_by(TILE[1]) {
            let columns = TILE[1].min(count - column);
            tile.resize(some * columns, 0.0);
            let out = MatMut::from_row_major_slice_mut(tile, some, columns);
            let others = matrix(column, columns).transpose();
            matmul(out, Accum::Replace, anchors, others, 1.0, Par::Seq);
            for (row, products) in tile.chunks_exact_mut(columns).enumerate() {
                let oneself = (first + row).wrapping_sub(column);
                if let Some(product) = products.get_mut(oneself) {
                    *product = f32::NEG_INFINITY;
                }
                let most = Arch::new().dispatch(Max { products });
                if most > best[row] {
                    best[row] = most;
                    let place = products.iter().position(|product| *product >= most);
                    found[row] = place.map_or(found[row], |place| column + place);
                }
            }
        }
    });
    found
}

struct Max<'a> {
    products: &'a [f32],
}

impl WithSimd for Max<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        max(self.products)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found_in_any_tile() {
        let (count, dim) = (600, 5);
        let element = |place: usize| (place * 7919 % 1009) as f32 / 1009.0 - 0.5;
        let rows: Vec<f32> = (0..count * dim).map(element).collect();
        let product = |i: usize, j: usize| -> f64 {
            let (x, y) = (&rows[i * dim..][..dim], &rows[j * dim..][..dim]);
            x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum()
        };
        for (row, found) in most_similar_rows(&rows, dim).into_iter().enumerate() {
            assert_ne!(row, found);
            let others = (0..count).filter(|other| *other != row);
            let most = others.map(|other| product(row, other)).fold(f64::MIN, f64::max);
            assert!(product(row, found) > most - 1e-5);
        }
    }

    #[test]
    fn rows_of_nan_have_a_neighbor_too() {
        assert_eq!(most_similar_rows(&[f32::NAN; 3], 1), [1, 0, 0]);
    }
}
