//! W-MSE: whitened views agree.

use burn::tensor::Tensor;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, MatRef, Par, Side};

use crate::ops::custom_gradient::{constant, custom_gradient, to_f64_vec};
use crate::ops::shapes::paired_dims;

/// Settings of [`w_mse`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WMseLossConfig {
    /// Rows that are whitened together; at least twice `dim` for a useful covariance.
    pub rows: usize,
    /// Share of the mean variance in the covariance, from 0 to 1, which keeps it invertible.
    pub epsilon: f64,
}

impl Default for WMseLossConfig {
    /// Returns 128 rows (paper, CIFAR-10 with 64 features), epsilon 1e-6 (ours; the official code
    /// has 0, and fails where a covariance is singular).
    fn default() -> Self {
        Self { rows: 128, epsilon: 1e-6 }
    }
}

/// Returns the squared distance of the views' rows, whitened and scaled to unit length.
///
/// Needs feature `decompositions`, which is on by default.
///
/// ```text
/// loss = mean 2 − 2 cos(Wₐ (aᵢ − ā), W_b (bᵢ − b̄))
/// W = L⁻¹,  L Lᵀ = (1 − ε) cov + ε (trace cov / dim) · identity        unbiased covariance
/// ```
/// Each view is whitened separately (Cholesky), in groups of about `rows` rows: `batch / rows`
/// groups, at least one, of sizes as equal as possible, in the order of the batch. The gradient
/// includes the whitening. All is computed on the host in double precision. A group whose rows are
/// all the same counts as zero.
///
/// With an `epsilon` of 0 a singular covariance, as every covariance of `dim` rows or fewer is, has no
/// `W`: the loss and its gradients are NaN or, where rounding leaves a last pivot above 0, nothing but
/// rounding errors.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - output: `[1]`, from 0 to 4
///
/// # Panics
/// If the shapes differ or are empty, `batch < 2`, or fewer than 2 rows are whitened together.
///
/// # Source
/// Ermolov et al., 2020, [arXiv:2007.06346](https://arxiv.org/abs/2007.06346), eq. 5 to 7.
/// Deviation: `epsilon`; groups follow the order of the batch, which is already random, and are not
/// shuffled again.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{WMseLossConfig, w_mse};
///
/// // One view is the other, stretched: whitened they are the same.
/// let view = [[1., 0.], [0., 1.], [-1., 0.5], [0.3, -1.]];
/// let view = Tensor::<2>::from_floats(view, &Device::flex());
/// let stretched = view.clone() * Tensor::<2>::from_floats([[5.0, 0.1]], &Device::flex());
/// let loss = w_mse(view, stretched, &WMseLossConfig { epsilon: 0.0, ..WMseLossConfig::default() });
/// assert!(loss.into_scalar::<f32>() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn w_mse(view_a: Tensor<2>, view_b: Tensor<2>, config: &WMseLossConfig) -> Tensor<1> {
    let [batch, dim] = paired_dims("w_mse", &view_a, &view_b);
    let (rows, least) = (config.rows, batch.min(config.rows));
    assert!(least > 1, "w_mse whitens 2 rows or more, got {rows} of a batch of {batch}");
    let (a, b) = (to_f64_vec(view_a.clone()), to_f64_vec(view_b.clone()));
    let groups = (batch / rows).max(1);
    let (mut total, mut of_a, mut of_b) = (0.0, Vec::new(), Vec::new());
    for group in 0..groups {
        let (start, end) = (group * batch / groups, (group + 1) * batch / groups);
        let whitened = |view: &[f64]| {
            let rows = &view[start * dim..end * dim];
            Whitened::new(MatRef::from_row_major_slice(rows, end - start, dim), config.epsilon)
        };
        let (a, b) = (whitened(&a), whitened(&b));
        let (sum, gradient_a, gradient_b) = distances(&a.rows, &b.rows, batch);
        total += sum;
        of_a.extend(row_major(&a.gradient(&gradient_a)));
        of_b.extend(row_major(&b.gradient(&gradient_b)));
    }
    let value: Tensor<1> = constant(vec![total], [1], &view_a);
    let gradient = |values| constant(values, [batch, dim], &view_a);
    let loss = custom_gradient(view_a.clone(), value.clone(), || gradient(of_a));
    loss + custom_gradient(view_b, value.zeros_like(), || gradient(of_b))
}

