//! The two inner loops of a convolution: sums of shifted lines, and their inner products.

#![allow(
    clippy::inline_always,
    reason = "code that is not inlined is not compiled for the chosen vectors"
)]

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::layout::BLOCK;

/// Output lines worked on at a time.
pub(crate) const GROUP: usize = 8;
/// The number of lines whose sums fit into 16 registers.
const HALF: usize = GROUP / 2;

/// Weights worked on at a time, so that the lines they read stay in the nearest cache.
const STRETCH: usize = 128;

/// Computes `out[g][p] = Σₖ weights[k][g] · lines[offsets[k] + p]` for all groups of [`GROUP`]
/// lines `g` and all places `p`.
///
/// # Shapes
/// - `weights`: as many as `offsets` for each group, which are `apart`
/// - `out`: lines, `stride` apart, of `places` elements each, a multiple of 16
pub(crate) fn sums_of_lines(
    weights: &[[f32; GROUP]],
    apart: usize,
    offsets: &[usize],
    lines: &[f32],
    out: &mut [f32],
    stride: usize,
    places: usize,
) {
    Arch::new().dispatch(SumsOfLines { weights, apart, offsets, lines, out, stride, places });
}

struct SumsOfLines<'a> {
    weights: &'a [[f32; GROUP]],
    apart: usize,
    offsets: &'a [usize],
    lines: &'a [f32],
    out: &'a mut [f32],
    stride: usize,
    places: usize,
}

impl WithSimd for SumsOfLines<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // Sums that fit into registers: 24 of 32 on AVX-512, 12 of 16 elsewhere. The last few are
        // even in number there, as a line is whole vectors of AVX-512.
        let blocks = self.places / BLOCK * BLOCK;
        for first in (0..self.offsets.len()).step_by(STRETCH) {
            if S::F32_LANES == 16 {
                self.run::<S, GROUP, 3>(simd, first, 0..blocks);
                let done = self.run::<S, GROUP, 2>(simd, first, blocks..self.places);
                self.run::<S, GROUP, 1>(simd, first, done..self.places);
            } else {
                self.run::<S, HALF, 3>(simd, first, 0..blocks);
                self.run::<S, HALF, 2>(simd, first, blocks..self.places);
            }
        }
    }
}

impl SumsOfLines<'_> {
    /// Runs a stretch of weights from `first` on, for all places that fill `V` vectors, `G` lines
    /// at a time; returns the first place that is left.
    #[inline(always)]
    fn run<S: Simd, const G: usize, const V: usize>(
        &mut self,
        simd: S,
        first: usize,
        places: Range<usize>,
    ) -> usize {
        let step = V * S::F32_LANES;
        let end = places.end - places.len() % step;
        let offsets = &self.offsets[first..];
        let offsets = &offsets[..offsets.len().min(STRETCH)];
        for place in (places.start..end).step_by(step) {
            let groups = self.out.chunks_mut(GROUP * self.stride);
            for (out, weights) in groups.zip(self.weights.chunks(self.apart)) {
                let weights = &weights[first..][..offsets.len()];
                for (part, out) in out.chunks_mut(G * self.stride).enumerate() {
                    let mut sums = [[simd.splat_f32s(0.0); V]; G];
                    if first > 0 {
                        for (sums, out) in sums.iter_mut().zip(out.chunks(self.stride)) {
                            let out = S::as_simd_f32s(&out[place..][..step]).0;
                            for (sum, out) in sums.iter_mut().zip(out) {
                                *sum = *out;
                            }
                        }
                    }
                    let lines = &self.lines[place..];
                    add_lines::<S, G, V>(simd, part, weights, offsets, lines, &mut sums);
                    for (sums, out) in sums.iter().zip(out.chunks_mut(self.stride)) {
                        let (out, _) = S::as_mut_simd_f32s(&mut out[place..][..step]);
                        for (out, sum) in out.iter_mut().zip(sums) {
                            *out = *sum;
                        }
                    }
                }
            }
        }
        end
    }
}

/// Adds to the sums of the first `V` vectors of places and part `part` of the group, of `G` lines;
/// they stay in registers throughout.
#[inline(always)]
fn add_lines<S: Simd, const G: usize, const V: usize>(
    simd: S,
    part: usize,
    weights: &[[f32; GROUP]],
    offsets: &[usize],
    lines: &[f32],
    sums: &mut [[S::f32s; V]; G],
) {
    let mut found = *sums;
    for (weights, offset) in weights.iter().zip(offsets) {
        let line = S::as_simd_f32s(&lines[*offset..][..V * S::F32_LANES]).0;
        let mut x = [simd.splat_f32s(0.0); V];
        for (x, line) in x.iter_mut().zip(line) {
            *x = *line;
        }
        for (sums, weight) in found.iter_mut().zip(&weights.as_chunks::<G>().0[part]) {
            let weight = simd.splat_f32s(*weight);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_e_f32s(weight, x, *sum);
            }
        }
    }
    *sums = found;
}

/// Places whose inner products are taken at a time, so that the lines stay in the nearest cache.
const SEGMENT: usize = 21 * BLOCK;
/// Lines that are multiplied with a group at a time.
const TRIPLE: usize = 3;

