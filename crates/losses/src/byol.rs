//! BYOL: the online network predicts the momentum network's embedding of the other view.

use burn::tensor::Tensor;

use crate::negative_cosine::negative_cosine;

/// Returns the squared distance of normalized predictions and targets, in both directions.
///
/// ```text
/// loss = mean ‖p̂_a − sg ẑ_b‖²  +  mean ‖p̂_b − sg ẑ_a‖²  =  4 + 4 · negative_cosine
/// ```
/// The hat is a row of unit length, `sg` stop-gradient. It is summed over the two directions and
/// averaged over the batch. A row of zeros counts as at right angles to everything.
///
/// # Shapes
/// - `prediction_a`, `prediction_b`: `[batch, dim]`, the online predictor's output for each view
/// - `target_a`, `target_b`: `[batch, dim]`, the momentum projector's output for each view
/// - output: `[1]`, from 0 to 8
///
/// # Panics
/// If the shapes differ or are empty.
///
/// # Source
/// Grill et al., 2020, [arXiv:2006.07733](https://arxiv.org/abs/2006.07733), eq. 2.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::byol;
///
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let opposite = view.clone() * -2.0;
/// let loss = byol(view.clone(), view.clone(), view, opposite).into_scalar::<f32>();
/// assert!((loss - 4.0).abs() < 1e-6); // one direction 4, the other 0
/// ```
#[must_use]
#[track_caller]
pub fn byol(
    prediction_a: Tensor<2>,
    prediction_b: Tensor<2>,
    target_a: Tensor<2>,
    target_b: Tensor<2>,
) -> Tensor<1> {
    negative_cosine(prediction_a, prediction_b, target_a, target_b) * 4.0 + 4.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, mean, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let (target_a, target_b) = (b.ones_like(), a.ones_like());
        byol(a, b, target_a, target_b)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            let side = (pair.a[0].len() as f64).sqrt().recip();
            let distance = |row: &Vec<f64>| {
                let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                row.iter().map(|x| (x / length - side).powi(2)).sum::<f64>()
            };
            let ways = [&pair.a, &pair.b].map(|view| mean(view.iter().map(distance)));
            assert_close(value(loss, &pair), ways[0] + ways[1], 1e-11);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().precision().shapes().extremes(1);
    }
}
