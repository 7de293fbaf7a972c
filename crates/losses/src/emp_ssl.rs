//! EMP-SSL: many patches of an image agree, while the patches of a batch fill the space.

use burn::tensor::Tensor;
use faer::linalg::solvers::DenseSolveCore;
use faer::{Mat, Side};
use selfsame_kernels::Factor::{Plain, Transposed};
use selfsame_kernels::{gemm, gram};

use crate::ViewTerms;
use crate::ops::custom_gradient::{constant, custom_gradient, to_f64_vec};
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::shapes::{common_dims, mean_view};

/// Settings of [`emp_ssl`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmpSslLossConfig {
    /// ε, above 0: the squared size of the noise that the coding rate is measured against.
    pub epsilon: f64,
    /// Weight, ≥ 0, of the cosine to the mean view.
    pub invariance: f64,
}

impl Default for EmpSslLossConfig {
    /// Returns epsilon 0.2, invariance 200 (official code).
    fn default() -> Self {
        Self { epsilon: 0.2, invariance: 200.0 }
    }
}

/// Returns minus the coding rate of each view, minus the cosine of each view and the mean view.
///
/// Needs feature `decompositions`, which is on by default.
///
/// ```text
/// loss = mean over v of  −½ log det(I + dim/(batch·ε) ZᵥᵀZᵥ)  −  w · mean over v, i of cos(zᵥᵢ, z̄ᵢ)
/// ```
/// Rows are made unit length; `z̄` is the mean of the views. The determinant comes from a Cholesky
/// decomposition in double precision on the host, of the smaller of the two Gram matrices, and its
/// gradient `c Z (I + c ZᵀZ)⁻¹` is exact.
///
/// A high coding rate is the aim, so it is subtracted. (lightly up to 1.5.26 adds it, and so
/// prefers a collapsed encoder.)
///
/// # Shapes
/// - `views`: 2 or more of `[batch, dim]`, row `i` of all from the same image, any length
/// - output: `[1]`
///
/// # Panics
/// If there are fewer than 2 views, the shapes differ or are empty, or epsilon is not above 0.
///
/// # Source
/// Tong et al., 2023, [arXiv:2304.03977](https://arxiv.org/abs/2304.03977).
/// Deviation: the paper's ε² is called ε, as in the official code.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{EmpSslLossConfig, emp_ssl};
///
/// let device = Device::flex();
/// let loss = |view: Tensor<2>| {
///     emp_ssl(&[view.clone(), view], &EmpSslLossConfig::default()).into_scalar::<f32>()
/// };
/// let (spread, collapse) = (Tensor::eye(4, &device), Tensor::ones([4, 4], &device));
/// assert!(loss(spread) + 2.0 < loss(collapse));
/// ```
#[must_use]
#[track_caller]
pub fn emp_ssl(views: &[Tensor<2>], config: &EmpSslLossConfig) -> Tensor<1> {
    emp_ssl_terms(views, config).loss()
}

/// Returns the two terms of [`emp_ssl`], to log them or to weigh them anew: the negative cosine and
/// the negative coding rate.
///
/// Needs feature `decompositions`, which is on by default.
///
/// # Shapes
/// - `views`: 2 or more of `[batch, dim]`, row `i` of all from the same image, any length
///
/// # Panics
/// If there are fewer than 2 views, the shapes differ or are empty, or epsilon is not above 0.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{EmpSslLossConfig, emp_ssl_terms};
///
/// // Views that agree have the cosine 1; two directions of two rows, ½ log det of 1 + 1 / 0.2.
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let terms = emp_ssl_terms(&[view.clone(), view], &EmpSslLossConfig::default());
/// assert!((terms.invariance.into_scalar::<f32>() + 200.0).abs() < 1e-3);
/// assert!((terms.regularization.into_scalar::<f32>() + 6.0_f32.ln()).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn emp_ssl_terms(views: &[Tensor<2>], config: &EmpSslLossConfig) -> ViewTerms {
    let [batch, dim] = common_dims("emp_ssl", 2, views);
    let epsilon = config.epsilon;
    assert!(epsilon > 0.0, "emp_ssl needs an epsilon above 0, got {epsilon}");
    let views: Vec<Tensor<2>> = views.iter().map(|view| l2_normalize(view.clone())).collect();
    let mean = l2_normalize(mean_view(&views));
    let factor = dim as f64 / (batch as f64 * epsilon);
    let cosine = |view: &Tensor<2>| (view.clone() * mean.clone()).sum_dim(1).mean();
    let rate = |view: &Tensor<2>| coding_rate(view.clone(), factor);
    let cosines = Tensor::cat(views.iter().map(cosine).collect(), 0);
    let rates = Tensor::cat(views.iter().map(rate).collect(), 0);
    ViewTerms {
        invariance: cosines.mean() * -config.invariance,
        regularization: rates.mean() * -1.0,
    }
}

