//! Cosines of rows.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Computes the sum of the cosines of the rows of two matrices, times `weight`.
///
/// The weight is part of the gradient, so that no scaling is left to do. Targets are constants. A
/// row of zeros counts as orthogonal to every row.
///
/// # Shapes
/// - `rows`, `targets`: `[batch, dim]`
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::sum_of_cosines;
///
/// let rows = Tensor::<2>::from_floats([[3.0, 0.0], [0.0, 2.0]], &Device::flex());
/// let sum = sum_of_cosines(&rows, &rows, 0.5).expect("single precision on Flex");
/// assert_eq!(sum.into_scalar::<f32>(), 1.0);
/// ```
#[must_use]
pub fn sum_of_cosines(rows: &Tensor<2>, targets: &Tensor<2>, weight: f64) -> Option<Tensor<1>> {
    on_flex!(on_flex(rows, targets, weight as f32))
}

#[cfg(feature = "flex")]
fn on_flex(rows: &Tensor<2>, targets: &Tensor<2>, weight: f32) -> Option<Tensor<1>> {
    use super::custom_gradient;
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32, scalar_f32};

    let (x, y) = (contiguous_f32(rows)?, contiguous_f32(targets)?);
    let (x, y) = (as_f32_slice(&x), as_f32_slice(&y));
    let shape = rows.dims();
    let (value, gradient) = host::weighted_cosines(x, y, shape[1], weight, rows.is_tracked());
    let value = scalar_f32(value, rows);
    Some(custom_gradient(rows.clone(), value, || constant_f32(gradient, shape, rows)))
}
