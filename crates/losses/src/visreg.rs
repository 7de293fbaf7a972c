//! VISReg: views agree, and their center, scale and shape are those of a standard normal.

use burn::tensor::Tensor;
use selfsame_kernels::loss;

use crate::lejepa::agreement;
use crate::ops::custom_gradient::constant;
use crate::ops::moments::mean_square;
use crate::ops::normal_quantile::normal_quantile;
use crate::random_slices::slice_count;

/// Settings of [`visreg`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisRegLossConfig {
    /// λ, in `[0, 1]`: the share of the regularizer.
    pub regularization: f64,
    /// Added to the deviations that the shape is divided by, above 0.
    pub epsilon: f64,
}

impl Default for VisRegLossConfig {
    /// Returns regularization 0.9 (paper, for large data sets; 0.6 for small ones), epsilon 1e-4
    /// (peers).
    fn default() -> Self {
        Self { regularization: 0.9, epsilon: 1e-4 }
    }
}

/// Returns the weighted mean of a regularizer and of the views' squared distance to the mean global
/// view.
///
/// ```text
/// loss = (1 − λ) · mean over v, batch, dim of (Zᵥ − Z̄)²
///      + λ · mean over v of [ mean (mean Zᵥ)²  +  mean (1 − std Zᵥ)²  +  shape(Zᵥ) ]
/// ```
/// `v` runs over all views, `Z̄` is the mean of the global ones; mean and (biased) standard
/// deviation are over the batch, one for each dimension; `shape` is [`visreg_shape`]. Unlike
/// [`sigreg`](crate::sigreg)'s, the gradient of the scale does not vanish for a collapsed encoder.
///
/// # Shapes
/// - `global`, `local`: `[batch, dim]` each, row `i` of all from the same image; `local` may be
///   empty
/// - `slices`: `[dim, slices]`, see [`visreg_shape`]
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If there is no global view, the shapes differ, or a setting is out of range.
///
/// # Source
/// Wu et al., 2026, [arXiv:2606.02572](https://arxiv.org/abs/2606.02572), eq. 1 to 8.
/// Deviation: the official code takes no deviation below 1e-6, so that features collapsed beyond that
/// are not pulled apart; here the scale has the deviation as it is, and the shape adds `epsilon` to it.
/// The three parts of the regularizer weigh the same, as in the paper's best runs.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VisRegLossConfig, random_slices, visreg};
///
/// let device = Device::flex();
/// let slices = random_slices(2, 16, 0, 0, &device);
/// let spread = Tensor::<2>::from_floats([[1., 1.], [1., -1.], [-1., 1.], [-1., -1.]], &device);
/// let loss = |view: Tensor<2>| {
///     let config = VisRegLossConfig::default();
///     visreg(&[view.clone(), view], &[], slices.clone(), &config).into_scalar::<f32>()
/// };
/// assert!(loss(spread.clone()) + 0.5 < loss(spread * 0.01));
/// ```
#[must_use]
#[track_caller]
pub fn visreg(
    global: &[Tensor<2>],
    local: &[Tensor<2>],
    slices: Tensor<2>,
    config: &VisRegLossConfig,
) -> Tensor<1> {
    visreg_terms(global, local, slices, config).loss()
}

/// The four terms of [`visreg`], each `[1]` and weighted, so that they add up to the loss.
#[derive(Clone, Debug)]
pub struct VisRegTerms {
    /// How far the views of an image are from the mean global one.
    pub invariance: Tensor<1>,
    /// How far the mean of each dimension is from 0.
    pub center: Tensor<1>,
    /// How far the standard deviation of each dimension is from 1.
    pub scale: Tensor<1>,
    /// How far the standardized embeddings are from a normal distribution, along the slices.
    pub shape: Tensor<1>,
}

impl VisRegTerms {
    /// Returns the sum of the terms, which is the loss.
    #[must_use]
    pub fn loss(&self) -> Tensor<1> {
        let regularizer = self.center.clone() + self.scale.clone() + self.shape.clone();
        regularizer + self.invariance.clone()
    }
}

