//! Sinkhorn's rounds: exponentials are computed once, and each round is one pass over them.
//!
//! Codes are `rowᵢ · exp(scoreᵢₖ / ε) · columnₖ`, so that only the factors change from round to
//! round. Sums over the rows are taken by blocks of rows and added in order; no result depends on
//! the number of threads.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{GRAIN, dot, exponential, max};

/// The largest distance of two exponents for which all factors are normal floats.
const WIDEST: f32 = 70.0;

/// Computes the codes of the rows `scores`, each of `columns` elements; `None` if exponents are too
/// far apart for single precision, or an element is NaN.
pub(crate) fn codes(
    scores: &[f32],
    columns: usize,
    epsilon: f64,
    iterations: usize,
) -> Option<Vec<f32>> {
    let sharpness = epsilon.recip() as f32;
    let block = columns * (GRAIN / columns).max(1);
    let ends = scores.par_chunks(block).map(|scores| Arch::new().dispatch(Ends { scores }));
    let ends: Vec<[f32; 2]> = ends.collect();
    let [lowest, highest] = [0, 1].map(|end| max_of(ends.iter().map(|ends| ends[end])));
    let width = (highest + lowest) * sharpness; // `lowest` is negated
    if width.is_nan() || width >= WIDEST {
        return None;
    }
    let mut codes = vec![0.0; scores.len()];
    let mut factors: Vec<f32> = Vec::new();
    for round in 0..=iterations {
        let last = round == iterations;
        // Few blocks, as each has a row of sums.
        let block = columns * (scores.len() / columns).div_ceil(64).max(8);
        let sums =
            codes.par_chunks_mut(block).zip(scores.par_chunks(block)).map(|(codes, scores)| {
                let mut sums = vec![0.0; if last { 0 } else { columns }];
                let shift = (round == 0).then_some((scores, highest, sharpness));
                let (factors, sums_of) = (&factors[..], &mut sums[..]);
                Arch::new().dispatch(Round { codes, shift, factors, sums: sums_of, columns });
                sums
            });
        let sums: Vec<Vec<f32>> = sums.collect();
        let of_column = |column: usize| sums.iter().map(|sums| sums[column]).sum::<f32>().recip();
        if !last {
            factors = (0..columns).map(of_column).collect();
        }
    }
    Some(codes)
}

fn max_of(elements: impl Iterator<Item = f32>) -> f32 {
    max(&elements.collect::<Vec<f32>>())
}

/// The negated lowest and the highest of some scores.
struct Ends<'a> {
    scores: &'a [f32],
}

impl WithSimd for Ends<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f32; 2] {
        let mut lowest = f32::INFINITY;
        for x in self.scores {
            lowest = if *x < lowest { *x } else { lowest };
        }
        [-lowest, max(self.scores)]
    }
}

/// One pass over a block of rows: exponentials in the first round, then the rows' factors; sums of
/// the codes without the columns' factors, or the codes themselves in the last round.
struct Round<'a> {
    codes: &'a mut [f32],
    shift: Option<(&'a [f32], f32, f32)>,
    /// The factors of the columns; empty in the first round.
    factors: &'a [f32],
    /// Empty in the last round.
    sums: &'a mut [f32],
    columns: usize,
}

impl WithSimd for Round<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { codes, shift, factors, sums, columns } = self;
        if let Some((scores, highest, sharpness)) = shift {
            for (code, score) in codes.iter_mut().zip(scores) {
                *code = exponential((score - highest) * sharpness);
            }
        }
        for codes in codes.chunks_exact_mut(columns) {
            let of_row = if factors.is_empty() { 1.0 } else { dot(codes, factors).recip() };
            if sums.is_empty() {
                for (code, factor) in codes.iter_mut().zip(factors) {
                    *code *= factor * of_row;
                }
            } else {
                for (sum, code) in sums.iter_mut().zip(codes.iter()) {
                    *sum += code * of_row;
                }
            }
        }
    }
}
