//! Barlow Twins: make two views' features equal, and each feature unlike the others.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};
use selfsame_kernels::Factor::{Plain, Transposed};
use selfsame_kernels::{gemm, loss};

use crate::ops::custom_gradient::custom_gradient;
use crate::ops::gram::cross_squares;
use crate::ops::shapes::paired_dims;

/// Settings of [`barlow_twins`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarlowTwinsLossConfig {
    /// λ, the weight of each squared off-diagonal correlation.
    pub off_diagonal: f64,
    /// Added to every feature's variance before the square root.
    pub epsilon: f64,
}

impl Default for BarlowTwinsLossConfig {
    /// Returns λ 0.0051 (paper), epsilon 1e-5 (official code, through its batch norm).
    fn default() -> Self {
        Self { off_diagonal: 0.0051, epsilon: 1e-5 }
    }
}

/// Returns the squared distance of the cross-correlation matrix `C` of two views from the identity.
///
/// ```text
/// loss = Σᵢ (1 − Cᵢᵢ)²  +  λ Σᵢ Σⱼ≠ᵢ Cᵢⱼ²        C = Aᵀ B / batch
/// ```
/// `A`, `B` are the views with each feature standardized over the batch (biased variance). The loss
/// is a sum over features, so it grows with `dim`. A constant feature correlates with nothing. With
/// fewer rows than features `Σ Cᵢⱼ²` is computed from the inner products of rows, which gives the
/// same value.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ, or `batch < 2`.
///
/// # Source
/// Zbontar et al., 2021, [arXiv:2103.03230](https://arxiv.org/abs/2103.03230), eq. 1 and 2.
/// Deviation: `epsilon`, which the official code also has.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{BarlowTwinsLossConfig, barlow_twins};
///
/// // Two uncorrelated features, seen identically by both views: the loss is 0.
/// let cross = [[1., 0.], [0., 1.], [-1., 0.], [0., -1.]];
/// let view = Tensor::<2>::from_floats(cross, &Device::flex());
/// let loss = barlow_twins(view.clone(), view, &BarlowTwinsLossConfig::default());
/// assert!(loss.into_scalar::<f32>() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn barlow_twins(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    config: &BarlowTwinsLossConfig,
) -> Tensor<1> {
    let [batch, dim] = paired_dims("barlow_twins", &view_a, &view_b);
    assert!(batch > 1, "barlow_twins correlates over the batch: it needs 2 rows or more");
    let BarlowTwinsLossConfig { off_diagonal, epsilon } = *config;
    if batch >= dim
        && let Some(loss) = loss::correlation_distance(&view_a, &view_b, epsilon, off_diagonal)
    {
        return loss;
    }
    let a = standardized(view_a, epsilon);
    let b = standardized(view_b, epsilon);

    if batch < dim { by_rows(a, b, off_diagonal) } else { by_columns(a, b, off_diagonal) }
}

/// Computes the loss without `C`, which is larger than the Gram matrices of rows.
fn by_rows(a: Tensor<2>, b: Tensor<2>, weight: f64) -> Tensor<1> {
    let share = (a.dims()[0] as f64).recip();
    let diagonal = (a.clone() * b.clone()).sum_dim(0) * share;
    let off_diagonal = cross_squares(a, b) * share.powi(2) - diagonal.clone().square().sum();
    (diagonal * -1.0 + 1.0).square().sum() + off_diagonal * weight
}

/// Computes the loss from `C`, whose gradient is all that the views' gradients need.
fn by_columns(a: Tensor<2>, b: Tensor<2>, weight: f64) -> Tensor<1> {
    let (plain_a, plain_b) = (a.clone().inner(), b.clone().inner());
    let [batch, dim] = plain_a.dims();
    let share = (batch as f64).recip();
    let correlations = gemm(Transposed(&plain_a), Plain(&plain_b), share);
    let own = Tensor::<1, Int>::arange(0..dim as i64, &plain_a.device()).reshape([dim, 1]);
    let diagonal = correlations.clone().gather(1, own.clone());
    let off_diagonal = loss::sum_of_squares(&correlations) - diagonal.clone().square().sum();
    let value = (diagonal.clone() * -1.0 + 1.0).square().sum() + off_diagonal * weight;

    // The derivatives of the diagonal differ from those of the other elements by this.
    let correction = (diagonal * (1.0 - weight) - 1.0) * 2.0;
    let slopes = correlations * (2.0 * weight);
    let slopes = slopes.scatter(1, own, correction, IndexingUpdateOp::Add);
    let none = value.zeros_like();
    custom_gradient(a, value, || gemm(Plain(&plain_b), Transposed(&slopes), share))
        + custom_gradient(b, none, || gemm(Plain(&plain_a), Plain(&slopes), share))
}

/// Standardizes columns to mean 0 and variance 1, on a scale on which squares cannot overflow.
fn standardized(x: Tensor<2>, epsilon: f64) -> Tensor<2> {
    if let Some(standardized) = loss::standardize(&x, epsilon) {
        return standardized;
    }
    let largest = x.clone().inner().abs().max_dim(0).clamp_min(1.0);
    let x = x / largest.clone();
    let x = x.clone() - x.mean_dim(0);
    let variance = x.clone().square().mean_dim(0);
    // √ε is divided twice, as ε / largest² would vanish too early to be divided by.
    let epsilon = (largest.recip() * epsilon.sqrt()).square().clamp_min(1e-37);
    x / (variance + epsilon).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, pair, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        barlow_twins(a, b, &BarlowTwinsLossConfig::default())
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let rows = a.len() as f64;
        let column = |x: &[Vec<f64>], i: usize| {
            let x: Vec<f64> = x.iter().map(|row| row[i]).collect();
            let mean = x.iter().sum::<f64>() / rows;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rows;
            x.into_iter().map(|x| (x - mean) / (variance + 1e-5).sqrt()).collect::<Vec<_>>()
        };
        let dim = a[0].len();
        let term = |(i, j): (usize, usize)| {
            let products = column(a, i).into_iter().zip(column(b, j)).map(|(x, y)| x * y);
            let correlation = products.sum::<f64>() / rows;
            if i == j { (1.0 - correlation).powi(2) } else { 0.0051 * correlation.powi(2) }
        };
        (0..dim).flat_map(|i| (0..dim).map(move |j| (i, j))).map(term).sum()
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            if pair.a.len() > 1 {
                assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
            }
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().precision().shapes().extremes(2);
    }

    #[test]
    fn swapping_the_features_costs_two_plus_two_lambda() {
        let views = pair([[1., 0.], [0., 1.]], [[0., 1.], [1., 0.]]);
        // Two rows correlate fully: C = [[-1, 1], [1, -1]].
        assert_close(value(loss, &views), 8.0 + 2.0 * 0.0051, 1e-3);
    }
}
