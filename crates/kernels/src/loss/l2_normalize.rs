//! Rows of unit length.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
pub(super) mod host;

/// Divides each row by its length; a row of zeros stays zero.
///
/// Lengths from 1e-37 to 1e37 are exact.
///
/// # Shapes
/// - `rows`, output: `[batch, dim]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::rows_of_unit_length;
///
/// let rows = Tensor::<2>::from_floats([[0.0, 3e30]], &Device::flex());
/// let unit = rows_of_unit_length(&rows).expect("single precision on Flex");
/// assert_eq!(unit.into_data().iter::<f32>().collect::<Vec<_>>(), [0.0, 1.0]);
/// ```
#[must_use]
pub fn rows_of_unit_length(rows: &Tensor<2>) -> Option<Tensor<2>> {
    on_flex!(
        crate::flex::is_f32_on_flex(rows).then(|| super::autodiff::normalize_rows(rows.clone()))
    )
}
