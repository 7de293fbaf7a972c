//! Reductions of a matrix to one value, in parallel; no result depends on the number of threads.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{GRAIN, dot, max};

/// Returns the largest absolute value of a row; NaN if an element is NaN. Always inlined, for
/// vector loops.
#[inline(always)]
pub(crate) fn max_abs_of_row(row: &[f32]) -> f32 {
    // Without the sign, the bits of floats are ordered as the floats are, with NaN above all.
    f32::from_bits(row.iter().fold(0, |largest, x| largest.max(x.abs().to_bits())))
}

/// Returns the largest absolute value of all elements; NaN if an element is NaN.
pub(crate) fn max_abs(elements: &[f32]) -> f32 {
    let parts = elements.par_chunks(GRAIN).map(|part| Arch::new().dispatch(MaxAbs(part)));
    max(&parts.collect::<Vec<f32>>())
}

struct MaxAbs<'a>(&'a [f32]);

impl WithSimd for MaxAbs<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        max_abs_of_row(self.0)
    }
}

/// Returns the sum of the squares of all elements.
pub(crate) fn square_sum(elements: &[f32]) -> f64 {
    let parts: Vec<f32> =
        elements.par_chunks(GRAIN).map(|x| Arch::new().dispatch(SquareSum(x))).collect();
    parts.into_iter().map(f64::from).sum()
}

struct SquareSum<'a>(&'a [f32]);

impl WithSimd for SquareSum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        dot(self.0, self.0)
    }
}

/// Returns the largest length of a row; NaN if an element is NaN, infinite if a square is.
pub(crate) fn max_row_norm(rows: &[f32], columns: usize) -> f32 {
    let squares: Vec<f32> = rows
        .par_chunks(columns * (GRAIN / columns).max(1))
        .map(|rows| Arch::new().dispatch(MaxSquaredNorm { rows, columns }))
        .collect();
    let longer = |a: f32, b: f32| if a >= b || a.is_nan() { a } else { b };
    squares.into_iter().fold(0.0, longer).sqrt()
}

struct MaxSquaredNorm<'a> {
    rows: &'a [f32],
    columns: usize,
}

impl WithSimd for MaxSquaredNorm<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let mut longest = 0.0;
        for row in self.rows.chunks_exact(self.columns) {
            let squares = dot(row, row);
            if squares.is_nan() {
                return squares;
            }
            if squares > longest {
                longest = squares;
            }
        }
        longest
    }
}
