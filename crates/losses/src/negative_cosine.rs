//! Negative cosine: predict one view's embedding from the other's.

use burn::tensor::Tensor;

use crate::normalize::{normalize, paired_dims};

/// Mean negative cosine of each prediction and the other view's embedding, both ways.
///
/// ```text
/// loss = −½ mean cos(p_a, sg z_b) − ½ mean cos(p_b, sg z_a)
/// ```
/// `sg` is stop-gradient: the targets are constants here, whatever graph they come with. A row of
/// zeros counts as at right angles to everything.
///
/// # Shapes
/// - `prediction_a`, `prediction_b`: `[batch, dim]`, the predictor's output for each view
/// - `target_a`, `target_b`: `[batch, dim]`, the projector's output for each view
/// - output: `[1]`, from −1 (the same direction) to 1
///
/// # Panics
/// If the shapes differ or are empty.
///
/// # Source
/// Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566), eq. 1 to 4.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::negative_cosine;
///
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let loss = negative_cosine(view.clone() * 7.0, view.clone(), view.clone(), view);
/// assert!((loss.into_scalar::<f32>() + 1.0).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn negative_cosine(
    prediction_a: Tensor<2>,
    prediction_b: Tensor<2>,
    target_a: Tensor<2>,
    target_b: Tensor<2>,
) -> Tensor<1> {
    paired_dims("negative_cosine", &prediction_a, &target_b);
    paired_dims("negative_cosine", &prediction_b, &target_a);
    let cosine = |prediction, target: Tensor<2>| {
        (normalize(prediction) * normalize(target.inner())).sum_dim(1).mean()
    };
    (cosine(prediction_a, target_b) + cosine(prediction_b, target_a)) * -0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{assert_close, finite_differences, laws, pair, value};
    use burn::tensor::Device;

    /// Fixed targets, so that what varies is what is learned.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let [rows, columns] = a.dims();
        let target = Tensor::<2>::ones([rows, columns], (&a.device(), a.dtype()));
        negative_cosine(a, b, target.clone(), target)
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().extremes(1);
    }

    #[test]
    fn a_right_angle_is_nought_and_the_opposite_one() {
        let found = value(loss, &pair([[1., -1.], [1., -1.]], [[-1., -1.], [-2., -2.]]));
        assert_close(found, 0.5, 1e-12);
    }

    #[test]
    fn targets_get_no_gradient() {
        let device = Device::flex().autodiff();
        let p = Tensor::<2>::from_floats([[1.0, 2.0]], &device).require_grad();
        let z = Tensor::<2>::from_floats([[2.0, 1.0]], &device).require_grad();
        let target = z.clone() * 2.0;
        let gradients = negative_cosine(p.clone(), p.clone(), target.clone(), target).backward();
        assert!(p.grad(&gradients).is_some() && z.grad(&gradients).is_none());
    }
}
