//! The terms of TiCo's loss and their gradients, in one pass over memory.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{GRAIN, dot};

/// Computes `Σ (½ w · product ⊙ a + v · a ⊙ b)`, `w · product + v · b` and `v · a`, for the weights
/// `w` and `v`.
pub(crate) fn terms(of: [&[f32]; 3], weights: [f32; 2], columns: usize) -> (f64, [Vec<f32>; 2]) {
    let [product, a, b] = of;
    let [mut of_a, mut of_b] = [vec![0.0; a.len()], vec![0.0; a.len()]];
    let mut sums = vec![0.0; a.len() / columns];
    let count = (GRAIN / columns).max(1);
    let block = count * columns;
    let blocks = product.par_chunks(block).zip(a.par_chunks(block)).zip(b.par_chunks(block));
    let outs = of_a.par_chunks_mut(block).zip(of_b.par_chunks_mut(block));
    let outs = outs.zip(sums.par_chunks_mut(count));
    blocks.zip(outs).for_each(|(((product, a), b), ((of_a, of_b), sums))| {
        let (of, gradients) = ([product, a, b], [of_a, of_b]);
        Arch::new().dispatch(Terms { of, gradients, sums, weights, columns });
    });
    (sums.into_iter().map(f64::from).sum(), [of_a, of_b])
}

struct Terms<'a> {
    of: [&'a [f32]; 3],
    gradients: [&'a mut [f32]; 2],
    sums: &'a mut [f32],
    weights: [f32; 2],
    columns: usize,
}

impl WithSimd for Terms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { of: [product, a, b], gradients: [of_a, of_b], sums, weights, columns } = self;
        let [along, agreement] = weights;
        let rows = product.chunks_exact(columns).zip(a.chunks_exact(columns));
        for (((product, a), b), sum) in rows.zip(b.chunks_exact(columns)).zip(sums) {
            *sum = along / 2.0 * dot(product, a) + agreement * dot(a, b);
        }
        let outs = of_a.iter_mut().zip(of_b);
        for ((of_a, of_b), ((product, a), b)) in outs.zip(product.iter().zip(a).zip(b)) {
            *of_a = product * along + b * agreement;
            *of_b = a * agreement;
        }
    }
}
