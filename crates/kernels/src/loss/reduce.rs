//! Reductions of a matrix to one value.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
pub(super) mod host;

/// Sums the squares of all elements, a constant.
///
/// # Shapes
/// - `x`: any matrix
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::sum_of_squares;
///
/// let x = Tensor::<2>::from_floats([[3.0], [4.0]], &Device::flex());
/// assert_eq!(sum_of_squares(&x).into_scalar::<f32>(), 25.0);
/// ```
#[must_use]
pub fn sum_of_squares(x: &Tensor<2>) -> Tensor<1> {
    on_flex!(on_flex(x)).unwrap_or_else(|| x.clone().inner().square().sum())
}

#[cfg(feature = "flex")]
fn on_flex(x: &Tensor<2>) -> Option<Tensor<1>> {
    use crate::flex::{as_f32_slice, contiguous_f32, scalar_f32};

    let sum = host::square_sum(as_f32_slice(&contiguous_f32(x)?));
    Some(scalar_f32(sum, x))
}
