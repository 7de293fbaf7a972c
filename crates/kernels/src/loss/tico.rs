//! The terms of `TiCo`'s loss with their gradients, in one pass over memory.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
mod host;

/// Computes `Σ (½ w · product ⊙ a + v · a ⊙ b)` for the weights `[w, v]`, and its gradients with
/// respect to `a` and `b`, where `product` is linear in `a`; all are constants.
///
/// # Shapes
/// - `product`, `a`, `b` and the gradients: `[batch, dim]`
/// - value: `[1]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::loss::tico_terms;
///
/// let one = Tensor::<2>::ones([1, 1], &Device::flex());
/// let (value, [of_a, of_b]) = tico_terms(&one, &one, &one, [4.0, 1.0]).expect("Flex");
/// let found = [value.into_scalar::<f32>(), of_a.into_scalar(), of_b.into_scalar()];
/// assert_eq!(found, [3.0, 5.0, 1.0]);
/// ```
#[must_use]
pub fn tico_terms(
    product: &Tensor<2>,
    a: &Tensor<2>,
    b: &Tensor<2>,
    weights: [f64; 2],
) -> Option<(Tensor<1>, [Tensor<2>; 2])> {
    on_flex!(on_flex([product, a, b], weights.map(|x| x as f32)))
}

#[cfg(feature = "flex")]
fn on_flex(of: [&Tensor<2>; 3], weights: [f32; 2]) -> Option<(Tensor<1>, [Tensor<2>; 2])> {
    use crate::flex::{as_f32_slice, constant_f32, contiguous_f32, scalar_f32};

    let shape = of[0].dims();
    let contiguous = [contiguous_f32(of[0])?, contiguous_f32(of[1])?, contiguous_f32(of[2])?];
    let [product, a, b] = contiguous.each_ref().map(as_f32_slice);
    let (value, gradients) = host::terms([product, a, b], weights, shape[1]);
    let gradients = gradients.map(|gradient| constant_f32(gradient, shape, of[0]));
    Some((scalar_f32(value, of[0]), gradients))
}
