//! Loops over the rows of a matrix, in parallel; each row's result depends on that row alone.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Numbers that one task works on: below this, a second thread costs more than it helps.
const GRAIN: usize = 1 << 15;

/// Every row divided by its length, and one over each length.
///
/// Lengths from 1e-37 to 1e37 are exact; a row of zeros stays zero and counts as of length ½.
pub(crate) fn unit(rows: &[f32], columns: usize) -> (Vec<f32>, Vec<f32>) {
    let mut unit = vec![0.0; rows.len()];
    let mut inverse = vec![0.0; rows.len() / columns];
    let count = (GRAIN / columns).max(1);
    let blocks = (rows.par_chunks(count * columns), unit.par_chunks_mut(count * columns));
    blocks.into_par_iter().zip(inverse.par_chunks_mut(count)).for_each(
        |((rows, unit), inverse)| {
            Arch::new().dispatch(Unit { rows, unit, inverse, columns });
        },
    );
    (unit, inverse)
}

struct Unit<'a> {
    rows: &'a [f32],
    unit: &'a mut [f32],
    inverse: &'a mut [f32],
    columns: usize,
}

impl WithSimd for Unit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows =
            self.rows.chunks_exact(self.columns).zip(self.unit.chunks_exact_mut(self.columns));
        for ((row, unit), inverse) in rows.zip(self.inverse) {
            let squares = dot(row, row);
            // Squares far from the ends of the range of numbers are exact as they are.
            if squares > 1e-20 && squares < 1e30 {
                *inverse = squares.sqrt().recip();
                scale(unit, row, *inverse);
                continue;
            }
            let largest = largest(row);
            let factor = if largest > 0.0 || largest.is_nan() { largest } else { 1.0 };
            for (unit, x) in unit.iter_mut().zip(row) {
                *unit = x / factor;
            }
            let length = dot(unit, unit).sqrt();
            let length = if length < 0.5 { 0.5 } else { length };
            *inverse = (length * factor).recip();
            for unit in unit.iter_mut() {
                *unit /= length;
            }
        }
    }
}

/// The gradient by the rows, from the rows of unit length, one over the lengths that they had, and
/// the gradient by them.
pub(crate) fn unit_gradient(
    unit: &[f32],
    inverse: &[f32],
    gradient: &[f32],
    columns: usize,
) -> Vec<f32> {
    let mut out = vec![0.0; unit.len()];
    let count = (GRAIN / columns).max(1);
    let blocks = (unit.par_chunks(count * columns), gradient.par_chunks(count * columns));
    let blocks = blocks.into_par_iter().zip(inverse.par_chunks(count));
    blocks.zip(out.par_chunks_mut(count * columns)).for_each(
        |(((unit, gradient), inverse), out)| {
            Arch::new().dispatch(UnitGradient { unit, inverse, gradient, out, columns });
        },
    );
    out
}

struct UnitGradient<'a> {
    unit: &'a [f32],
    inverse: &'a [f32],
    gradient: &'a [f32],
    out: &'a mut [f32],
    columns: usize,
}

impl WithSimd for UnitGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows =
            self.unit.chunks_exact(self.columns).zip(self.gradient.chunks_exact(self.columns));
        let rows = rows.zip(self.out.chunks_exact_mut(self.columns));
        for (((unit, gradient), out), inverse) in rows.zip(self.inverse) {
            let along = dot(unit, gradient);
            for ((out, unit), gradient) in out.iter_mut().zip(unit).zip(gradient) {
                *out = (gradient - unit * along) * inverse;
            }
        }
    }
}

