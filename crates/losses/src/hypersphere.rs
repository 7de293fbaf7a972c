//! Alignment and uniformity on the hypersphere.

use burn::tensor::Tensor;
use selfsame_kernels::loss::Excluded;

use crate::ops::l2_normalize::l2_normalize;
use crate::ops::log_sum_exp::LogSumExp;
use crate::ops::shapes::paired_dims;

/// Settings of [`hypersphere`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HypersphereLossConfig {
    /// α, above 0: the power of the distance of two views.
    pub alpha: f64,
    /// t, above 0: the rate at which the force of a pair decays with its squared distance.
    pub t: f64,
    /// λ, the weight of uniformity.
    pub uniformity: f64,
}

impl Default for HypersphereLossConfig {
    /// Returns α 2 and λ 1 (paper), t 1 (as in lightly; the paper's losses use 2).
    fn default() -> Self {
        Self { alpha: 2.0, t: 1.0, uniformity: 1.0 }
    }
}

/// Returns the alignment of the views of an image plus the uniformity of all images on the sphere.
///
/// ```text
/// loss = mean ‖âᵢ − b̂ᵢ‖^α + λ · ½ (U(Â) + U(B̂))        U(X) = log mean over pairs i < j of exp(−t ‖xᵢ − xⱼ‖²)
/// ```
/// The hat is a row of unit length. A row of zeros counts as at a squared distance of 2 from every
/// row in U. Memory grows with the number of rows, as for [`nt_xent`](crate::nt_xent()).
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - output: `[1]`, at least −4 t λ
///
/// # Panics
/// If the shapes differ or are empty, `batch < 2`, or `alpha` or `t` is not above 0.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{HypersphereLossConfig, hypersphere};
///
/// // Views agree, and two images lie opposite each other: log e⁻⁴.
/// let view = Tensor::<2>::from_floats([[1.0, 0.0], [-1.0, 0.0]], &Device::flex());
/// let loss = hypersphere(view.clone(), view, &HypersphereLossConfig::default());
/// assert!((loss.into_scalar::<f32>() + 4.0).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn hypersphere(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    config: &HypersphereLossConfig,
) -> Tensor<1> {
    hypersphere_terms(view_a, view_b, config).loss()
}

/// The two terms of [`hypersphere`], each `[1]` and weighted, so that they add up to the loss.
#[derive(Clone, Debug)]
pub struct HypersphereTerms {
    /// The mean power of the distance of the views.
    pub alignment: Tensor<1>,
    /// λ times the mean uniformity of the views.
    pub uniformity: Tensor<1>,
}

impl HypersphereTerms {
    /// Returns the sum of the terms, which is the loss.
    #[must_use]
    pub fn loss(&self) -> Tensor<1> {
        self.alignment.clone() + self.uniformity.clone()
    }
}

/// Returns the two terms of [`hypersphere`], to log them or to weigh them anew.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
///
/// # Panics
/// If the shapes differ or are empty, `batch < 2`, or `alpha` or `t` is not above 0.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{HypersphereLossConfig, hypersphere_terms};
///
/// // Views agree, and two images lie opposite each other.
/// let view = Tensor::<2>::from_floats([[1.0, 0.0], [-1.0, 0.0]], &Device::flex());
/// let terms = hypersphere_terms(view.clone(), view, &HypersphereLossConfig::default());
/// assert_eq!(terms.alignment.into_scalar::<f32>(), 0.0);
/// assert!((terms.uniformity.into_scalar::<f32>() + 4.0).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn hypersphere_terms(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    config: &HypersphereLossConfig,
) -> HypersphereTerms {
    let [batch, _] = paired_dims("hypersphere", &view_a, &view_b);
    assert!(batch > 1, "hypersphere compares images: it needs 2 rows or more");
    let HypersphereLossConfig { alpha, t, uniformity } = *config;
    assert!(alpha > 0.0 && t > 0.0, "hypersphere needs alpha and t above 0, got {alpha} and {t}");
    let (a, b) = (l2_normalize(view_a), l2_normalize(view_b));
    let squares = (a.clone() - b.clone()).square().sum_dim(1);
    let distances = if (alpha - 2.0).abs() < f64::EPSILON {
        squares
    } else {
        // The derivative of a small power is infinite at 0.
        squares.clamp_min(1e-12).powf_scalar(alpha / 2.0)
    };
    let spread = self::uniformity(a, t) + self::uniformity(b, t);
    HypersphereTerms { alignment: distances.mean(), uniformity: spread * (uniformity / 2.0) }
}

/// Computes the uniformity U of rows of unit length.
///
/// `‖xᵢ − xⱼ‖² = 2 − 2 xᵢ·xⱼ`, so the sums over `j` are denominators at a temperature of `1 / 2t`.
#[track_caller]
fn uniformity(rows: Tensor<2>, t: f64) -> Tensor<1> {
    let count = rows.dims()[0];
    let oneself = Excluded::One((0..count).collect());
    let sums = LogSumExp::new(rows, None, oneself, 0.5 / t);
    let values = sums.values();
    let largest = values.clone().max();
    let terms = (values - largest.clone()).exp();
    let total = terms.clone().sum();
    let pairs = (count * (count - 1)) as f64;
    let value = total.clone().log() + largest - (pairs.ln() + 2.0 * t);
    sums.weighted(value, terms / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, mean, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        hypersphere(a, b, &HypersphereLossConfig { alpha: 2.0, t: 1.5, uniformity: 0.7 })
    }

    fn cubic(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        hypersphere(a, b, &HypersphereLossConfig { alpha: 3.0, t: 1.5, uniformity: 0.7 })
    }

    fn linear(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        hypersphere(a, b, &HypersphereLossConfig { alpha: 1.0, t: 1.5, uniformity: 0.7 })
    }

    /// The formula, term by term.
    fn naive(pair: &Pair, alpha: f64) -> f64 {
        let unit = |row: &Vec<f64>| {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.iter().map(|x| x / length).collect::<Vec<_>>()
        };
        let [a, b] = [&pair.a, &pair.b].map(|x| x.iter().map(unit).collect::<Vec<_>>());
        let square =
            |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        let spread = |x: &[Vec<f64>]| {
            let pairs = (0..x.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            mean(pairs.map(|(i, j)| (-1.5 * square(&x[i], &x[j])).exp())).ln()
        };
        let align = mean(a.iter().zip(&b).map(|(x, y)| square(x, y).powf(alpha / 2.0)));
        align + 0.7 * (spread(&a) + spread(&b)) / 2.0
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::rows(2)) {
            assert_close(value(loss, &pair), naive(&pair, 2.0), 1e-10);
            assert_close(value(cubic, &pair), naive(&pair, 3.0), 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        for loss in [loss, cubic, linear] {
            finite_differences(loss);
            laws(loss).permutation().symmetry().scale().shapes().extremes(2).collapse();
        }
        laws(loss).precision();
    }

    #[test]
    fn the_distance_of_equal_views_has_a_finite_slope() {
        let device = burn::tensor::Device::flex().autodiff();
        let view = Tensor::<2>::from_floats([[1., 2.], [2., 1.]], &device).require_grad();
        let gradients = linear(view.clone(), view.clone()).backward();
        let largest: f32 = view.grad(&gradients).unwrap().abs().max().into_scalar();
        assert!(largest.is_finite());
    }
}