/// Returns the four terms of [`visreg`], to log them or to weigh them anew.
///
/// # Shapes
/// - `global`, `local`: `[batch, dim]` each, row `i` of all from the same image; `local` may be
///   empty
/// - `slices`: `[dim, slices]`, see [`visreg_shape`]
///
/// # Panics
/// If there is no global view, the shapes differ, or a setting is out of range.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VisRegLossConfig, random_slices, visreg_terms};
///
/// // Both dimensions have the deviation 1 and the mean 0; the second view has the mean 2.
/// let device = Device::flex();
/// let view = Tensor::<2>::from_floats([[1., 1.], [1., -1.], [-1., 1.], [-1., -1.]], &device);
/// let (slices, config) = (random_slices(2, 16, 0, 0, &device), VisRegLossConfig::default());
/// let terms = visreg_terms(&[view.clone()], &[view + 2.0], slices, &config);
/// assert!(terms.scale.into_scalar::<f32>() < 1e-6);
/// assert!((terms.center.into_scalar::<f32>() - 0.9 * 4.0 / 2.0).abs() < 1e-5);
/// assert!((terms.invariance.into_scalar::<f32>() - 0.1 * 4.0 / 2.0).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn visreg_terms(
    global: &[Tensor<2>],
    local: &[Tensor<2>],
    slices: Tensor<2>,
    config: &VisRegLossConfig,
) -> VisRegTerms {
    let share = config.regularization;
    assert!((0.0..=1.0).contains(&share), "visreg needs a share in [0, 1], got {share}");
    let (views, invariance) = agreement("visreg", global, local, &slices);
    let center = |view: &Tensor<2>| mean_square(view.clone().mean_dim(0));
    let scale =
        |view: &Tensor<2>| mean_square(deviation(view.clone() - view.clone().mean_dim(0)) - 1.0);
    let shape = |view: &Tensor<2>| visreg_shape(view.clone(), slices.clone(), config.epsilon);
    let mean = |terms: Vec<Tensor<1>>| Tensor::cat(terms, 0).mean() * share;
    VisRegTerms {
        invariance: invariance * (1.0 - share),
        center: mean(views.iter().map(center).collect()),
        scale: mean(views.iter().map(scale).collect()),
        shape: mean(views.iter().map(shape).collect()),
    }
}

/// Returns the squared Wasserstein distance of the standardized embedding from a standard normal,
/// along slices.
///
/// ```text
/// shape = mean over slices s, over i, of (p₍ᵢ₎ − Φ⁻¹(i / (batch + 1)))²       p = s · (z − mean) / (sg std + ε)
/// ```
/// `p₍ᵢ₎` is the i-th smallest of the batch. Mean and (biased) standard deviation are over the
/// batch; the deviation is a constant (`sg`), so that this term changes the shape and not the
/// scale.
///
/// # Shapes
/// - `embedding`: `[batch, dim]`
/// - `slices`: `[dim, slices]`, unit columns, new ones every step from
///   [`random_slices`](crate::random_slices); the paper has 4,096
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the slices do not fit, the embedding is empty, or epsilon is not above 0.
///
/// # Source
/// Wu et al., 2026, [arXiv:2606.02572](https://arxiv.org/abs/2606.02572), eq. 2 and 5.
/// Deviation: `epsilon` is added to the deviation, where the official code divides by at least 1e-6.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::visreg_shape;
///
/// // Two rows at ±1, where the quantiles are ±0.4307.
/// let z = Tensor::<2>::from_floats([[3.0], [-1.0]], &Device::flex());
/// let loss = visreg_shape(z, Tensor::ones([1, 1], &Device::flex()), 1e-9);
/// assert!((loss.into_scalar::<f32>() - (1.0 - 0.430_727_3_f32).powi(2)).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn visreg_shape(embedding: Tensor<2>, slices: Tensor<2>, epsilon: f64) -> Tensor<1> {
    assert!(epsilon > 0.0, "visreg_shape needs an epsilon above 0, got {epsilon}");
    let [batch, dim] = embedding.dims();
    assert!(batch > 0, "visreg_shape needs rows, got {:?}", [batch, dim]);
    let count = slice_count("visreg_shape", [batch, dim], &slices);
    let centered = embedding.clone() - embedding.mean_dim(0);
    let scale = deviation(centered.clone().inner()) + epsilon;
    // One row for each slice, so that the sorted elements are neighbors.
    let projected = slices.inner().transpose().matmul((centered / scale).transpose());
    let quantile = |i: usize| normal_quantile((i + 1) as f64 / (batch + 1) as f64);
    let quantiles: Vec<f64> = (0..batch).map(quantile).collect();
    if let Some(loss) = loss::sorted_distance(&projected, &quantiles) {
        return loss;
    }
    let order = projected.clone().inner().argsort(1); // [slices, batch]
    let quantiles = constant(quantiles, [1, batch], &projected);
    let ranks = order.argsort(1);
    let targets = quantiles.expand([count, batch]).gather(1, ranks);
    mean_square(projected - targets)
}

