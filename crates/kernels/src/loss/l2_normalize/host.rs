//! Rows of unit length, forward and backward, in parallel; each row's result depends on that row
//! alone.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::loss::reduce::host::max_abs_of_row;
use crate::simd::{GRAIN, dot};

/// Divides every row by its length; returns the rows and the reciprocal of each length.
///
/// Lengths from 1e-37 to 1e37 are exact; a row of zeros stays zero and counts as of length ½.
pub(crate) fn unit_rows(rows: &[f32], columns: usize) -> (Vec<f32>, Vec<f32>) {
    let mut unit = vec![0.0; rows.len()];
    let mut inverse = vec![0.0; rows.len() / columns];
    let count = (GRAIN / columns).max(1);
    let blocks = (rows.par_chunks(count * columns), unit.par_chunks_mut(count * columns));
    blocks.into_par_iter().zip(inverse.par_chunks_mut(count)).for_each(
        |((rows, unit), inverse)| {
            Arch::new().dispatch(UnitRows { rows, unit, inverse, columns });
        },
    );
    (unit, inverse)
}

struct UnitRows<'a> {
    rows: &'a [f32],
    unit: &'a mut [f32],
    inverse: &'a mut [f32],
    columns: usize,
}

impl WithSimd for UnitRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows =
            self.rows.chunks_exact(self.columns).zip(self.unit.chunks_exact_mut(self.columns));
        for ((row, unit), inverse) in rows.zip(self.inverse) {
            let squares = dot(row, row);
            // Squares far from the limits of single precision are exact.
            if squares > 1e-20 && squares < 1e30 {
                *inverse = squares.sqrt().recip();
                scale(unit, row, *inverse);
                continue;
            }
            let largest = max_abs_of_row(row);
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

/// Computes the gradient with respect to the rows from the gradient with respect to the rows of
/// unit length `unit`; `inverse` are the reciprocals of the original lengths.
pub(crate) fn unit_rows_gradient(
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
            Arch::new().dispatch(UnitRowsGradient { unit, inverse, gradient, out, columns });
        },
    );
    out
}

struct UnitRowsGradient<'a> {
    unit: &'a [f32],
    inverse: &'a [f32],
    gradient: &'a [f32],
    out: &'a mut [f32],
    columns: usize,
}

impl WithSimd for UnitRowsGradient<'_> {
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

#[inline(always)]
fn scale(out: &mut [f32], row: &[f32], by: f32) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = x * by;
    }
}
