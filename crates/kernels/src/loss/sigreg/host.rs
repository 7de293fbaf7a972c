//! Characteristic functions of many projections at once.
//!
//! The cosine and sine of an angle are computed once and rotated from knot to knot, in registers.
//! Sums over the batch are computed by blocks of slices, and no result depends on the number of
//! threads.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::GRAIN;

/// Slices that are worked on at a time.
const WIDTH: usize = 32;

/// Rows after which sums in single precision are added to sums in double precision.
const ROWS: usize = 256;

/// The largest angle that is reduced to a quadrant without loss.
pub(crate) const LARGEST_ANGLE: f32 = 4096.0;

/// Projections on `slices` directions, in row-major order, as angles: knot `k` has the angle
/// `k · gap · projection`.
#[derive(Clone, Copy)]
pub(crate) struct Angles<'a> {
    pub(crate) projected: &'a [f32],
    pub(crate) slices: usize,
    pub(crate) gap: f32,
    pub(crate) knots: usize,
}

impl Angles<'_> {
    /// Sums `cos(k · angle)` and `sin(k · angle)` over the batch for k from 1, `[knots, 2]` for
    /// every slice in turn.
    pub(crate) fn sums(&self) -> Vec<f64> {
        let size = 2 * self.knots;
        let mut sums = vec![0.0; size * self.slices];
        sums.par_chunks_mut(size * WIDTH).enumerate().for_each(|(block, sums)| {
            Arch::new().dispatch(CharacteristicSums { of: self, first: block * WIDTH, sums });
        });
        sums
    }

    /// Computes `Σₖ (cos(k · angle) · alongₖ − sin(k · angle) · acrossₖ)` for every projection;
    /// `slopes` holds both factors, `[knots, 2]` for every slice in turn.
    pub(crate) fn gradient(&self, slopes: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.projected.len()];
        let block = self.slices * (GRAIN / 8 / self.slices).max(1);
        let tables = self.tables(slopes);
        out.par_chunks_mut(block).zip(self.projected.par_chunks(block)).for_each(
            |(out, projected)| {
                Arch::new().dispatch(Gradient { of: self, projected, tables: &tables, out });
            },
        );
        out
    }

    /// Interleaves the slopes of each block of slices, for every knot.
    fn tables(&self, slopes: &[f32]) -> Vec<[[f32; WIDTH]; 2]> {
        let mut tables = Vec::with_capacity(self.slices.div_ceil(WIDTH) * self.knots);
        for block in slopes.chunks(2 * self.knots * WIDTH) {
            for knot in 0..self.knots {
                let mut table = [[0.0; WIDTH]; 2];
                for (slice, slopes) in block.chunks_exact(2 * self.knots).enumerate() {
                    table[0][slice] = slopes[2 * knot];
                    table[1][slice] = slopes[2 * knot + 1];
                }
                tables.push(table);
            }
        }
        tables
    }
}

struct CharacteristicSums<'a> {
    of: &'a Angles<'a>,
    first: usize,
    sums: &'a mut [f64],
}

impl WithSimd for CharacteristicSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { of, first, sums } = self;
        let count = WIDTH.min(of.slices - first);
        let mut some = vec![[[0.0_f32; WIDTH]; 2]; of.knots];
        for rows in of.projected.chunks(ROWS * of.slices) {
            some.fill([[0.0; WIDTH]; 2]);
            for row in rows.chunks_exact(of.slices) {
                let step = rotation(&row[first..first + count], of.gap);
                let mut now = step;
                for knot in &mut some {
                    for lane in 0..WIDTH {
                        knot[0][lane] += now[0][lane];
                        knot[1][lane] += now[1][lane];
                    }
                    now = rotated(now, step);
                }
            }
            for (slice, sums) in sums.chunks_exact_mut(2 * of.knots).enumerate() {
                for (sums, knot) in sums.chunks_exact_mut(2).zip(&some) {
                    sums[0] += f64::from(knot[0][slice]);
                    sums[1] += f64::from(knot[1][slice]);
                }
            }
        }
    }
}

