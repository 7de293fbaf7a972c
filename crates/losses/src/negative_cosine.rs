//! Negative cosine: predict one view's embedding from the other's.

use burn::tensor::Tensor;
use selfsame_kernels::loss::sum_of_cosines;

use crate::ops::contrast::cosines;
use crate::ops::custom_gradient::custom_gradient;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::shapes::paired_dims;

/// Returns the mean negative cosine of each prediction and the other view's embedding, in both
/// directions.
///
/// ```text
/// loss = −½ mean cos(p_a, sg z_b) − ½ mean cos(p_b, sg z_a)
/// ```
/// `sg` is stop-gradient: the targets are constants, even if they have a graph. A row of
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
    paired_dims("negative_cosine", &prediction_a, &prediction_b);
    paired_dims("negative_cosine", &prediction_a, &target_b);
    paired_dims("negative_cosine", &prediction_b, &target_a);
    one_direction(prediction_a, target_b, 0.5) + one_direction(prediction_b, target_a, 0.5)
}

/// Returns the mean negative cosine of predictions and constant targets, times `weight`. The factor
/// is part of the gradient, which then needs no scaling.
pub(crate) fn one_direction(prediction: Tensor<2>, target: Tensor<2>, weight: f64) -> Tensor<1> {
    let batch = prediction.dims()[0];
    if let Some(loss) = sum_of_cosines(&prediction, &target, -weight / batch as f64) {
        return loss;
    }
    cosines(l2_normalize(prediction), l2_normalize(target.inner())).mean() * -weight
}

/// A distance of a prediction from its target, as a function of their cosine `s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CosineForm {
    /// `−s`, from −1 to 1, as [`negative_cosine`].
    Negative,
    /// `1 − s`, from 0 to 2.
    Distance,
    /// `arccos(s) / π`, from 0 to 1.
    Angular,
}

/// Returns [`negative_cosine`] in another form: the mean over rows and both directions.
///
/// ```text
/// loss = ½ mean f(cos(p_a, sg z_b)) + ½ mean f(cos(p_b, sg z_a))      f the form
/// ```
/// The slope of the angle is infinite where prediction and target have the same or opposite
/// directions; it is limited to the slope at a sine of 1e-3, so that the gradient is finite
/// everywhere.
///
/// # Shapes
/// - `prediction_a`, `prediction_b`, `target_a`, `target_b`: `[batch, dim]`
/// - output: `[1]`, in the range of the form
///
/// # Panics
/// If the shapes differ or are empty.
///
/// # Source
/// The three forms are those of `SimSiamLoss` of TensorFlow Similarity.
/// Deviation: no margin is added to the value, and the angle has a finite gradient.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{CosineForm, cosine_loss};
///
/// let view = Tensor::<2>::from_floats([[1.0, 0.0]], &Device::flex());
/// let other = Tensor::<2>::from_floats([[0.0, 2.0]], &Device::flex());
/// let right_angle =
///     cosine_loss(view.clone(), view, other.clone(), other, CosineForm::Angular);
/// assert!((right_angle.into_scalar::<f32>() - 0.5).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn cosine_loss(
    prediction_a: Tensor<2>,
    prediction_b: Tensor<2>,
    target_a: Tensor<2>,
    target_b: Tensor<2>,
    form: CosineForm,
) -> Tensor<1> {
    match form {
        CosineForm::Negative => negative_cosine(prediction_a, prediction_b, target_a, target_b),
        CosineForm::Distance => {
            negative_cosine(prediction_a, prediction_b, target_a, target_b) + 1.0
        }
        CosineForm::Angular => {
            paired_dims("cosine_loss", &prediction_a, &prediction_b);
            paired_dims("cosine_loss", &prediction_a, &target_b);
            paired_dims("cosine_loss", &prediction_b, &target_a);
            let angle = |prediction, target: Tensor<2>| {
                mean_angle(cosines(l2_normalize(prediction), l2_normalize(target.inner())))
            };
            (angle(prediction_a, target_b) + angle(prediction_b, target_a)) * 0.5
        }
    }
}

