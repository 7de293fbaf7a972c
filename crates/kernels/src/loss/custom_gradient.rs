//! Scalars whose gradient is computed outside the graph.

use burn::tensor::Tensor;

/// Returns `value`, with `gradient` as its derivative with respect to `input`.
///
/// For losses that a graph cannot follow (matrix decompositions) or should not keep (large
/// intermediate results). `gradient` is computed only if `input` is part of a graph. The value is
/// kept to the last bit. On Flex the forward pass computes nothing, and the backward pass only
/// scales the gradient.
///
/// # Shapes
/// - `value`: `[1]`, a constant
/// - `gradient`: that of `input`, a constant
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::custom_gradient;
///
/// let x = Tensor::<1>::from_floats([2.0], &Device::flex().autodiff()).require_grad();
/// let (value, slope) = (x.clone().inner() * 7.0, x.clone().inner() * 3.0);
/// let loss = custom_gradient(x.clone(), value, || slope);
/// assert_eq!(loss.clone().into_scalar::<f32>(), 14.0);
/// assert_eq!(x.grad(&loss.backward()).unwrap().into_scalar::<f32>(), 6.0);
/// ```
#[must_use]
pub fn custom_gradient<const D: usize>(
    input: Tensor<D>,
    value: Tensor<1>,
    gradient: impl FnOnce() -> Tensor<D>,
) -> Tensor<1> {
    if !input.is_tracked() {
        return value;
    }
    #[cfg(feature = "flex")]
    if crate::flex::is_on_flex(&input) {
        return super::autodiff::attach_gradient(input, value, gradient());
    }
    // Exactly 0, with the graph of the input.
    let zeros = input.clone() - input.inner().autodiff();
    (zeros * gradient().autodiff()).sum() + value.autodiff()
}
