//! Barlow Twins without materializing the standardized views.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Computes `Σᵢ (1 − Cᵢᵢ)² + weight · Σᵢ Σⱼ≠ᵢ Cᵢⱼ²` of the cross-correlation `C` of two views.
///
/// `None` also if the square of an element is infinite in single precision, or NaN.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::correlation_distance;
///
/// let view = Tensor::<2>::from_floats([[1.0], [-1.0]], &Device::flex());
/// let loss = correlation_distance(&view, &view, 1e-5, 0.1).expect("single precision on Flex");
/// assert!(loss.into_scalar::<f32>() < 1e-6);
/// ```
#[must_use]
pub fn correlation_distance(
    view_a: &Tensor<2>,
    view_b: &Tensor<2>,
    epsilon: f64,
    weight: f64,
) -> Option<Tensor<1>> {
    on_flex!(on_flex(view_a, view_b, epsilon as f32, weight as f32))
}

#[cfg(feature = "flex")]
fn on_flex(a: &Tensor<2>, b: &Tensor<2>, epsilon: f32, weight: f32) -> Option<Tensor<1>> {
    use super::custom_gradient;
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32};

    let (host_a, host_b) = (contiguous_f32(a)?, contiguous_f32(b)?);
    let views = [&host_a, &host_b].map(as_f32_slice);
    let found = host::Correlation::of(views, a.dims()[1], epsilon, weight)?;
    let loss = constant_f32(vec![found.loss], [1], a);
    let none = loss.zeros_like();
    let gradient = |view| constant_f32(found.gradient(view), a.dims(), a);
    let of_a = custom_gradient(a.clone(), loss, || gradient(0));
    Some(of_a + custom_gradient(b.clone(), none, || gradient(1)))
}
