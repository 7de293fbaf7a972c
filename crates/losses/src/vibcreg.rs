//! VIbCReg: VICReg with correlations in place of covariances.

use burn::tensor::Tensor;

use crate::VicregTerms;
use crate::ops::gram::self_squares;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::moments::{bounded, center_columns, variance_hinge};
use crate::ops::shapes::paired_dims;

/// Settings of [`vibcreg`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VibcregLossConfig {
    /// λ, the weight of the views' distance.
    pub invariance: f64,
    /// μ, the weight of the variance term of each view.
    pub variance: f64,
    /// ν, the weight of the correlation term of each view.
    pub correlation: f64,
    /// Added to every feature's variance before the square root.
    pub epsilon: f64,
}

impl Default for VibcregLossConfig {
    /// Returns λ 25, μ 25, ν 200, epsilon 1e-4 (as in solo-learn).
    fn default() -> Self {
        Self { invariance: 25.0, variance: 25.0, correlation: 200.0, epsilon: 1e-4 }
    }
}

/// Returns the distance of two views, a hinge on every feature's deviation, and the features'
/// correlations.
///
/// ```text
/// loss = λ mean (aᵢₖ − bᵢₖ)²  +  μ (V(A) + V(B))  +  ν (R(A) + R(B))
/// V(X) = mean over k of max(0, 1 − √(varₖ + ε))        R(X) = Σₖ Σₗ≠ₖ corₖₗ² / dim²
/// ```
/// The variance is unbiased. The terms of the two views are added. A feature without variance
/// correlates with nothing. Where a hinge is exactly 0 its slope is
/// that below it, as for `torch.clamp`; that of `torch.relu` is 0.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, not normalized
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or `batch < 2`.
///
/// # Source
/// Lee & Aune, 2021, [arXiv:2109.00783](https://arxiv.org/abs/2109.00783), section 3. The iterative
/// normalization of the paper belongs to the projector, not to the loss.
/// Deviation: a view with entries beyond 1e8 is scaled down to them.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VibcregLossConfig, vibcreg};
///
/// // One feature is twice the other: correlation 1 in both views, in 2 of dim² = 4 places.
/// let view = Tensor::<2>::from_floats([[2., 4.], [-2., -4.]], &Device::flex());
/// let loss = vibcreg(view.clone(), view, &VibcregLossConfig::default()).into_scalar::<f32>();
/// assert!((loss - 200.0).abs() < 1e-3);
/// ```
#[must_use]
#[track_caller]
pub fn vibcreg(view_a: Tensor<2>, view_b: Tensor<2>, config: &VibcregLossConfig) -> Tensor<1> {
    vibcreg_terms(view_a, view_b, config).loss()
}