/// Adds `out[k][g] += Σₚ group[g][p] · lines[offsets[k] + p]` for `GROUP` lines `g` and all `k`.
///
/// # Shapes
/// - `group`: `GROUP` lines, `stride` apart, of `places` elements each, a multiple of 16
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
                // A last line or two are repeated to make three; the extra sums are dropped.
                let last = offsets.len() - 1;
                let mut columns = [&lines[..0]; TRIPLE];
                for (k, column) in columns.iter_mut().enumerate() {
                    *column = &lines[offsets[k.min(last)] + start..][..length];
                }
                // Sums that fit into registers, as above.
                if S::F32_LANES == 16 {
                    add_products::<S, GROUP>(simd, rows, columns, out);
                } else {
                    add_products::<S, HALF>(simd, rows, columns, out);
                }
            }
        }
    }
}

/// Adds the inner products of every column with every row, `G` rows at a time.
#[inline(always)]
fn add_products<S: Simd, const G: usize>(
    simd: S,
    rows: [&[f32]; GROUP],
    columns: [&[f32]; TRIPLE],
    out: &mut [[f32; GROUP]],
) {
    for (part, rows) in rows.as_chunks::<G>().0.iter().enumerate() {
        let sums = products(simd, *rows, columns);
        for (k, out) in out.iter_mut().enumerate() {
            for (out, sums) in out[part * G..].iter_mut().zip(&sums) {
                *out += sums[k];
            }
        }
    }
}

/// Computes the inner products of every row with every column.
///
/// Written without closures: the body of a closure would be compiled for the baseline processor.
#[inline(always)]
fn products<S: Simd, const G: usize>(
    simd: S,
    rows: [&[f32]; G],
    columns: [&[f32]; TRIPLE],
) -> [[f32; TRIPLE]; G] {
    let mut row_vectors = [&S::as_simd_f32s(rows[0]).0[..0]; G];
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
    let mut sums = [[simd.splat_f32s(0.0); TRIPLE]; G];
    for place in 0..first.len() {
        let line = [first[place], second[place], third[place]];
        for (sums, row) in sums.iter_mut().zip(&row_vectors) {
            let x = row[place];
            for (sum, y) in sums.iter_mut().zip(line) {
                *sum = simd.mul_add_e_f32s(x, y, *sum);
            }
        }
    }
    let mut products = [[0.0; TRIPLE]; G];
    for (products, sums) in products.iter_mut().zip(sums) {
        for (product, sum) in products.iter_mut().zip(sums) {
            *product = simd.reduce_sum_f32s(sum);
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use pulp::{Scalar256b, Scalar512b};

    use super::*;

    /// Small integers, whose sums of products are exact.
    fn integers(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|index| (index * step % 17) as f32 - 8.0).collect()
    }

    /// Both widths of vectors, whatever the processor has.
    #[test]
    fn sums_of_lines_hold_every_product() {
        let lines = integers(400, 7);
        for (count, places, groups) in [(1, 16, 1), (9, 48, 2), (STRETCH + 5, 112, 1)] {
            let offsets: Vec<usize> = (0..count).map(|k| k * 5 % 200).collect();
            let weights: Vec<[f32; GROUP]> =
                integers(groups * count * GROUP, 5).as_chunks().0.to_vec();
            let (stride, apart) = (places + 16, count);
            let mut want = vec![0.0; groups * GROUP * stride];
            for (line, want) in want.chunks_mut(stride).enumerate() {
                for (place, want) in want[..places].iter_mut().enumerate() {
                    let weights = weights[line / GROUP * count..].iter().zip(&offsets);
                    *want =
                        weights.map(|(w, offset)| w[line % GROUP] * lines[offset + place]).sum();
                }
            }
            let found = |run: fn(SumsOfLines<'_>)| {
                let mut out = vec![0.0; want.len()];
                let (weights, offsets, lines) = (&weights[..], &offsets[..], &lines[..]);
                run(SumsOfLines { weights, apart, offsets, lines, out: &mut out, stride, places });
                out
            };
            assert!(found(|sums| sums.with_simd(Scalar256b)) == want, "{count} × {places}");
            assert!(found(|sums| sums.with_simd(Scalar512b)) == want, "{count} × {places}");
        }
    }

    #[test]
    fn inner_products_hold_every_product() {
        let (places, stride) = (SEGMENT + 32, SEGMENT + 48);
        let (group, lines) = (integers(GROUP * stride, 5), integers(places + 20, 7));
        for count in 1..=5 {
            let offsets: Vec<usize> = (0..count).map(|k| k * 4).collect();
            let sum = |line: usize, offset: usize| -> f32 {
                group[line * stride..][..places]
                    .iter()
                    .zip(&lines[offset..])
                    .map(|(x, y)| x * y)
                    .sum()
            };
            let want: Vec<[f32; GROUP]> =
                offsets.iter().map(|k| std::array::from_fn(|line| 1.0 + sum(line, *k))).collect();
            let found = |run: fn(InnerProducts<'_>)| {
                let mut out = vec![[1.0; GROUP]; count];
                let (group, lines, offsets) = (&group[..], &lines[..], &offsets[..]);
                run(InnerProducts { group, stride, places, lines, offsets, out: &mut out });
                out
            };
            assert!(found(|products| products.with_simd(Scalar256b)) == want, "{count}");
            assert!(found(|products| products.with_simd(Scalar512b)) == want, "{count}");
        }
    }
}