struct Gradient<'a> {
    of: &'a Angles<'a>,
    projected: &'a [f32],
    tables: &'a [[[f32; WIDTH]; 2]],
    out: &'a mut [f32],
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { of, projected, tables, out } = self;
        let rows = projected.chunks_exact(of.slices).zip(out.chunks_exact_mut(of.slices));
        for (row, out) in rows {
            let blocks = row.chunks(WIDTH).zip(out.chunks_mut(WIDTH));
            for ((row, out), table) in blocks.zip(tables.chunks_exact(of.knots)) {
                let step = rotation(row, of.gap);
                let mut now = step;
                let mut sum = [0.0; WIDTH];
                for [along, across] in table {
                    for lane in 0..WIDTH {
                        sum[lane] += now[0][lane] * along[lane] - now[1][lane] * across[lane];
                    }
                    now = rotated(now, step);
                }
                out.copy_from_slice(&sum[..out.len()]);
            }
        }
    }
}

/// Cosines and sines of the angles of a block.
type Rotation = [[f32; WIDTH]; 2];

/// Computes the cosines and sines of the angles `gap · x`.
#[inline(always)]
fn rotation(x: &[f32], gap: f32) -> Rotation {
    let mut angles = [0.0; WIDTH];
    for (angle, x) in angles.iter_mut().zip(x) {
        *angle = x * gap;
    }
    let mut found = [[0.0; WIDTH]; 2];
    for lane in 0..WIDTH {
        [found[0][lane], found[1][lane]] = cos_sin(angles[lane]);
    }
    found
}

/// Computes the cosines and sines of the sums of angles.
#[inline(always)]
fn rotated([cos, sin]: Rotation, [by_cos, by_sin]: Rotation) -> Rotation {
    let mut found = [[0.0; WIDTH]; 2];
    for lane in 0..WIDTH {
        found[0][lane] = cos[lane] * by_cos[lane] - sin[lane] * by_sin[lane];
        found[1][lane] = sin[lane] * by_cos[lane] + cos[lane] * by_sin[lane];
    }
    found
}

/// Computes cosine and sine, within 2⁻²² for angles of up to [`LARGEST_ANGLE`]; NaN for NaN.
///
/// The angle is reduced by a multiple of π/2, which is split so that products of its first parts
/// are exact; the polynomials are those of the Cephes library.
#[inline(always)]
fn cos_sin(angle: f32) -> [f32; 2] {
    /// 1.5 · 2²³: adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = angle * std::f32::consts::FRAC_2_PI + ROUND;
    let quarters = shifted - ROUND;
    let rest = angle - quarters * 1.570_312_5;
    let rest = rest - quarters * 4.837_513e-4;
    let rest = rest - quarters * 7.549_79e-8;
    let square = rest * rest;
    let sin = -1.951_529_6e-4 * square + 8.332_161e-3;
    let sin = (sin * square - 1.666_665_5e-1) * square * rest + rest;
    let cos = 2.443_315_7e-5 * square - 1.388_731_6e-3;
    let cos = (cos * square + 4.166_664_6e-2) * square * square - 0.5 * square + 1.0;
    let quadrant = shifted.to_bits();
    let (other_cos, other_sin) = if quadrant & 1 == 0 { (cos, sin) } else { (sin, cos) };
    // The second and third quarter have negative cosines, the third and fourth negative sines.
    let of_cos = ((quadrant + 1) & 2) << 30;
    let of_sin = (quadrant & 2) << 30;
    [f32::from_bits(other_cos.to_bits() ^ of_cos), f32::from_bits(other_sin.to_bits() ^ of_sin)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_and_sine_are_those_of_the_standard_library() {
        for step in -400_000_i32..400_000 {
            let angle = step as f32 * 1.0e-2;
            let exact = f64::from(angle);
            let [cos, sin] = cos_sin(angle).map(f64::from);
            let off = (cos - exact.cos()).abs().max((sin - exact.sin()).abs());
            assert!(off < 2.4e-7, "{off} at {angle}");
        }
        assert!(cos_sin(f32::NAN).iter().all(|x| x.is_nan()));
    }
}
