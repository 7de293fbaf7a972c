//! The Gaussian error linear unit.

#[cfg(feature = "flex")]
pub(crate) mod host;
#[cfg(feature = "flex")]
mod operator;

use burn::tensor::Tensor;
use burn::tensor::activation;

/// Multiplies each element by the share of a standard normal distribution below it.
///
/// ```text
/// y = x Φ(x) = x ½ (1 + erf(x / √2))
/// ```
/// On the Flex backend in single precision this is one operator, which keeps only its input for the
/// backward pass; its approximation is within 2.2e-7 of the formula for |x| ≤ 4, before rounding.
/// Elsewhere it is burn's.
///
/// # Source
/// Hendrycks & Gimpel, 2016, [arXiv:1606.08415](https://arxiv.org/abs/1606.08415), the exact form.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::gelu;
///
/// let x = Tensor::<1>::from_floats([-1.0, 0.0, 1.0], &Device::flex());
/// let y: Vec<f32> = gelu(x).into_data().iter().collect();
/// assert!((y[0] + 0.158_655).abs() < 1e-6 && y[1] == 0.0 && (y[2] - 0.841_345).abs() < 1e-6);
/// ```
#[must_use]
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::is_f32_on_flex(&x) {
        use burn::backend::Dispatch;
        use operator::GeluOps;

        return Tensor::from_dispatch(Dispatch::kernel_gelu(x.into_dispatch()));
    }
    activation::gelu(x)
}
