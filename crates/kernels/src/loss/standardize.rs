//! Columns of mean 0 and variance 1.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
pub(super) mod host;

/// Subtracts from every column its mean and divides it by `√(variance + epsilon)`, with the biased
/// variance.
///
/// `None` also if a row has a length of 1e15 or more, or an element is NaN.
///
/// # Shapes
/// - `x`, output: `[batch, dim]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::standardize;
///
/// let x = Tensor::<2>::from_floats([[1.0], [5.0]], &Device::flex());
/// let found = standardize(&x, 0.0).expect("single precision on Flex");
/// assert_eq!(found.into_data().iter::<f32>().collect::<Vec<_>>(), [-1.0, 1.0]);
/// ```
#[must_use]
pub fn standardize(x: &Tensor<2>, epsilon: f64) -> Option<Tensor<2>> {
    on_flex!(on_flex(x, epsilon))
}

#[cfg(feature = "flex")]
fn on_flex(x: &Tensor<2>, epsilon: f64) -> Option<Tensor<2>> {
    use crate::flex::{as_f32_slice, contiguous_f32};

    let contiguous = contiguous_f32(x)?;
    let longest = super::reduce::host::max_row_norm(as_f32_slice(&contiguous), x.dims()[1]);
    (longest < 1e15).then(|| super::autodiff::standardize_tensor(x.clone(), epsilon))
}
