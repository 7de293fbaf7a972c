//! The two inner loops of a convolution: sums of shifted lines, and their inner products.

#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the vectors chosen"
)]

use pulp::{Arch, Simd, WithSimd};

use crate::geometry::BLOCK;

/// Output lines worked on at a time.
pub(crate) const GROUP: usize = 8;

/// `out[g][p] = Σₖ weights[k][g] · lines[offsets[k] + p]` for `GROUP` lines `g` and all places `p`.
///
/// # Shapes
/// - `out`: `GROUP` lines, `stride` apart, of `places` numbers each, a multiple of 16
pub(crate) fn sum_of_lines(
    weights: &[[f32; GROUP]],
    offsets: &[usize],
    lines: &[f32],
    out: &mut [f32],
    stride: usize,
    places: usize,
) {
    Arch::new().dispatch(SumOfLines { weights, offsets, lines, out, stride, places });
}

struct SumOfLines<'a> {
    weights: &'a [[f32; GROUP]],
    offsets: &'a [usize],
    lines: &'a [f32],
    out: &'a mut [f32],
    stride: usize,
    places: usize,
}

impl WithSimd for SumOfLines<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // Sums that fit into registers: 24 of 32 on AVX-512, 8 of 16 elsewhere.
        let done = if S::F32_LANES == 16 { self.run::<S, 3>(simd, 0) } else { 0 };
        let done = if S::F32_LANES == 16 { self.run::<S, 2>(simd, done) } else { 0 };
        self.run::<S, 1>(simd, done);
    }
}

impl SumOfLines<'_> {
    /// All places from `start` on that fill `V` vectors; returns where the rest begins.
    #[inline(always)]
    fn run<S: Simd, const V: usize>(&mut self, simd: S, start: usize) -> usize {
        let step = V * S::F32_LANES;
        let end = start + (self.places - start) / step * step;
        for place in (start..end).step_by(step) {
            let sums = block::<S, V>(simd, self.weights, self.offsets, &self.lines[place..]);
            for (sums, out) in sums.iter().zip(self.out.chunks_mut(self.stride)) {
                let (out, _) = S::as_mut_simd_f32s(&mut out[place..][..step]);
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = *sum;
                }
            }
        }
        end
    }
}

/// The sums for the first `V` vectors of places; they stay in registers throughout.
#[inline(always)]
fn block<S: Simd, const V: usize>(
    simd: S,
    weights: &[[f32; GROUP]],
    offsets: &[usize],
    lines: &[f32],
) -> [[S::f32s; V]; GROUP] {
    let mut sums = [[simd.splat_f32s(0.0); V]; GROUP];
    for (weights, offset) in weights.iter().zip(offsets) {
        let line = S::as_simd_f32s(&lines[*offset..][..V * S::F32_LANES]).0;
        let mut x = [simd.splat_f32s(0.0); V];
        for (x, line) in x.iter_mut().zip(line) {
            *x = *line;
        }
        for (sums, weight) in sums.iter_mut().zip(weights) {
            let weight = simd.splat_f32s(*weight);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_e_f32s(weight, x, *sum);
            }
        }
    }
    sums
}

/// Places whose inner products are taken at a time, so that the lines stay in the nearest cache.
const SEGMENT: usize = 21 * BLOCK;
/// Lines that meet every one of a group at a time.
const TRIPLE: usize = 3;

/// `out[k][g] += Σₚ group[g][p] · lines[offsets[k] + p]` for `GROUP` lines `g` and all `k`.
///
/// # Shapes
/// - `group`: `GROUP` lines, `stride` apart, of `places` numbers each, whole [`BLOCK`]s
/// - `out`: as many groups as `offsets`
pub(crate) fn inner_products(
    group: &[f32],
    stride: usize,
    places: usize,
    lines: &[f32],
    offsets: &[usize],
    out: &mut [[f32; GROUP]],
) {
    Arch::new().dispatch(InnerProducts { group, stride, places, lines, offsets, out });
}

struct InnerProducts<'a> {
    group: &'a [f32],
    stride: usize,
    places: usize,
    lines: &'a [f32],
    offsets: &'a [usize],
    out: &'a mut [[f32; GROUP]],
}

impl WithSimd for InnerProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { group, stride, places, lines, offsets, out } = self;
        for start in (0..places).step_by(SEGMENT) {
            let length = SEGMENT.min(places - start);
            let mut rows = [&group[..0]; GROUP];
            for (row, line) in rows.iter_mut().zip(group.chunks(stride)) {
                *row = &line[start..][..length];
            }
            let triples = offsets.chunks(TRIPLE).zip(out.chunks_mut(TRIPLE));
            for (offsets, out) in triples {
                // A last one or two are repeated to make three; only their own sums are kept.
                let last = offsets.len() - 1;
                let mut columns = [&lines[..0]; TRIPLE];
                for (k, column) in columns.iter_mut().enumerate() {
                    *column = &lines[offsets[k.min(last)] + start..][..length];
                }
                let sums = products(simd, rows, columns);
                for (k, out) in out.iter_mut().enumerate() {
                    for (out, sums) in out.iter_mut().zip(&sums) {
                        *out += sums[k];
                    }
                }
            }
        }
    }
}

/// The inner products of every row with every column.
///
/// Written without closures: what a closure does would be compiled for the plainest processor.
#[inline(always)]
fn products<S: Simd>(
    simd: S,
    rows: [&[f32]; GROUP],
    columns: [&[f32]; TRIPLE],
) -> [[f32; TRIPLE]; GROUP] {
    let mut row_vectors = [&S::as_simd_f32s(rows[0]).0[..0]; GROUP];
    for (vectors, row) in row_vectors.iter_mut().zip(rows) {
        *vectors = S::as_simd_f32s(row).0;
    }
    let [first, second, third] = columns;
    let first = S::as_simd_f32s(first).0;
    let second = &S::as_simd_f32s(second).0[..first.len()];
    let third = &S::as_simd_f32s(third).0[..first.len()];
    for vectors in &mut row_vectors {
        *vectors = &vectors[..first.len()];
    }
    let mut sums = [[simd.splat_f32s(0.0); TRIPLE]; GROUP];
    for place in 0..first.len() {
        let line = [first[place], second[place], third[place]];
        for (sums, row) in sums.iter_mut().zip(&row_vectors) {
            let x = row[place];
            for (sum, y) in sums.iter_mut().zip(line) {
                *sum = simd.mul_add_e_f32s(x, y, *sum);
            }
        }
    }
    let mut products = [[0.0; TRIPLE]; GROUP];
    for (products, sums) in products.iter_mut().zip(sums) {
        for (product, sum) in products.iter_mut().zip(sums) {
            *product = simd.reduce_sum_f32s(sum);
        }
    }
    products
}
