//! Loops over the rows of a matrix, in parallel; each row's result depends on that row alone.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::lanes::{dot, highest, sum_of};

/// Numbers that one task works on: below this, a second thread costs more than it helps.
pub(crate) const GRAIN: usize = 1 << 15;

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

/// The sum of the cosines of the rows of two matrices times `weight`, and its gradient by the first
/// where it is wanted.
pub(crate) fn cosines(
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
    /// Empty where it is not wanted.
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
            // Of other rows the cosine is taken between rows brought to a length of 1 first.
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

/// `Σ (½ w · product ⊙ a + v · a ⊙ b)`, `w · product + v · b` and `v · a`, for the weights `w` and `v`.
pub(crate) fn meet(of: [&[f32]; 3], weights: [f32; 2], columns: usize) -> (f64, [Vec<f32>; 2]) {
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
        Arch::new().dispatch(Meet { of, gradients, sums, weights, columns });
    });
    (sums.into_iter().map(f64::from).sum(), [of_a, of_b])
}

struct Meet<'a> {
    of: [&'a [f32]; 3],
    gradients: [&'a mut [f32]; 2],
    sums: &'a mut [f32],
    weights: [f32; 2],
    columns: usize,
}

impl WithSimd for Meet<'_> {
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

/// The largest absolute value; NaN if there is one.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    // Without the sign the bits of numbers are in their order, and those of NaN above all.
    f32::from_bits(row.iter().fold(0, |largest, x| largest.max(x.abs().to_bits())))
}

#[inline(always)]
fn scale(out: &mut [f32], row: &[f32], by: f32) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = x * by;
    }
}

/// The largest absolute value of all numbers; NaN if there is one.
pub(crate) fn largest_of_all(numbers: &[f32]) -> f32 {
    let parts = numbers.par_chunks(GRAIN).map(|numbers| Arch::new().dispatch(Largest { numbers }));
    highest(&parts.collect::<Vec<f32>>())
}

struct Largest<'a> {
    numbers: &'a [f32],
}

impl WithSimd for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        largest(self.numbers)
    }
}

/// The sum of all squares.
pub(crate) fn squares(numbers: &[f32]) -> f64 {
    let parts: Vec<f32> =
        numbers.par_chunks(GRAIN).map(|x| Arch::new().dispatch(Squares(x))).collect();
    parts.into_iter().map(f64::from).sum()
}

struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        dot(self.0, self.0)
    }
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
