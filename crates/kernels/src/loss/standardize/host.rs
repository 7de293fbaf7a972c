//! Columns of mean 0 and variance 1, forward and backward.
//!
//! Work is cut by rows, and the sums of the parts are added in their order; no result depends on
//! the number of threads.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::gemm::packed::{Matrix, ReadElements};

/// Rows of a part, few enough that a thousand columns of them stay in a core's cache.
const PART: usize = 64;

/// The statistics of columns, which standardize as `(x − mean) · inverse`.
#[derive(Debug)]
pub(crate) struct ColumnStatistics {
    pub(crate) means: Vec<f32>,
    /// `1 / √(variance + epsilon)`, of biased variances.
    pub(crate) inverse: Vec<f32>,
}

impl ColumnStatistics {
    /// Returns the matrix of these columns standardized, for a product; it is never materialized.
    pub(crate) fn standardized<'a>(&'a self, x: &'a [f32]) -> Matrix<'a, &'a Self> {
        let count = self.means.len();
        Matrix::read_by(self, x, [x.len() / count, count])
    }
}

impl ReadElements for &ColumnStatistics {
    #[inline(always)]
    fn write<'a>(
        self,
        elements: &[f32],
        column: usize,
        scale: f32,
        out: impl Iterator<Item = &'a mut f32>,
    ) {
        let means = &self.means[column..][..elements.len()];
        let inverse = &self.inverse[column..][..elements.len()];
        let of_columns = means.iter().zip(inverse);
        for ((out, x), (mean, inverse)) in out.zip(elements).zip(of_columns) {
            *out = (x - mean) * inverse * scale;
        }
    }
}

/// Returns every column minus its mean, divided by `√(variance + epsilon)`, and the reciprocals of
/// those roots.
pub(crate) fn standardize_columns(x: &[f32], columns: usize, epsilon: f32) -> (Vec<f32>, Vec<f32>) {
    let ColumnStatistics { means, inverse } = column_statistics(x, columns, epsilon);
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(columns).zip(x.par_chunks(columns)).with_min_len(8).for_each(|(out, x)| {
        Arch::new().dispatch(Standardized { x, means: &means, inverse: &inverse, out });
    });
    (out, inverse)
}

/// Measures mean and variance of every column.
pub(crate) fn column_statistics(x: &[f32], columns: usize, epsilon: f32) -> ColumnStatistics {
    let moments = |x| Arch::new().dispatch(Moments { x, columns });
    let parts: Vec<[Vec<f32>; 2]> = x.par_chunks(PART * columns).map(moments).collect();
    let rows = x.len() / columns;
    let count = |part: usize| (rows - part * PART).min(PART) as f32;
    let share = (rows as f32).recip();

    // In double precision, so that the mean of a constant column is exactly its value.
    let mut means = vec![0.0; columns];
    for (part, [own, _]) in parts.iter().enumerate() {
        for (mean, own) in means.iter_mut().zip(own) {
            *mean += f64::from(*own) * f64::from(count(part));
        }
    }
    let means: Vec<f32> = means.into_iter().map(|sum| (sum / rows as f64) as f32).collect();
    let mut inverse = vec![0.0; columns];
    for (part, [own, squares]) in parts.iter().enumerate() {
        for ((sum, mean), (own, squares)) in
            inverse.iter_mut().zip(&means).zip(own.iter().zip(squares))
        {
            *sum += squares + (own - mean).powi(2) * count(part);
        }
    }
    // A column without variance is divided by a value above 0, even with an epsilon of 0.
    let epsilon = epsilon.max(1e-37);
    for sum in &mut inverse {
        *sum = (*sum * share + epsilon).sqrt().recip();
    }
    ColumnStatistics { means, inverse }
}

/// The mean of every column of some rows, and the sum of the squared deviations from it.
struct Moments<'a> {
    x: &'a [f32],
    columns: usize,
}

impl WithSimd for Moments<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [Vec<f32>; 2] {
        let Self { x, columns } = self;
        let share = columns as f32 / x.len() as f32;
        let (mut means, mut squares) = (vec![0.0; columns], vec![0.0; columns]);
        for row in x.chunks_exact(columns) {
            for (sum, x) in means.iter_mut().zip(row) {
                *sum += x;
            }
        }
        for mean in &mut means {
            *mean *= share;
        }
        // The rounding error of the mean is measured in the same pass and removed below.
        let mut rest = vec![0.0; columns];
        for row in x.chunks_exact(columns) {
            let sums = squares.iter_mut().zip(&mut rest);
            for ((square, rest), (mean, x)) in sums.zip(means.iter().zip(row)) {
                let apart = x - mean;
                *square += apart * apart;
                *rest += apart;
            }
        }
        for (mean, rest) in means.iter_mut().zip(rest) {
            *mean += rest * share;
        }
        [means, squares]
    }
}

struct Standardized<'a> {
    x: &'a [f32],
    means: &'a [f32],
    inverse: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Standardized<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let of_columns = self.means.iter().zip(self.inverse);
        for ((out, x), (mean, inverse)) in self.out.iter_mut().zip(self.x).zip(of_columns) {
            *out = (x - mean) * inverse;
        }
    }
}

/// Turns the gradient with respect to the output `y` into the gradient with respect to the input,
/// in place; `inverse` are the reciprocals of the roots.
pub(crate) fn standardize_columns_gradient(
    y: &[f32],
    inverse: &[f32],
    gradient: &mut [f32],
    columns: usize,
) {
    let along = |(y, gradient)| Arch::new().dispatch(Along { y, gradient, columns });
    let parts = y.par_chunks(PART * columns).zip(gradient.par_chunks(PART * columns));
    let parts: Vec<[Vec<f32>; 2]> = parts.map(along).collect();
    let share = columns as f32 / y.len() as f32;
    let [means, along] = [0, 1].map(|which| {
        let mut sums = vec![0.0; columns];
        for part in &parts {
            for (sum, part) in sums.iter_mut().zip(&part[which]) {
                *sum += part * share;
            }
        }
        sums
    });
    let rows = gradient.par_chunks_mut(columns).zip(y.par_chunks(columns)).with_min_len(8);
    rows.for_each(|(gradient, y)| {
        let of_columns = [inverse, &means[..], &along[..]];
        Arch::new().dispatch(Gradient { y, gradient, of_columns });
    });
}

/// The sums of every column of some rows of the gradient, and of its products with `y`.
struct Along<'a> {
    y: &'a [f32],
    gradient: &'a [f32],
    columns: usize,
}

impl WithSimd for Along<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [Vec<f32>; 2] {
        let Self { y, gradient, columns } = self;
        let (mut sums, mut along) = (vec![0.0; columns], vec![0.0; columns]);
        for (y, gradient) in y.chunks_exact(columns).zip(gradient.chunks_exact(columns)) {
            for ((sum, along), (y, gradient)) in
                sums.iter_mut().zip(along.iter_mut()).zip(y.iter().zip(gradient))
            {
                *sum += gradient;
                *along += gradient * y;
            }
        }
        [sums, along]
    }
}

struct Gradient<'a> {
    y: &'a [f32],
    gradient: &'a mut [f32],
    of_columns: [&'a [f32]; 3],
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [inverse, means, along] = self.of_columns;
        let of_columns = inverse.iter().zip(means.iter().zip(along));
        let rows = self.gradient.iter_mut().zip(self.y);
        for ((gradient, y), (inverse, (mean, along))) in rows.zip(of_columns) {
            *gradient = (*gradient - mean - y * along) * inverse;
        }
    }
}
