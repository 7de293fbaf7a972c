//! The softmax of rows, its backward pass, and its cross-entropy with constant targets, each in one
//! pass over memory.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{GRAIN, dot, exponential_of_any, max, row_sum, sum_of};

/// Computes `softmax((x − center) · sharpness)` of every row.
pub(crate) fn softmax_rows(
    x: &[f32],
    columns: usize,
    center: Option<&[f32]>,
    sharpness: f32,
) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    let block = columns * (GRAIN / columns).max(1);
    out.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
        Arch::new().dispatch(Softmax { x, out, columns, center, sharpness });
    });
    out
}

struct Softmax<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    columns: usize,
    center: Option<&'a [f32]>,
    sharpness: f32,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, out, columns, center, sharpness } = self;
        for (x, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
            match center {
                None => out.copy_from_slice(x),
                Some(center) => {
                    for ((out, x), center) in out.iter_mut().zip(x).zip(center) {
                        *out = x - center;
                    }
                }
            }
            let (sum, _) = exponentials(out, sharpness);
            let share = sum.recip();
            for out in out.iter_mut() {
                *out *= share;
            }
        }
    }
}

/// Turns a row into `exp((x − largest) · sharpness)`; returns their sum, NaN if an element is NaN,
/// and the largest element.
#[inline(always)]
fn exponentials(row: &mut [f32], sharpness: f32) -> (f32, f32) {
    let largest = max(row);
    for x in row.iter_mut() {
        *x = exponential_of_any((*x - largest) * sharpness);
    }
    let total = row_sum(row);
    (if largest.is_nan() { largest } else { total }, largest)
}

/// Backpropagates `slope` through the softmax with the output `p`: computes
/// `p ⊙ (slope − Σₖ pₖ slopeₖ) · scale` for every row of `p`, as wide as `slope`.
pub(crate) fn softmax_rows_backward(p: &[f32], slope: &[f32], scale: f32) -> Vec<f32> {
    let mut out = vec![0.0; p.len()];
    let block = slope.len() * (GRAIN / slope.len()).max(1);
    out.par_chunks_mut(block).zip(p.par_chunks(block)).for_each(|(out, p)| {
        Arch::new().dispatch(SoftmaxBackward { p, slope, scale, out });
    });
    out
}

struct SoftmaxBackward<'a> {
    p: &'a [f32],
    slope: &'a [f32],
    scale: f32,
    out: &'a mut [f32],
}

impl WithSimd for SoftmaxBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { p, slope, scale, out } = self;
        for (p, out) in p.chunks_exact(slope.len()).zip(out.chunks_exact_mut(slope.len())) {
            let along = dot(p, slope);
            for ((out, p), slope) in out.iter_mut().zip(p).zip(slope) {
                *out = p * (slope - along) * scale;
            }
        }
    }
}

/// Scores of every row and their targets: the cross-entropy is `−Σₖ targetₖ log softmax(scores ·
/// sharpness)ₖ`, where the target is the sum of several codes, each with rows of sum 1.
#[derive(Clone, Copy)]
pub(crate) struct Predictions<'a> {
    pub(crate) scores: &'a [f32],
    pub(crate) codes: &'a [&'a [f32]],
    pub(crate) columns: usize,
    pub(crate) sharpness: f32,
}

impl Predictions<'_> {
    /// Sums the cross-entropies over the rows; if `wanted`, also computes the gradient with respect
    /// to the scores.
    pub(crate) fn cross_entropy(&self, wanted: bool) -> (f64, Vec<f32>) {
        let mut entropies = vec![0.0; self.scores.len() / self.columns];
        let mut gradient = vec![0.0; if wanted { self.scores.len() } else { 0 }];
        let count = (GRAIN / self.columns).max(1);
        let block = count * self.columns;
        let run = |place: usize, out: &mut [f32], entropies: &mut [f32]| {
            let first = place * block;
            Arch::new().dispatch(Entropy { of: self, first, out, entropies, wanted });
        };
        let blocks = entropies.par_chunks_mut(count).enumerate();
        if wanted {
            blocks.zip(gradient.par_chunks_mut(block)).for_each(|((place, entropies), out)| {
                run(place, out, entropies);
            });
        } else {
            blocks.for_each_init(Vec::new, |scratch, (place, entropies)| {
                scratch.resize(entropies.len() * self.columns, 0.0);
                run(place, scratch, entropies);
            });
        }
        (entropies.into_iter().map(f64::from).sum(), gradient)
    }
}

struct Entropy<'a> {
    of: &'a Predictions<'a>,
    /// The index of the block's first element.
    first: usize,
    out: &'a mut [f32],
    entropies: &'a mut [f32],
    wanted: bool,
}

impl WithSimd for Entropy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { of, first, out, entropies, wanted } = self;
        let Predictions { scores, codes, columns, sharpness } = *of;
        let mut target = vec![0.0; columns];
        for ((row, out), entropy) in (0..).zip(out.chunks_exact_mut(columns)).zip(entropies) {
            let place = first + row * columns;
            let x = &scores[place..place + columns];
            target.copy_from_slice(&codes[0][place..place + columns]);
            for code in &codes[1..] {
                for (target, code) in target.iter_mut().zip(&code[place..place + columns]) {
                    *target += code;
                }
            }
            out.copy_from_slice(x);
            let (sum, largest) = exponentials(out, sharpness);
            let weight = codes.len() as f32;
            let along = sum_of(
                &target,
                x,
                #[inline(always)]
                |target, x| target * (x - largest),
            );
            *entropy = weight * sum.ln() - sharpness * along;
            if wanted {
                let share = weight / sum;
                for (out, target) in out.iter_mut().zip(&target) {
                    *out = (*out * share - target) * sharpness;
                }
            }
        }
    }
}