/// Returns the mean of `arccos(s) / π`, with a slope that stays finite.
fn mean_angle(cosines: Tensor<1>) -> Tensor<1> {
    let plain = cosines.clone().inner();
    let value = plain.clone().clamp(-1.0, 1.0).acos().mean() / std::f64::consts::PI;
    let count = plain.dims()[0] as f64;
    custom_gradient(cosines, value, || {
        let sine = (plain.square() * -1.0 + 1.0).clamp_min(1e-6).sqrt();
        sine.recip() * (-1.0 / (std::f64::consts::PI * count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{
        Pair, assert_close, cosine, finite_differences, laws, mean, ramp, ramp_rows, value,
    };
    use burn::tensor::Device;

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        negative_cosine(a.clone(), b.clone(), ramp(&b), ramp(&a))
    }

    fn angular(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        cosine_loss(a.clone(), b.clone(), ramp(&b), ramp(&a), CosineForm::Angular)
    }

    fn distance(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        cosine_loss(a.clone(), b.clone(), ramp(&b), ramp(&a), CosineForm::Distance)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            let targets = ramp_rows(pair.a.len(), pair.a[0].len());
            let rows = pair.a.iter().zip(&targets).chain(pair.b.iter().zip(&targets));
            let cosines: Vec<f64> = rows.map(|(row, target)| cosine(row, target)).collect();
            assert_close(value(loss, &pair), -mean(cosines.clone()), 1e-12);
            assert_close(value(distance, &pair), 1.0 - mean(cosines.clone()), 1e-12);
            let angles = cosines.iter().map(|s| s.clamp(-1.0, 1.0).acos() / std::f64::consts::PI);
            assert_close(value(angular, &pair), mean(angles), 1e-7);
        }
    }

    #[test]
    fn obeys_the_laws() {
        for loss in [loss, angular, distance] {
            finite_differences(loss);
            laws(loss).symmetry().scale().precision().shapes().extremes(1);
        }
    }

    #[test]
    fn the_order_of_images_does_not_matter() {
        let level: crate::laws::Loss = |a, b| {
            let (target_a, target_b) = (a.ones_like(), b.ones_like());
            cosine_loss(a, b, target_a, target_b, CosineForm::Angular)
        };
        laws(level).permutation();
    }

    /// Against the same targets for both views.
    fn towards(
        target: [[f32; 2]; 2],
        form: CosineForm,
    ) -> impl Fn(Tensor<2>, Tensor<2>) -> Tensor<1> {
        move |a, b| {
            let target = Tensor::<2>::from_floats(target, &Device::flex());
            cosine_loss(a, b, target.clone(), target, form)
        }
    }

    #[test]
    fn a_right_angle_is_nought_and_the_opposite_one() {
        let rows = |x: [[f32; 2]; 2]| Tensor::<2>::from_floats(x, &Device::flex());
        let (across, opposite) = (rows([[2., -1.], [2., -1.]]), rows([[-1., -2.], [-2., -4.]]));
        let loss = towards([[1., 2.], [1., 2.]], CosineForm::Negative)(across, opposite);
        assert_close(loss.into_scalar::<f32>().into(), 0.5, 1e-6);
    }

    #[test]
    fn the_angle_of_one_direction_has_a_finite_slope() {
        let device = Device::flex().autodiff();
        let same = Tensor::<2>::from_floats([[1., 2.], [3., 6.]], &device).require_grad();
        let opposite = Tensor::<2>::from_floats([[-1., -2.], [-3., -6.]], &device).require_grad();
        let loss = towards([[1., 2.], [1., 2.]], CosineForm::Angular);
        let loss = loss(same.clone(), opposite.clone());
        assert_close(loss.clone().into_scalar::<f32>().into(), 0.5, 1e-3);
        let gradients = loss.backward();
        for view in [same, opposite] {
            let slope: f32 = view.grad(&gradients).unwrap().abs().max().into_scalar();
            assert!(slope < 1e-2, "{slope}");
        }
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
