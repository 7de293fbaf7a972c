//! FastSiam: predict the mean of the other views' embeddings.

use burn::tensor::Tensor;

use crate::negative_cosine::one_direction;
use crate::ops::shapes::{common_dims, sum};

/// Returns the mean negative cosine of each view's prediction and the mean embedding of the other
/// views.
///
/// ```text
/// loss = −(1/K) Σᵢ mean cos(pᵢ, sg z̄ᵢ)          z̄ᵢ = Σⱼ≠ᵢ zⱼ / (K − 1)
/// ```
/// `sg` is stop-gradient: the targets are constants, even if they have a graph. Embeddings are
/// averaged at the length they have. With two views this is
/// [`negative_cosine`](crate::negative_cosine()).
///
/// # Shapes
/// - `predictions`: K ≥ 2 times `[batch, dim]`, the predictor's output for each view
/// - `embeddings`: as many, the projector's output for each view
/// - output: `[1]`, from −1 (the same direction) to 1
///
/// # Panics
/// If the shapes differ or are empty, there are fewer than 2 views, or not as many embeddings as
/// predictions.
///
/// # Source
/// Pototzky et al., 2022, [doi:10.1007/978-3-031-16788-1_4](https://doi.org/10.1007/978-3-031-16788-1_4).
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::fast_siam;
///
/// // Each of three views predicts the sum of the two others.
/// let [x, y, z] = [[1., 0., 0.], [0., 1., 0.], [0., 0., 1.]]
///     .map(|row| Tensor::<2>::from_floats([row], &Device::flex()));
/// let predictions = [y.clone() + z.clone(), x.clone() + z.clone(), x.clone() + y.clone()];
/// let loss = fast_siam(&predictions, &[x, y, z]);
/// assert!((loss.into_scalar::<f32>() + 1.0).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn fast_siam(predictions: &[Tensor<2>], embeddings: &[Tensor<2>]) -> Tensor<1> {
    let views = embeddings.len();
    common_dims("fast_siam", 2, &[predictions, embeddings].concat());
    assert!(
        views > 1 && predictions.len() == views,
        "fast_siam needs 2 views or more, got {} predictions and {views} embeddings",
        predictions.len()
    );
    let share = (views as f64).recip();
    let terms = predictions.iter().enumerate().filter_map(|(view, prediction)| {
        let others = embeddings.iter().enumerate().filter(|(other, _)| *other != view);
        // The cosine does not depend on the length: the sum stands for the mean.
        let target = sum(others.map(|(_, embedding)| embedding.clone().inner()))?;
        Some(one_direction(prediction.clone(), target, share))
    });
    sum(terms).unwrap_or_else(|| panic!("fast_siam needs 2 views or more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, laws, mean, ramp, ramp_rows, value};
    use crate::negative_cosine;
    use burn::tensor::Device;

    /// Three predictions, with the views and a constant as embeddings.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let constant = ramp(&a);
        let embeddings = [constant.clone(), constant.clone() * -0.4 + 0.3, constant.clone() + 1.0];
        fast_siam(&[a, b, constant], &embeddings)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            let constant = ramp_rows(pair.a.len(), pair.a[0].len());
            let changed = |by: fn(f64) -> f64| -> Vec<Vec<f64>> {
                constant.iter().map(|row| row.iter().map(|x| by(*x)).collect()).collect()
            };
            let z = [changed(|x| x), changed(|x| x * -0.4 + 0.3), changed(|x| x + 1.0)];
            let views = [&pair.a, &pair.b, &constant];
            let cosines = (0..3).flat_map(|view| {
                let [first, second] = [1, 2].map(|step| &z[(view + step) % 3]);
                let rows = views[view].iter().zip(first.iter().zip(second));
                rows.map(|(p, (x, y))| {
                    let target: Vec<f64> = x.iter().zip(y).map(|(x, y)| (x + y) / 2.0).collect();
                    cosine(p, &target)
                })
                .collect::<Vec<_>>()
            });
            assert_close(value(loss, &pair), -mean(cosines), 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        laws(loss).scale().precision().shapes().extremes(1);
    }

    #[test]
    fn two_views_are_those_of_simsiam() {
        let rows = |x: [[f32; 2]; 2]| Tensor::<2>::from_floats(x, &Device::flex());
        let [p_a, p_b] = [rows([[1., 2.], [0., 1.]]), rows([[2., -1.], [3., 1.]])];
        let [z_a, z_b] = [rows([[4., 1.], [1., 1.]]), rows([[1., 3.], [-2., 1.]])];
        let want = negative_cosine(p_a.clone(), p_b.clone(), z_a.clone(), z_b.clone());
        fast_siam(&[p_a, p_b], &[z_a, z_b]).into_data().assert_eq(&want.into_data(), true);
    }

    #[test]
    fn targets_get_no_gradient() {
        let device = Device::flex().autodiff();
        let rows = |x: f32| Tensor::<2>::from_floats([[x, 1.0]], &device).require_grad();
        let (p, z) = ([1.0, 2.0, 3.0].map(rows), [4.0, 5.0, 6.0].map(rows));
        let gradients = fast_siam(&p, &z.clone().map(|z| z * 2.0)).backward();
        assert!(p.iter().all(|p| p.grad(&gradients).is_some()));
        assert!(z.iter().all(|z| z.grad(&gradients).is_none()));
    }

    #[test]
    #[should_panic(expected = "1 predictions and 2 embeddings")]
    fn every_view_needs_a_prediction() {
        let view = Tensor::<2>::ones([2, 2], &Device::flex());
        let _ = fast_siam(std::slice::from_ref(&view), &[view.clone(), view.clone()]);
    }
}