/// Returns the three terms of [`vibcreg`], to log them or to weigh them anew; the one of the
/// correlations is called `covariance`, as for VICReg.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, not normalized
///
/// # Panics
/// If the shapes differ or are empty, or `batch < 2`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VibcregLossConfig, vibcreg_terms};
///
/// // One feature is twice the other in both views, and both vary enough.
/// let view = Tensor::<2>::from_floats([[2., 4.], [-2., -4.]], &Device::flex());
/// let terms = vibcreg_terms(view.clone(), view, &VibcregLossConfig::default());
/// assert_eq!(terms.variance.into_scalar::<f32>(), 0.0);
/// assert!((terms.covariance.into_scalar::<f32>() - 200.0).abs() < 1e-3);
/// ```
#[must_use]
#[track_caller]
pub fn vibcreg_terms(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    config: &VibcregLossConfig,
) -> VicregTerms {
    let [batch, dim] = paired_dims("vibcreg", &view_a, &view_b);
    assert!(batch > 1, "vibcreg takes variances over the batch: it needs 2 rows or more");
    let (a, b) = (bounded(view_a), bounded(view_b));
    let invariance = (a.clone() - b.clone()).square().mean() * config.invariance;
    let [of_a, of_b] = [a, b].map(|view| {
        // After the first row is subtracted, a constant feature is exactly 0, not the rounding of
        // its mean.
        let first = view.clone().inner().narrow(0, 0, 1);
        let x = center_columns(view - first);
        let squares = x.clone().square().sum_dim(0);
        let unit = l2_normalize(x.transpose()); // [dim, batch]: a row is a feature
        let diagonal = unit.clone().square().sum_dim(1).square().sum();
        let off_diagonal = self_squares(unit.transpose()) - diagonal;
        [variance_hinge(squares, batch, config.epsilon), off_diagonal]
    });
    let [[variance_a, correlation_a], [variance_b, correlation_b]] = [of_a, of_b];
    VicregTerms {
        invariance,
        variance: (variance_a + variance_b) * config.variance,
        covariance: (correlation_a + correlation_b) * (config.correlation / (dim * dim) as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, column, cosine, finite_differences, laws, mean, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        vibcreg(a, b, &VibcregLossConfig::default())
    }

    /// The formula, term by term.
    fn naive(pair: &Pair) -> f64 {
        let (rows, dim) = (pair.a.len(), pair.a[0].len());
        let term = |x: &[Vec<f64>]| {
            let feature = |i: usize| {
                let x = column(x, i);
                let at = mean(x.clone());
                x.into_iter().map(|x| x - at).collect::<Vec<f64>>()
            };
            let hinge = |i: usize| {
                let variance = feature(i).iter().map(|x| x * x).sum::<f64>() / (rows - 1) as f64;
                (1.0 - (variance + 1e-4).sqrt()).max(0.0)
            };
            let pairs = (0..dim).flat_map(|i| (0..dim).map(move |j| (i, j)));
            let off = pairs.filter(|(i, j)| i != j);
            let off = off.map(|(i, j)| cosine(&feature(i), &feature(j)).powi(2)).sum::<f64>();
            25.0 * mean((0..dim).map(hinge)) + 200.0 * off / (dim * dim) as f64
        };
        let (a, b) = (pair.a.concat(), pair.b.concat());
        let distance = mean(a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)));
        25.0 * distance + term(&pair.a) + term(&pair.b)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::rows(2)) {
            assert_close(value(loss, &pair), naive(&pair), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().precision().shapes().extremes(2).collapse();
    }
    /// The mean of equal values is rounded, and that rounding must not count as a feature.
    #[test]
    fn a_constant_feature_counts_as_one_of_zeros() {
        use crate::laws::{gradients, ramp_rows};
        use burn::tensor::{DType, Device};
        for (rows, constants) in [(33, 24), (33, 5), (7, 20)] {
            let view = |from: usize, size: f32| -> Vec<Vec<f64>> {
                let constant = |k: usize| f64::from(size * (0.1 + k as f32).sin());
                let mut view = ramp_rows(from + rows, 24).split_off(from);
                for row in &mut view {
                    (0..constants).for_each(|k| row[k] = constant(k));
                }
                view
            };
            let run = |size: f32| {
                let pair = Pair { a: view(0, size), b: view(5, size) };
                let [a, b] = pair.tensors(&Device::flex(), DType::F32);
                let value = f64::from(loss(a, b).into_scalar::<f32>());
                (value, gradients(loss, &pair, DType::F32).concat())
            };
            let ((want, slopes), (found, gradient)) = (run(0.0), run(3.0));
            assert_close(found, want, 1e-5);
            for (found, want) in gradient.iter().zip(&slopes) {
                assert_close(*found, *want, 1e-4);
            }
        }
    }
    #[test]
    fn without_an_epsilon_a_constant_feature_has_finite_slopes() {
        use crate::laws::{gradients, pair};
        use burn::tensor::DType;
        let bare: crate::laws::Loss =
            |a, b| vibcreg(a, b, &VibcregLossConfig { epsilon: 0.0, ..Default::default() });
        let view = [[1.0, 0.3], [1.0, -0.4], [1.0, 0.2]];
        let pair = pair(view, view);
        assert!(value(bare, &pair).is_finite());
        for gradient in gradients(bare, &pair, DType::F32) {
            assert!(gradient.iter().all(|slope| slope.is_finite()), "{gradient:?}");
        }
    }
}
