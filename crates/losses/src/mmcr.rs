//! MMCR: views of an image point in one direction, images in as many as possible.

use burn::tensor::Tensor;
use faer::Mat;

use crate::ops::custom_gradient::{constant, custom_gradient, to_f64_vec};
use crate::ops::shapes::common_dims;

/// Settings of [`mmcr`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MmcrLossConfig {
    /// λ, ≥ 0, the weight of the nuclear norm of each image's views.
    pub compactness: f64,
}

impl Default for MmcrLossConfig {
    /// Returns compactness 0.005 (lightly, after the paper).
    fn default() -> Self {
        Self { compactness: 0.005 }
    }
}

/// Returns minus the nuclear norm of the images' mean views, plus that of each image's views.
///
/// Needs feature `decompositions`, which is on by default.
///
/// ```text
/// loss = −‖C‖_*  +  λ Σ_b ‖Z_b‖_* / batch
/// ```
/// `Z_b`, `[views, dim]`, holds the views of image `b` by both networks, and row `b` of `C` is
/// their mean; `‖·‖_*` is the sum of the singular values. The first term is not averaged, so it
/// grows with batch and dim. Rows are not normalized; without rows of unit length the loss has no
/// lower bound.
///
/// The singular values come from `faer`, in double precision on the host, and the gradient `U Vᵀ`
/// is exact; directions whose singular value is 0 get none.
///
/// # Shapes
/// - `online`, `momentum`: `[batch, dim]` each, row `i` of all from the same image; `momentum` may
///   be empty; pass its views without their graph where that network is not trained
/// - output: `[1]`
///
/// # Panics
/// If there is no view, or the shapes differ or are empty.
///
/// # Source
/// Yerxa et al., 2023, [arXiv:2303.03307](https://arxiv.org/abs/2303.03307).
/// Deviation: none; the rows are not normalized here, as in lightly.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MmcrLossConfig, mmcr};
///
/// // Three images at right angles, seen alike by two views: singular values 1, 1, 1.
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let loss = mmcr(&[view.clone(), view], &[], &MmcrLossConfig { compactness: 0.0 });
/// assert!((loss.into_scalar::<f32>() + 3.0).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn mmcr(online: &[Tensor<2>], momentum: &[Tensor<2>], config: &MmcrLossConfig) -> Tensor<1> {
    let views = [online, momentum].concat();
    let [batch, dim] = common_dims("mmcr", 1, &views);
    let count = views.len();
    let z = Tensor::stack::<3>(views, 1); // [batch, views, dim]
    let rows = to_f64_vec(z.clone());
    let image = |b: usize| &rows[b * count * dim..(b + 1) * count * dim];
    let mut means = vec![0.0; batch * dim];
    for (mean, b) in means.chunks_mut(dim).zip(0..) {
        for row in image(b).chunks(dim) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count as f64);
        }
    }
    let (norm, spread) = nuclear_norm(&means, dim);
    let mut value = -norm;
    let mut gradient = Vec::with_capacity(rows.len());
    let weight = config.compactness / batch as f64;
    for (b, spread) in (0..batch).zip(spread.chunks(dim)) {
        // Without a weight, the many small decompositions are not needed.
        let (norm, compact) =
            if weight > 0.0 { nuclear_norm(image(b), dim) } else { (0.0, vec![0.0; count * dim]) };
        value += weight * norm;
        for row in compact.chunks(dim) {
            let both = row.iter().zip(spread);
            gradient.extend(both.map(|(compact, spread)| weight * compact - spread / count as f64));
        }
    }
    let value = constant(vec![value], [1], &z);
    custom_gradient(z.clone(), value, || constant(gradient, [batch, count, dim], &z))
}

