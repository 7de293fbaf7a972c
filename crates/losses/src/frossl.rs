//! FroSSL: views agree with their mean and use all directions equally.

use burn::tensor::Tensor;

use crate::ViewTerms;
use crate::ops::gram::self_squares;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::moments::mean_square;
use crate::ops::shapes::{common_dims, mean_view};

/// Settings of [`frossl`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrosslLossConfig {
    /// Weight, ≥ 0, of the distance to the mean view.
    pub invariance: f64,
}

impl Default for FrosslLossConfig {
    /// Returns invariance 1 (official code).
    fn default() -> Self {
        Self { invariance: 1.0 }
    }
}

/// Returns the log of each view's squared Frobenius norm, plus the views' distance to their mean.
///
/// ```text
/// loss = Σᵥ  2 log ‖ZᵥᵀZᵥ / tr‖_F  +  w · V · dim · mean (Zᵥ − Z̄)²        Z̄ = mean of the V views
/// ```
/// Each column of a view is made unit length over the batch; `tr`, a constant, is the trace. The
/// smaller of `ZᵀZ` and `ZZᵀ` is computed, which have the same norm; nothing is decomposed. The
/// loss is a sum over views. A view of zeros counts as collapsed: its first term is 0, the largest
/// possible value.
///
/// # Shapes
/// - `views`: 2 or more of `[batch, dim]`, row `i` of all from the same image
/// - output: `[1]`
///
/// # Panics
/// If there are fewer than 2 views, or the shapes differ or are empty.
///
/// # Source
/// Skean et al., 2023, [arXiv:2310.02903](https://arxiv.org/abs/2310.02903).
/// Deviation: the factor `V · dim` on the invariance, as in the official code.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{FrosslLossConfig, frossl};
///
/// // Two features that never act together: both views have the norm √2 / 2.
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let loss = frossl(&[view.clone(), view], &FrosslLossConfig::default());
/// assert!((loss.into_scalar::<f32>() + 2.0 * 2.0_f32.ln()).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn frossl(views: &[Tensor<2>], config: &FrosslLossConfig) -> Tensor<1> {
    frossl_terms(views, config).loss()
}

/// Returns the two terms of [`frossl`], to log them or to weigh them anew.
///
/// # Shapes
/// - `views`: 2 or more of `[batch, dim]`, row `i` of all from the same image
///
/// # Panics
/// If there are fewer than 2 views, or the shapes differ or are empty.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{FrosslLossConfig, frossl_terms};
///
/// // Views that agree, and have one direction only, which is the worst.
/// let view = Tensor::<2>::ones([3, 2], &Device::flex());
/// let terms = frossl_terms(&[view.clone(), view], &FrosslLossConfig::default());
/// assert_eq!(terms.invariance.into_scalar::<f32>(), 0.0);
/// assert!(terms.regularization.into_scalar::<f32>().abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn frossl_terms(views: &[Tensor<2>], config: &FrosslLossConfig) -> ViewTerms {
    let [_, dim] = common_dims("frossl", 2, views);
    // The columns of a view are the rows of its transpose.
    let columns = |view: &Tensor<2>| l2_normalize(view.clone().transpose());
    let views: Vec<Tensor<2>> = views.iter().map(columns).collect(); // [dim, batch]
    let mean = mean_view(&views);
    let weight = config.invariance * (views.len() * dim) as f64;
    let apart = |view: &Tensor<2>| mean_square(view.clone() - mean.clone()) * weight;
    let norm = |view: &Tensor<2>| {
        let trace = view.clone().inner().square().sum();
        // A nonzero column has a 1 on the diagonal: only a view of zeros is clamped.
        let squares = self_squares(view.clone()).clamp_min(0.25);
        squares.log() - trace.clamp_min(0.5).log() * 2.0
    };
    ViewTerms {
        invariance: Tensor::cat(views.iter().map(apart).collect(), 0).sum(),
        regularization: Tensor::cat(views.iter().map(norm).collect(), 0).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, pair, value};
    use burn::tensor::Device;

    const CONFIG: FrosslLossConfig = FrosslLossConfig { invariance: 0.7 };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let third = a.clone() * 2.0 - b.clone();
        frossl(&[a, b, third], &CONFIG)
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let rows = a.iter().zip(b);
        let third =
            rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * 2.0 - b).collect()).collect();
        let (batch, dim) = (a.len(), a[0].len());
        let unit = |view: &Vec<Vec<f64>>, column: usize| {
            let length = view.iter().map(|row| row[column].powi(2)).sum::<f64>().sqrt();
            view.iter().map(|row| row[column] / length).collect::<Vec<_>>()
        };
        let columns = |view: &Vec<Vec<f64>>| (0..dim).map(|j| unit(view, j)).collect::<Vec<_>>();
        let views: Vec<Vec<Vec<f64>>> =
            [a.to_vec(), b.to_vec(), third].iter().map(columns).collect();
        let mut loss = 0.0;
        for view in &views {
            let dot = |i: usize, j: usize| -> f64 {
                view[i].iter().zip(&view[j]).map(|(x, y)| x * y).sum()
            };
            let all = (0..dim).flat_map(|i| (0..dim).map(move |j| (i, j)));
            let squares: f64 = all.map(|(i, j)| (dot(i, j) / dim as f64).powi(2)).sum();
            loss += 2.0 * squares.sqrt().ln();
            for (j, column) in view.iter().enumerate() {
                for (i, x) in column.iter().enumerate() {
                    let mean = views.iter().map(|view| view[j][i]).sum::<f64>() / 3.0;
                    loss += 0.7 * 3.0 * (x - mean).powi(2) / batch as f64;
                }
            }
        }
        loss
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().precision().extremes(1);
        laws(|a, b| frossl(&[a, b], &CONFIG)).permutation().symmetry().extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let collapse = value(loss, &pair([[1., 2.], [1., 2.]], [[1., 2.], [1., 2.]]));
        assert_close(collapse, 0.0, 1e-12);
        let zeros = value(loss, &pair([[0.; 2]; 2], [[0.; 2]; 2]));
        assert_close(zeros, 0.0, 1e-12);
        assert!(value(loss, &pair([[1., 0.], [0., 1.]], [[1., 0.], [0., 1.]])) < -1.0);
    }

    #[test]
    #[should_panic(expected = "[3, 2]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let views = [Tensor::ones([2, 2], &device), Tensor::ones([3, 2], &device)];
        let _ = frossl(&views, &CONFIG);
    }
}
