//! Softmax and cross-entropy of rows, each in one pass over memory.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Sums `−Σₖ codeₖ · log softmax(scores / temperature)ₖ` over the codes and the rows.
///
/// # Shapes
/// - `codes`: one matrix or more, `[batch, columns]` each, constants whose rows have the sum 1
/// - `scores`: `[batch, columns]`
/// - output: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::sum_of_cross_entropies;
///
/// let scores = Tensor::<2>::zeros([1, 2], &Device::flex());
/// let code = Tensor::<2>::from_floats([[0.0, 1.0]], &Device::flex());
/// let loss = sum_of_cross_entropies(&[code], &scores, 1.0).expect("single precision on Flex");
/// assert!((loss.into_scalar::<f32>() - 2.0_f32.ln()).abs() < 1e-6);
/// ```
#[must_use]
pub fn sum_of_cross_entropies(
    codes: &[Tensor<2>],
    scores: &Tensor<2>,
    temperature: f64,
) -> Option<Tensor<1>> {
    on_flex!(cross_entropy_on_flex(codes, scores, temperature.recip() as f32))
}

/// Computes `softmax((scores − center) / temperature)` of every row, a constant.
///
/// # Shapes
/// - `scores`, output: `[batch, columns]`
/// - `center`: `[1, columns]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::softmax;
///
/// let scores = Tensor::<2>::from_floats([[5.0, 7.0]], &Device::flex());
/// let found = softmax(&scores, Some(&scores), 0.1).expect("single precision on Flex");
/// assert_eq!(found.into_data().iter::<f32>().collect::<Vec<_>>(), [0.5, 0.5]);
/// ```
#[must_use]
pub fn softmax(
    scores: &Tensor<2>,
    center: Option<&Tensor<2>>,
    temperature: f64,
) -> Option<Tensor<2>> {
    on_flex!(softmax_on_flex(scores, center, temperature.recip() as f32))
}

/// Backpropagates `slope` through the softmax whose output is `p`, times `scale`, a constant.
///
/// ```text
/// p ⊙ (slope − Σₖ pₖ slopeₖ) · scale
/// ```
///
/// # Shapes
/// - `p`, output: `[batch, columns]`
/// - `slope`: `[1, columns]`, the gradient with respect to every row of `p`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::softmax_backward;
///
/// let p = Tensor::<2>::from_floats([[0.5, 0.5]], &Device::flex());
/// let slope = Tensor::<2>::from_floats([[1.0, 0.0]], &Device::flex());
/// let found = softmax_backward(&p, &slope, 2.0).expect("single precision on Flex");
/// assert_eq!(found.into_data().iter::<f32>().collect::<Vec<_>>(), [0.5, -0.5]);
/// ```
#[must_use]
pub fn softmax_backward(p: &Tensor<2>, slope: &Tensor<2>, scale: f64) -> Option<Tensor<2>> {
    on_flex!(softmax_backward_on_flex(p, slope, scale as f32))
}

#[cfg(feature = "flex")]
fn cross_entropy_on_flex(
    codes: &[Tensor<2>],
    scores: &Tensor<2>,
    sharpness: f32,
) -> Option<Tensor<1>> {
    use super::custom_gradient;
    use crate::flex::{FlexTensor, as_f32_slice, constant_f32, contiguous_f32, scalar_f32};

    let shape = scores.dims();
    let codes: Vec<FlexTensor> = codes.iter().map(contiguous_f32).collect::<Option<_>>()?;
    let codes: Vec<&[f32]> = codes.iter().map(as_f32_slice).collect();
    let contiguous = contiguous_f32(scores)?;
    let (elements, columns) = (as_f32_slice(&contiguous), shape[1]);
    let predictions = host::Predictions { scores: elements, codes: &codes, columns, sharpness };
    let (value, gradient) = predictions.cross_entropy(scores.is_tracked());
    let value = scalar_f32(value, scores);
    Some(custom_gradient(scores.clone(), value, || constant_f32(gradient, shape, scores)))
}

#[cfg(feature = "flex")]
fn softmax_on_flex(
    scores: &Tensor<2>,
    center: Option<&Tensor<2>>,
    sharpness: f32,
) -> Option<Tensor<2>> {
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32};

    let shape = scores.dims();
    let contiguous = contiguous_f32(scores)?;
    let center = match center {
        None => None,
        Some(center) => Some(contiguous_f32(center)?),
    };
    let center = center.as_ref().map(as_f32_slice);
    let found = host::softmax_rows(as_f32_slice(&contiguous), shape[1], center, sharpness);
    Some(constant_f32(found, shape, scores))
}

#[cfg(feature = "flex")]
fn softmax_backward_on_flex(p: &Tensor<2>, slope: &Tensor<2>, scale: f32) -> Option<Tensor<2>> {
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32};

    let (host_p, slope) = (contiguous_f32(p)?, contiguous_f32(slope)?);
    let found = host::softmax_rows_backward(as_f32_slice(&host_p), as_f32_slice(&slope), scale);
    Some(constant_f32(found, p.dims(), p))
}