/// Returns the sum of the singular values of a matrix of `columns` columns, and its gradient
/// `U Vᵀ`.
fn nuclear_norm(rows: &[f64], columns: usize) -> (f64, Vec<f64>) {
    let count = rows.len() / columns;
    // Scaled so that squares neither overflow nor vanish.
    let largest = rows.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let matrix = Mat::from_fn(count, columns, |i, j| rows[i * columns + j] / scale);
    let finite = rows.iter().all(|x| x.is_finite());
    let Some(parts) = finite.then(|| matrix.thin_svd().ok()).flatten() else {
        return (f64::NAN, vec![f64::NAN; rows.len()]);
    };
    let values: Vec<f64> = parts.S().column_vector().iter().copied().collect();
    let nothing = values[0] * f64::EPSILON * count.max(columns) as f64;
    let used = values.iter().filter(|value| **value > nothing).count();
    let gradient = parts.U().get(.., ..used) * parts.V().get(.., ..used).transpose();
    let gradient = (0..rows.len()).map(|place| gradient[(place / columns, place % columns)]);
    (scale * values.iter().sum::<f64>(), gradient.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, pair, value};
    use burn::tensor::Device;

    const CONFIG: MmcrLossConfig = MmcrLossConfig { compactness: 0.3 };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let third = a.clone() * 2.0 - b.clone();
        mmcr(&[a, b], &[third], &CONFIG)
    }

    /// Sum of the square roots of the eigenvalues of the smaller Gram matrix, by Jacobi's
    /// rotations.
    fn naive_norm(rows: &[Vec<f64>]) -> f64 {
        let turned = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            (0..rows[0].len()).map(|j| rows.iter().map(|row| row[j]).collect()).collect()
        };
        let rows = if rows.len() > rows[0].len() { turned(rows) } else { rows.to_vec() };
        let size = rows.len();
        // One-sided Jacobi: make the rows orthogonal; their lengths are the singular values.
        let mut rows = rows;
        for _ in 0..60 {
            for i in 0..size {
                for j in i + 1..size {
                    let dot =
                        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
                    let (aa, bb, ab) =
                        (dot(&rows[i], &rows[i]), dot(&rows[j], &rows[j]), dot(&rows[i], &rows[j]));
                    if ab == 0.0 {
                        continue;
                    }
                    let angle = 0.5 * (2.0 * ab).atan2(aa - bb);
                    let (sin, cos) = angle.sin_cos();
                    for k in 0..rows[0].len() {
                        let (x, y) = (rows[i][k], rows[j][k]);
                        rows[i][k] = cos * x + sin * y;
                        rows[j][k] = cos * y - sin * x;
                    }
                }
            }
        }
        rows.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).sum()
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let (mut means, mut own) = (Vec::new(), 0.0);
        for (a, b) in a.iter().zip(b) {
            let third: Vec<f64> = a.iter().zip(b).map(|(a, b)| a * 2.0 - b).collect();
            means.push((0..a.len()).map(|j| (a[j] + b[j] + third[j]) / 3.0).collect::<Vec<_>>());
            own += naive_norm(&[a.clone(), b.clone(), third]);
        }
        0.3 * own / a.len() as f64 - naive_norm(&means)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-7);
        }
    }

    #[test]
    fn obeys_the_laws() {
        // The third view would depend on the others, and a singular value of 0 has no slope.
        finite_differences(|a, b| mmcr(&[a], &[b], &CONFIG));
        laws(loss).permutation().extremes(1);
        laws(|a, b| mmcr(&[a], &[b], &CONFIG)).permutation().symmetry().extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let spread = value(loss, &pair([[1., 0.], [0., 1.]], [[1., 0.], [0., 1.]]));
        let collapse = value(loss, &pair([[1., 0.], [1., 0.]], [[1., 0.], [1., 0.]]));
        assert!(spread + 0.5 < collapse);
    }

    #[test]
    #[should_panic(expected = "[3, 2]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let _ = mmcr(&[Tensor::ones([2, 2], &device)], &[Tensor::ones([3, 2], &device)], &CONFIG);
    }
}
