//! Sinkhorn's rounds with one pass over memory each.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Computes codes of equal use: rows of sum 1, whose columns have about the same sum.
///
/// `None` also if the scores span 70 · `epsilon` or more, or a score is NaN.
///
/// # Shapes
/// - `scores`, output: `[batch, prototypes]`; the output is a constant
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::sinkhorn_rounds;
///
/// let scores = Tensor::<2>::from_floats([[1.0, 0.0], [0.8, 0.0]], &Device::flex());
/// let codes = sinkhorn_rounds(&scores, 0.05, 50).expect("single precision on Flex");
/// let codes: Vec<f32> = codes.into_data().iter().collect();
/// assert!(codes[0] > 0.8 && codes[3] > 0.8);
/// ```
#[must_use]
pub fn sinkhorn_rounds(scores: &Tensor<2>, epsilon: f64, iterations: usize) -> Option<Tensor<2>> {
    on_flex!(on_flex(scores, epsilon, iterations))
}

#[cfg(feature = "flex")]
fn on_flex(scores: &Tensor<2>, epsilon: f64, iterations: usize) -> Option<Tensor<2>> {
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32};

    let shape = scores.dims();
    let contiguous = contiguous_f32(scores)?;
    let codes = host::codes(as_f32_slice(&contiguous), shape[1], epsilon, iterations)?;
    Some(constant_f32(codes, shape, scores))
}