/// `½ log det(I + factor ZᵀZ)`.
fn coding_rate(z: Tensor<2>, factor: f64) -> Tensor<1> {
    let [batch, dim] = z.dims();
    let fixed = z.clone().inner();
    let rows_are_fewer = batch < dim;
    let products = gram(if rows_are_fewer { Plain(&fixed) } else { Transposed(&fixed) });
    let size = batch.min(dim);
    let products = to_f64_vec(products);
    let place = |i: usize, j: usize| f64::from(u8::from(i == j)) + factor * products[i * size + j];
    // A matrix with NaN has no decomposition.
    let Ok(factors) = Mat::from_fn(size, size, place).llt(Side::Lower) else {
        return z.sum() * f64::NAN;
    };
    let half_log_det = (0..size).map(|i| factors.L()[(i, i)].ln()).sum();
    let value = constant(vec![half_log_det], [1], &z);
    custom_gradient(z, value, || {
        let inverse = factors.inverse();
        let place = |index: usize| factor * inverse[(index / size, index % size)];
        let inverse = constant((0..size * size).map(place).collect(), [size, size], &fixed);
        let (inverse, fixed) = (Plain(&inverse), Plain(&fixed));
        if rows_are_fewer { gemm(inverse, fixed, 1.0) } else { gemm(fixed, inverse, 1.0) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use burn::tensor::Device;

    const CONFIG: EmpSslLossConfig = EmpSslLossConfig { epsilon: 0.3, invariance: 2.0 };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let third = a.clone() * 2.0 - b.clone();
        emp_ssl(&[a, b, third], &CONFIG)
    }

    /// log det by elimination, on the larger of the Gram matrices too.
    fn log_det(z: &[Vec<f64>], factor: f64) -> f64 {
        let dim = z[0].len();
        let gram = |i: usize, j: usize| z.iter().map(|row| row[i] * row[j]).sum::<f64>() * factor;
        let row = |i| (0..dim).map(|j| f64::from(u8::from(i == j)) + gram(i, j)).collect();
        let mut m: Vec<Vec<f64>> = (0..dim).map(row).collect();
        let mut log = 0.0;
        for i in 0..dim {
            log += m[i][i].ln();
            let pivot = m[i].clone();
            for row in &mut m[i + 1..] {
                let by = row[i] / pivot[i];
                row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= by * p);
            }
        }
        log
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let unit = |row: Vec<f64>| {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.into_iter().map(|x| x / length).collect::<Vec<f64>>()
        };
        let rows = a.iter().zip(b);
        let third =
            rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * 2.0 - b).collect()).collect();
        let views =
            [a.to_vec(), b.to_vec(), third].map(|v| v.into_iter().map(unit).collect::<Vec<_>>());
        let (batch, dim) = (a.len(), a[0].len());
        let mut loss = 0.0;
        for view in &views {
            loss -= log_det(view, dim as f64 / (batch as f64 * 0.3)) / 2.0;
            for (i, row) in view.iter().enumerate() {
                let mean = unit((0..dim).map(|j| views.iter().map(|v| v[i][j]).sum()).collect());
                loss -= 2.0 * row.iter().zip(mean).map(|(x, y)| x * y).sum::<f64>() / batch as f64;
            }
        }
        loss / 3.0
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
        laws(|a, b| emp_ssl(&[a, b], &CONFIG)).permutation().symmetry().scale().extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        // Four equal views of 32 rows in 16 dimensions: the peers' defect is a wrong sign here.
        let device = Device::flex();
        let spread = Tensor::<2>::eye(16, &device).repeat_dim(0, 2);
        let collapse = Tensor::<2>::ones([32, 16], &device);
        let loss = |view: Tensor<2>| {
            emp_ssl(&vec![view; 4], &EmpSslLossConfig::default()).into_scalar::<f32>()
        };
        // −½ · 16 · ln(1 + 16/(32 · 0.2) · 2) − 200 and −½ ln(1 + 16/(32 · 0.2) · 32) − 200.
        assert!((loss(spread) + 200.0 + 8.0 * 6.0_f32.ln()).abs() < 1e-3);
        assert!((loss(collapse) + 200.0 + 0.5 * 81.0_f32.ln()).abs() < 1e-3);
    }

    #[test]
    #[should_panic(expected = "[3, 2]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let views = [Tensor::ones([2, 2], &device), Tensor::ones([3, 2], &device)];
        let _ = emp_ssl(&views, &CONFIG);
    }
}
