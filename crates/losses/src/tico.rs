//! `TiCo`: views agree and avoid the directions of earlier embeddings.

use burn::tensor::Tensor;
use selfsame_kernels::Factor::Plain;
use selfsame_kernels::gemm;
use selfsame_kernels::loss::tico_terms;

use crate::TicoCovariance;
use crate::ops::custom_gradient::custom_gradient;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::shapes::paired_dims;

/// Settings of [`tico`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TicoLossConfig {
    /// β, from 0 to 1: the share of the old covariance that is kept, for [`TicoCovariance::next`];
    /// the loss itself does not read it.
    pub momentum: f64,
    /// ρ, the weight of the covariance term.
    pub covariance: f64,
}

impl Default for TicoLossConfig {
    /// Returns momentum 0.9, covariance 8 (paper).
    fn default() -> Self {
        Self { momentum: 0.9, covariance: 8.0 }
    }
}

/// Returns the disagreement of two views, plus the overlap of view a with the covariance so far.
///
/// ```text
/// loss = 1 − mean âᵢ · b̂ᵢ + ρ mean âᵢᵀ C âᵢ        C ← β C + (1 − β) sg(Âᵀ Â / batch)
/// ```
/// The hat is a row of unit length, `sg` stop-gradient. `covariance` is `C` after the update:
/// [`TicoCovariance::next`] computes it from view a with `config.momentum`, and after the
/// optimizer's step it replaces the old one. Only view a is compared with the covariance, so the
/// loss is not symmetric.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - `covariance`: of `dim` columns
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the shapes differ or are empty, or the covariance is of another `dim`.
///
/// # Source
/// Zhu et al., 2022, [arXiv:2206.10698](https://arxiv.org/abs/2206.10698), algorithm 1.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{TicoLossConfig, TicoCovariance, tico};
///
/// // First step, two directions: C = 0.1 · ½ · identity, so that âᵀ C â is 0.05 for every row.
/// let config = TicoLossConfig::default();
/// let view_a = Tensor::<2>::eye(2, &Device::flex());
/// let view_b = view_a.clone();
/// let mut covariance = TicoCovariance::new(2, &Device::flex());
/// let next = covariance.next(view_a.clone(), config.momentum);
/// let loss = tico(view_a, view_b, &next, &config);
/// assert!((loss.into_scalar::<f32>() - 8.0 * 0.05).abs() < 1e-6);
/// // After the optimizer's step:
/// covariance = next;
/// assert_eq!(covariance.matrix().dims(), [2, 2]);
/// ```
#[must_use]
#[track_caller]
pub fn tico(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    covariance: &TicoCovariance,
    config: &TicoLossConfig,
) -> Tensor<1> {
    let [batch, dim] = paired_dims("tico", &view_a, &view_b);
    let (found, views) = (covariance.matrix().dims(), [batch, dim]);
    assert_eq!(found[1], dim, "tico: a covariance of shape {found:?} for views of {views:?}");
    let (a, b) = (l2_normalize(view_a), l2_normalize(view_b));
    let matrix = covariance.matrix().cast(a.dtype());
    let (plain_a, plain_b) = (a.clone().inner(), b.clone().inner());
    let product = gemm(Plain(&plain_a), Plain(&matrix), 1.0);
    let weights = [2.0 * config.covariance / batch as f64, -1.0 / batch as f64];
    let (value, [of_a, of_b]) = terms(product, plain_a, plain_b, weights);
    // The covariance is symmetric, and a constant.
    let loss = custom_gradient(a, value.clone() + 1.0, || of_a);
    loss + custom_gradient(b, value.zeros_like(), || of_b)
}

/// `Σ (½ w · product ⊙ a + v · a ⊙ b)` for the weights `w` and `v`, and its gradients with respect
/// to `a` and `b`, where `product` is linear in `a`.
fn terms(
    product: Tensor<2>,
    a: Tensor<2>,
    b: Tensor<2>,
    weights: [f64; 2],
) -> (Tensor<1>, [Tensor<2>; 2]) {
    if let Some(found) = tico_terms(&product, &a, &b, weights) {
        return found;
    }
    let [along, agreement] = weights;
    let of_b = a.clone() * agreement;
    let value = (product.clone() * a).sum() * (along / 2.0) + (of_b.clone() * b.clone()).sum();
    (value, [product * along + b * agreement, of_b])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, laws, mean, value};
    use burn::tensor::Device;

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let config = TicoLossConfig::default();
        let covariance = TicoCovariance::new(a.dims()[1], &a.device());
        tico(a.clone(), b, &covariance.next(a, config.momentum), &config)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            // aᵢᵀ (Σₖ aₖ aₖᵀ) aᵢ is a sum of squared cosines.
            let along = mean(pair.a.iter().map(|a| mean(pair.a.iter().map(|x| cosine(a, x).powi(2)))));
            let agreement = mean(pair.a.iter().zip(&pair.b).map(|(a, b)| cosine(a, b)));
            assert_close(value(loss, &pair), 1.0 - agreement + 8.0 * 0.1 * along, 1e-11);
        }
    }

    #[test]
    fn obeys_the_laws() {
        laws(loss).permutation().scale().precision().shapes().extremes(1).collapse();
    }

    /// The slope with a fixed covariance, as the gradient treats it.
    #[test]
    fn the_gradient_is_that_of_a_fixed_covariance() {
        let held: crate::laws::Loss = |a, b| {
            let fixed = crate::laws::ramp(&a);
            let covariance = TicoCovariance::new(a.dims()[1], &a.device()).next(fixed, 0.5);
            tico(a, b, &covariance, &TicoLossConfig::default())
        };
        crate::laws::finite_differences(held);
    }

    #[test]
    fn the_covariance_remembers() {
        let device = Device::flex();
        let mut covariance = TicoCovariance::new(2, &device);
        for x in [[[2., 0.]], [[0., 0.5]]] {
            covariance = covariance.next(Tensor::from_floats(x, &device), 0.5);
        }
        let found = covariance.matrix().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(found, [0.25, 0.0, 0.0, 0.5]);
        // View a lies along the second axis: 1 − 0 + 1 · 0.5.
        let view = |x: [[f32; 2]; 1]| Tensor::from_floats(x, &device);
        let config = TicoLossConfig { momentum: 0.5, covariance: 1.0 };
        let loss = tico(view([[0., 4.]]), view([[1., 0.]]), &covariance, &config);
        assert_eq!(loss.into_scalar::<f32>(), 1.5);
    }

    #[test]
    #[should_panic(expected = "tico: a covariance of shape [2, 2] for views of [4, 3]")]
    fn a_covariance_of_another_width_is_named() {
        let device = Device::flex();
        let view = Tensor::ones([4, 3], &device);
        let covariance = TicoCovariance::new(2, &device);
        let _ = tico(view.clone(), view, &covariance, &TicoLossConfig::default());
    }
}
