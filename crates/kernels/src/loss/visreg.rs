//! `VISReg`'s distance of sorted projections from quantiles.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Computes the mean squared distance of the sorted elements of every row from `quantiles`.
///
/// Ranks are constants to the gradient; of equal elements the first has the lower rank.
///
/// # Shapes
/// - `projected`: `[slices, batch]`
/// - `quantiles`: `batch` values in ascending order
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::sorted_distance;
///
/// let projected = Tensor::<2>::from_floats([[1.0, -1.0]], &Device::flex());
/// let loss = sorted_distance(&projected, &[-1.0, 3.0]).expect("single precision on Flex");
/// assert_eq!(loss.into_scalar::<f32>(), 2.0);
/// ```
#[must_use]
pub fn sorted_distance(projected: &Tensor<2>, quantiles: &[f64]) -> Option<Tensor<1>> {
    on_flex!(on_flex(projected, quantiles))
}

#[cfg(feature = "flex")]
fn on_flex(projected: &Tensor<2>, quantiles: &[f64]) -> Option<Tensor<1>> {
    use super::custom_gradient;
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32, scalar_f32};

    let shape = projected.dims();
    let contiguous = contiguous_f32(projected)?;
    let quantiles: Vec<f32> = quantiles.iter().map(|quantile| *quantile as f32).collect();
    let count = (shape[0] * shape[1]) as f64;
    let scale = count.recip() as f32;
    let (sum, gradient) = host::ranked_square_sum(as_f32_slice(&contiguous), &quantiles, scale);
    let value = scalar_f32(sum / count, projected);
    Some(custom_gradient(projected.clone(), value, || constant_f32(gradient, shape, projected)))
}
