//! Columns of mean 0 and variance 1 on the host, forward and backward.
//!
//! Sums over the rows are taken by blocks of columns and everything else by blocks of rows; no result
//! depends on the number of threads.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Columns whose sums one task takes: with a thousand rows they stay in a core's cache.
const BLOCK: usize = 128;

/// Every column less its mean, over `√(variance + epsilon)`; and one over those roots. Biased variance.
pub(crate) fn standardize(x: &[f32], columns: usize, epsilon: f32) -> (Vec<f32>, Vec<f32>) {
    // A column without any variance is divided by a number, even without an epsilon.
    let epsilon = epsilon.max(1e-37);
    let (mut means, mut inverse) = (vec![0.0; columns], vec![0.0; columns]);
    let blocks = means.par_chunks_mut(BLOCK).zip(inverse.par_chunks_mut(BLOCK)).enumerate();
    blocks.for_each(|(block, (means, inverse))| {
        let first = block * BLOCK;
        Arch::new().dispatch(Moments { x, columns, first, epsilon, means, inverse });
    });
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(columns).zip(x.par_chunks(columns)).with_min_len(8).for_each(|(out, x)| {
        Arch::new().dispatch(Standardized { x, means: &means, inverse: &inverse, out });
    });
    (out, inverse)
}

struct Moments<'a> {
    x: &'a [f32],
    columns: usize,
    first: usize,
    epsilon: f32,
    means: &'a mut [f32],
    inverse: &'a mut [f32],
}

impl WithSimd for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, columns, first, epsilon, means, inverse } = self;
        let share = columns as f32 / x.len() as f32;
        let width = means.len();
        for row in x.chunks_exact(columns) {
            for (sum, x) in means.iter_mut().zip(&row[first..first + width]) {
                *sum += x;
            }
        }
        for mean in means.iter_mut() {
            *mean *= share;
        }
        for row in x.chunks_exact(columns) {
            let row = &row[first..first + width];
            for ((sum, mean), x) in inverse.iter_mut().zip(means.iter()).zip(row) {
                *sum += (x - mean) * (x - mean);
            }
        }
        for inverse in inverse.iter_mut() {
            *inverse = (*inverse * share + epsilon).sqrt().recip();
        }
    }
}

struct Standardized<'a> {
    x: &'a [f32],
    means: &'a [f32],
    inverse: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Standardized<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let of_columns = self.means.iter().zip(self.inverse);
        for ((out, x), (mean, inverse)) in self.out.iter_mut().zip(self.x).zip(of_columns) {
            *out = (x - mean) * inverse;
        }
    }
}

/// The gradient by what was standardised, from the result `y`, the roots and the gradient by `y`.
pub(crate) fn standardize_gradient(
    y: &[f32],
    inverse: &[f32],
    gradient: &[f32],
    columns: usize,
) -> Vec<f32> {
    let (mut means, mut along) = (vec![0.0; columns], vec![0.0; columns]);
    let blocks = means.par_chunks_mut(BLOCK).zip(along.par_chunks_mut(BLOCK)).enumerate();
    blocks.for_each(|(block, (means, along))| {
        let first = block * BLOCK;
        Arch::new().dispatch(Along { y, gradient, columns, first, means, along });
    });
    let mut out = vec![0.0; y.len()];
    let rows = y.par_chunks(columns).zip(gradient.par_chunks(columns)).with_min_len(8);
    out.par_chunks_mut(columns).zip(rows).for_each(|(out, (y, gradient))| {
        let of_columns = [inverse, &means[..], &along[..]];
        Arch::new().dispatch(Gradient { y, gradient, of_columns, out });
    });
    out
}

struct Along<'a> {
    y: &'a [f32],
    gradient: &'a [f32],
    columns: usize,
    first: usize,
    means: &'a mut [f32],
    along: &'a mut [f32],
}

impl WithSimd for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { y, gradient, columns, first, means, along } = self;
        let share = columns as f32 / y.len() as f32;
        let width = means.len();
        for (y, gradient) in y.chunks_exact(columns).zip(gradient.chunks_exact(columns)) {
            let (y, gradient) = (&y[first..first + width], &gradient[first..first + width]);
            let sums = means.iter_mut().zip(along.iter_mut());
            for ((mean, along), (y, gradient)) in sums.zip(y.iter().zip(gradient)) {
                *mean += gradient;
                *along += gradient * y;
            }
        }
        for (mean, along) in means.iter_mut().zip(along) {
            *mean *= share;
            *along *= share;
        }
    }
}

struct Gradient<'a> {
    y: &'a [f32],
    gradient: &'a [f32],
    of_columns: [&'a [f32]; 3],
    out: &'a mut [f32],
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [inverse, means, along] = self.of_columns;
        let of_columns = inverse.iter().zip(means.iter().zip(along));
        let rows = self.out.iter_mut().zip(self.y.iter().zip(self.gradient));
        for ((out, (y, gradient)), (inverse, (mean, along))) in rows.zip(of_columns) {
            *out = (gradient - mean - y * along) * inverse;
        }
    }
}