/// Biased standard deviation over the batch of columns of mean 0; 0, with a slope of 0, for
/// constant columns.
fn deviation(centered: Tensor<2>) -> Tensor<2> {
    let largest = centered.clone().inner().abs().max_dim(0);
    let constant = largest.clone().equal_elem(0.0);
    let largest = largest.mask_fill(constant.clone(), 1.0);
    let variance = (centered / largest.clone()).square().mean_dim(0);
    variance.mask_fill(constant.clone(), 1.0).sqrt().mask_fill(constant, 0.0) * largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, pair, value};
    use crate::ops::custom_gradient::to_f64_vec;
    use crate::random_slices;
    use burn::tensor::Device;

    const CONFIG: VisRegLossConfig = VisRegLossConfig { regularization: 0.4, epsilon: 0.01 };

    fn slices(dim: usize) -> Tensor<2> {
        random_slices(dim, 5, 2, 0, &Device::flex())
    }

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let slices = slices(a.dims()[1]).cast(a.dtype());
        visreg(&[a], &[b], slices, &CONFIG)
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let (batch, dim) = (a.len() as f64, a[0].len());
        let slices = to_f64_vec(slices(dim));
        let mut loss = 0.0;
        for (a, b) in a.iter().zip(b) {
            let apart = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            loss += 0.6 * apart / (2.0 * batch * dim as f64);
        }
        for view in [a, b] {
            let column = |j: usize| view.iter().map(|row| row[j]).collect::<Vec<f64>>();
            let mut standard = vec![vec![0.0; dim]; view.len()];
            for j in 0..dim {
                let x = column(j);
                let mean = x.iter().sum::<f64>() / batch;
                let std = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / batch).sqrt();
                loss += 0.4 / 2.0 * (mean.powi(2) + (1.0 - std).powi(2)) / dim as f64;
                for (row, x) in standard.iter_mut().zip(x) {
                    row[j] = (x - mean) / (std + 0.01);
                }
            }
            for s in 0..5 {
                let along = |row: &Vec<f64>| -> f64 {
                    row.iter().enumerate().map(|(j, x)| x * slices[j * 5 + s]).sum()
                };
                let mut p: Vec<f64> = standard.iter().map(along).collect();
                p.sort_by(f64::total_cmp);
                for (i, p) in p.iter().enumerate() {
                    let want = normal_quantile((i as f64 + 1.0) / (batch + 1.0));
                    loss += 0.4 / 2.0 * (p - want).powi(2) / (5.0 * batch);
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

    /// The loss without the shape, whose deviation is a constant; the rest has the measured slopes.
    fn shapeless(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let slices = slices(a.dims()[1]).cast(a.dtype());
        let shape = |view: &Tensor<2>| visreg_shape(view.clone(), slices.clone(), 0.01);
        let shapes = shape(&a) + shape(&b);
        visreg(&[a], &[b], slices, &CONFIG) - shapes * 0.2
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(shapeless);
        laws(loss).permutation().precision().extremes(1);
        laws(|a, b| {
            let slices = slices(a.dims()[1]).cast(a.dtype());
            visreg(&[a, b], &[], slices, &CONFIG)
        })
        .permutation()
        .symmetry()
        .extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let spread = pair([[1., 1.], [-1., -1.]], [[1., 1.], [-1., -1.]]);
        let collapse = pair([[0.1, 0.1], [0.1, 0.1]], [[0.1, 0.1], [0.1, 0.1]]);
        assert!(value(loss, &spread) < value(loss, &collapse));
    }

    #[test]
    #[should_panic(expected = "[2, 5]")]
    fn slices_of_another_width_are_named() {
        let _ = visreg_shape(Tensor::ones([4, 3], &Device::flex()), slices(2), 0.1);
    }
}