fn row_major(matrix: &Mat<f64>) -> impl Iterator<Item = f64> + '_ {
    (0..matrix.nrows())
        .flat_map(move |row| (0..matrix.ncols()).map(move |column| matrix[(row, column)]))
}

/// Computes `Σ (2 − 2 cos) / batch` over the rows, and its gradients with respect to both.
fn distances(a: &Mat<f64>, b: &Mat<f64>, batch: usize) -> (f64, Mat<f64>, Mat<f64>) {
    let mut sum = 0.0;
    let (mut of_a, mut of_b) = (Mat::zeros(a.nrows(), a.ncols()), Mat::zeros(b.nrows(), b.ncols()));
    for row in 0..a.nrows() {
        let (x, y) = (a.row(row), b.row(row));
        let inverse = |x: faer::RowRef<'_, f64>| {
            let length = x.norm_l2();
            if length == 0.0 { 0.0 } else { length.recip() }
        };
        let (inverse_x, inverse_y) = (inverse(x), inverse(y));
        let cosine = (x * y.transpose()) * inverse_x * inverse_y;
        sum += (2.0 - 2.0 * cosine) / batch as f64;
        let scale = -2.0 / batch as f64;
        for column in 0..a.ncols() {
            let (x, y) = (x[column] * inverse_x, y[column] * inverse_y);
            of_a[(row, column)] = scale * (y - cosine * x) * inverse_x;
            of_b[(row, column)] = scale * (x - cosine * y) * inverse_y;
        }
    }
    (sum, of_a, of_b)
}

/// Some rows of a view, whitened.
struct Whitened {
    centered: Mat<f64>,
    /// `L⁻¹`.
    inverse: Mat<f64>,
    rows: Mat<f64>,
    epsilon: f64,
}

impl Whitened {
    fn new(rows: MatRef<'_, f64>, epsilon: f64) -> Self {
        let (count, dim) = (rows.nrows(), rows.ncols());
        let mean =
            |column: usize| (0..count).map(|row| rows[(row, column)]).sum::<f64>() / count as f64;
        let means: Vec<f64> = (0..dim).map(mean).collect();
        let centered = Mat::from_fn(count, dim, |row, column| rows[(row, column)] - means[column]);
        let covariance = centered.transpose() * &centered * faer::Scale(1.0 / (count - 1) as f64);
        let variance = (0..dim).map(|i| covariance[(i, i)]).sum::<f64>() / dim as f64;
        let inverse = if variance < 1e-60 {
            Mat::zeros(dim, dim)
        } else {
            let shrunk = Mat::from_fn(dim, dim, |i, j| {
                let identity = if i == j { epsilon * variance } else { 0.0 };
                (1.0 - epsilon) * covariance[(i, j)] + identity
            });
            inverse_factor(&shrunk)
        };
        let rows = &centered * inverse.transpose();
        Self { centered, inverse, rows, epsilon }
    }

    /// Computes the gradient with respect to the original rows from that with respect to the
    /// whitened rows.
    ///
    /// With `Y = X L⁻ᵀ` and `P` the lower triangle of `Gᵀ Y`, its diagonal halved, the gradient
    /// with respect to the covariance is the symmetric part of `−L⁻ᵀ P L⁻¹`.
    fn gradient(&self, of_rows: &Mat<f64>) -> Mat<f64> {
        let (count, dim) = (self.rows.nrows(), self.rows.ncols());
        let products = of_rows.transpose() * &self.rows;
        let lower = Mat::from_fn(dim, dim, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => products[(i, j)] / 2.0,
            std::cmp::Ordering::Greater => products[(i, j)],
        });
        let half = self.inverse.transpose() * &lower * &self.inverse;
        let trace = (0..dim).map(|i| half[(i, i)]).sum::<f64>() / dim as f64;
        let of_covariance = Mat::from_fn(dim, dim, |i, j| {
            let identity = if i == j { self.epsilon * trace } else { 0.0 };
            -((1.0 - self.epsilon) * (half[(i, j)] + half[(j, i)]) / 2.0 + identity)
        });
        let scale = faer::Scale(2.0 / (count - 1) as f64);
        let mut gradient = of_rows * &self.inverse + &self.centered * of_covariance * scale;
        for column in 0..dim {
            let mean = (0..count).map(|row| gradient[(row, column)]).sum::<f64>() / count as f64;
            for row in 0..count {
                gradient[(row, column)] -= mean;
            }
        }
        gradient
    }
}

