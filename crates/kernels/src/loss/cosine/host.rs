//! Cosines of rows and their gradient, in one pass over memory.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::loss::reduce::host::max_abs_of_row;
use crate::simd::{GRAIN, dot, sum_of};

/// Computes the sum of the cosines of the rows of two matrices times `weight` and, if `wanted`, its
/// gradient with respect to the first.
pub(crate) fn weighted_cosines(
    rows: &[f32],
    targets: &[f32],
    columns: usize,
    weight: f32,
    wanted: bool,
) -> (f64, Vec<f32>) {
    let mut gradient = vec![0.0; if wanted { rows.len() } else { 0 }];
    let mut cosines = vec![0.0; rows.len() / columns];
    let count = (GRAIN / columns).max(1);
    let block = count * columns;
    let blocks = (rows.par_chunks(block), targets.par_chunks(block));
    let blocks = blocks.into_par_iter().zip(cosines.par_chunks_mut(count));
    let run = |((rows, targets), cosines), gradient| {
        Arch::new().dispatch(Cosines { rows, targets, gradient, cosines, columns, weight });
    };
    if wanted {
        let blocks = blocks.zip(gradient.par_chunks_mut(block));
        blocks.for_each(|(block, gradient)| run(block, gradient));
    } else {
        blocks.for_each(|block| run(block, &mut []));
    }
    (cosines.into_iter().map(f64::from).sum::<f64>() * f64::from(weight), gradient)
}

struct Cosines<'a> {
    rows: &'a [f32],
    targets: &'a [f32],
    /// Empty if no gradient is wanted.
    gradient: &'a mut [f32],
    cosines: &'a mut [f32],
    columns: usize,
    weight: f32,
}

impl WithSimd for Cosines<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows =
            self.rows.chunks_exact(self.columns).zip(self.targets.chunks_exact(self.columns));
        let mut gradients = self.gradient.chunks_exact_mut(self.columns);
        for ((row, target), cosine) in rows.zip(self.cosines) {
            let (squares, target_squares) = (dot(row, row), dot(target, target));
            let plain = squares > 1e-20
                && squares < 1e30
                && target_squares > 1e-20
                && target_squares < 1e30;
            // Very short and very long rows are brought to unit length before the product.
            let (inverse, scale_target) = if plain {
                (squares.sqrt().recip(), target_squares.sqrt().recip())
            } else {
                (inverse_length(row), inverse_length(target))
            };
            let product = if plain {
                dot(row, target) * (inverse * scale_target)
            } else {
                sum_of(
                    row,
                    target,
                    #[inline(always)]
                    |x, y| (x * inverse) * (y * scale_target),
                )
            };
            *cosine = product;
            if let Some(gradient) = gradients.next() {
                let weight = inverse * self.weight;
                for ((gradient, x), y) in gradient.iter_mut().zip(row).zip(target) {
                    *gradient = (y * scale_target - x * inverse * product) * weight;
                }
            }
        }
    }
}

/// Returns the reciprocal of a row's length, from 1e-37 to 1e37; 2 for a row of zeros.
#[inline(always)]
fn inverse_length(row: &[f32]) -> f32 {
    let largest = max_abs_of_row(row);
    if largest == 0.0 {
        return 2.0;
    }
    let mut squares = 0.0;
    for x in row {
        squares += (x / largest) * (x / largest);
    }
    squares.sqrt().recip() / largest
}