/// The mean cosine of the rows of two matrices, and its gradient by the first.
pub(crate) fn mean_cosine(rows: &[f32], targets: &[f32], columns: usize) -> (f64, Vec<f32>) {
    let mut gradient = vec![0.0; rows.len()];
    let total = rows.len() / columns;
    let mut cosines = vec![0.0; total];
    let count = (GRAIN / columns).max(1);
    let blocks = (rows.par_chunks(count * columns), targets.par_chunks(count * columns));
    let blocks = blocks.into_par_iter().zip(gradient.par_chunks_mut(count * columns));
    blocks.zip(cosines.par_chunks_mut(count)).for_each(|(((rows, targets), gradient), cosines)| {
        Arch::new().dispatch(Cosines { rows, targets, gradient, cosines, columns, total });
    });
    (cosines.into_iter().map(f64::from).sum::<f64>() / total as f64, gradient)
}

struct Cosines<'a> {
    rows: &'a [f32],
    targets: &'a [f32],
    gradient: &'a mut [f32],
    cosines: &'a mut [f32],
    columns: usize,
    total: usize,
}

impl WithSimd for Cosines<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows =
            self.rows.chunks_exact(self.columns).zip(self.targets.chunks_exact(self.columns));
        let rows = rows.zip(self.gradient.chunks_exact_mut(self.columns));
        for (((row, target), gradient), cosine) in rows.zip(self.cosines) {
            let (squares, target_squares) = (dot(row, row), dot(target, target));
            let plain = squares > 1e-20
                && squares < 1e30
                && target_squares > 1e-20
                && target_squares < 1e30;
            // Of other rows the cosine is taken between rows brought to a length of 1 first.
            let (inverse, scale_target) = if plain {
                (squares.sqrt().recip(), target_squares.sqrt().recip())
            } else {
                (inverse_length(row), inverse_length(target))
            };
            let product = if plain {
                dot(row, target) * (inverse * scale_target)
            } else {
                scaled_dot(row, target, inverse, scale_target)
            };
            *cosine = product;
            let weight = inverse / self.total as f32;
            for ((gradient, x), y) in gradient.iter_mut().zip(row).zip(target) {
                *gradient = (y * scale_target - x * inverse * product) * weight;
            }
        }
    }
}

/// One over the length of a row of any length from 1e-37 to 1e37; 2 for a row of zeros.
#[inline(always)]
fn inverse_length(row: &[f32]) -> f32 {
    let largest = largest(row);
    if largest == 0.0 {
        return 2.0;
    }
    let mut squares = 0.0;
    for x in row {
        squares += (x / largest) * (x / largest);
    }
    squares.sqrt().recip() / largest
}

#[inline(always)]
fn scaled_dot(a: &[f32], b: &[f32], scale_a: f32, scale_b: f32) -> f32 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        sum += (a * scale_a) * (b * scale_b);
    }
    sum
}

/// The largest absolute value; NaN if there is one.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut largest = 0.0_f32;
    for x in row {
        if x.abs() > largest || x.is_nan() {
            largest = x.abs();
        }
        if largest.is_nan() {
            break;
        }
    }
    largest
}

#[inline(always)]
fn scale(out: &mut [f32], row: &[f32], by: f32) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = x * by;
    }
}

/// Sums kept side by side, so that they fill vector registers; they are added in a fixed order.
const LANES: usize = 64;

#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let whole = a.len() / LANES * LANES;
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let mut rest = 0.0;
    for (a, b) in a[whole..].iter().zip(&b[whole..]) {
        rest += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0] + rest
}

/// The largest length of a row; NaN if there is one, infinite if a square is.
pub(crate) fn longest(rows: &[f32], columns: usize) -> f32 {
    let squares: Vec<f32> = rows
        .par_chunks(columns * (GRAIN / columns).max(1))
        .map(|rows| Arch::new().dispatch(Longest { rows, columns }))
        .collect();
    let longer = |a: f32, b: f32| if a >= b || a.is_nan() { a } else { b };
    squares.into_iter().fold(0.0, longer).sqrt()
}

struct Longest<'a> {
    rows: &'a [f32],
    columns: usize,
}

impl WithSimd for Longest<'_> {
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