/// Computes `L⁻¹` of `L Lᵀ`; NaN without a decomposition.
fn inverse_factor(matrix: &Mat<f64>) -> Mat<f64> {
    let dim = matrix.nrows();
    match matrix.llt(Side::Lower) {
        Err(_) => Mat::full(dim, dim, f64::NAN),
        Ok(factor) => {
            let mut inverse = Mat::identity(dim, dim);
            solve_lower_triangular_in_place(factor.L(), inverse.as_mut(), Par::Seq);
            inverse
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, finite_differences, laws, mean, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        w_mse(a, b, &WMseLossConfig { rows: 3, epsilon: 0.1 })
    }

    fn as_a_whole(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        w_mse(a, b, &WMseLossConfig { rows: 100, epsilon: 0.1 })
    }

    /// Whitening by the Cholesky factor, element by element.
    fn naive(pair: &Pair) -> f64 {
        let (rows, dim) = (pair.a.len(), pair.a[0].len());
        let whitened = |x: &[Vec<f64>]| {
            let at: Vec<f64> = (0..dim).map(|i| mean(x.iter().map(|row| row[i]))).collect();
            let x: Vec<Vec<f64>> =
                x.iter().map(|row| row.iter().zip(&at).map(|(x, at)| x - at).collect()).collect();
            let covariance = |i: usize, j: usize| {
                x.iter().map(|row| row[i] * row[j]).sum::<f64>() / (rows - 1) as f64
            };
            let variance = mean((0..dim).map(|i| covariance(i, i)));
            let mut factor = vec![vec![0.0; dim]; dim];
            for i in 0..dim {
                for j in 0..=i {
                    let known = (0..j).map(|k| factor[i][k] * factor[j][k]).sum::<f64>();
                    let identity = if i == j { 0.1 * variance } else { 0.0 };
                    let rest = 0.9 * covariance(i, j) + identity - known;
                    factor[i][j] = if i == j { rest.sqrt() } else { rest / factor[j][j] };
                }
            }
            let solved = |row: &Vec<f64>| {
                let mut out: Vec<f64> = Vec::new();
                for i in 0..dim {
                    let known = (0..i).map(|k| factor[i][k] * out[k]).sum::<f64>();
                    out.push((row[i] - known) / factor[i][i]);
                }
                out
            };
            x.iter().map(solved).collect::<Vec<_>>()
        };
        let (a, b) = (whitened(&pair.a), whitened(&pair.b));
        mean(a.iter().zip(&b).map(|(a, b)| 2.0 - 2.0 * cosine(a, b)))
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::rows(2)) {
            assert_close(value(as_a_whole, &pair), naive(&pair), 1e-8);
        }
    }

    #[test]
    fn obeys_the_laws() {
        for loss in [loss, as_a_whole] {
            finite_differences(loss);
            laws(loss).symmetry().precision().shapes().extremes(2);
        }
        laws(as_a_whole).permutation();
    }

    #[test]
    fn groups_are_whitened_by_themselves() {
        let rows = |shift: f64| -> Vec<Vec<f64>> {
            (0..6)
                .map(|i| vec![(shift + f64::from(i)).sin(), (shift + 2.0 * f64::from(i)).cos()])
                .collect()
        };
        let pair = Pair { a: rows(0.0), b: rows(0.4) };
        let half = |range: std::ops::Range<usize>| {
            let part = Pair { a: pair.a[range.clone()].to_vec(), b: pair.b[range].to_vec() };
            value(as_a_whole, &part)
        };
        assert_close(value(loss, &pair), mean([half(0..3), half(3..6)]), 1e-12);
    }
    /// Two features that are one, and no epsilon: the second pivot is exactly 0.
    #[test]
    fn a_singular_covariance_without_an_epsilon_gives_nan() {
        let bare: crate::laws::Loss =
            |a, b| w_mse(a, b, &WMseLossConfig { epsilon: 0.0, ..WMseLossConfig::default() });
        let singular = [[1.0, 1.0], [0.0, 0.0], [-1.0, -1.0]];
        let pair = crate::laws::pair(singular, [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]]);
        assert!(value(bare, &pair).is_nan());
        let with_default = |a, b| w_mse(a, b, &WMseLossConfig::default());
        assert!(value(with_default, &pair).is_finite());
    }
}
