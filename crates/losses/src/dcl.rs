//! Decoupled contrastive loss: a positive does not push against itself.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

use crate::Gathered;
use crate::ops::contrast::{Contrast, Positive, check_temperature};

/// Settings of [`dcl`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DclLossConfig {
    /// τ, above 0.
    pub temperature: f64,
    /// σ, above 0: weights positives by their distance (DCLW). `None` weights all the same.
    pub sigma: Option<f64>,
}

impl Default for DclLossConfig {
    /// Returns temperature 0.1 (paper), no weights.
    fn default() -> Self {
        Self { temperature: 0.1, sigma: None }
    }
}

impl DclLossConfig {
    /// Returns the settings of the weighted loss, DCLW, with σ 0.5 (paper).
    #[must_use]
    pub fn weighted() -> Self {
        Self { sigma: Some(0.5), ..Self::default() }
    }
}

/// Returns NT-Xent with the positive excluded from the denominator.
///
/// ```text
/// loss = mean over all 2B views i of  −wᵢ s(i, j(i))/τ + log Σₖ exp(s(i, k)/τ)
/// w    = 1, or for DCLW  2 − B · softmax over the batch of s(i, j(i))/σ, a constant
/// ```
/// `s` is the cosine of two rows, `j(i)` the other view of the same image, `k` runs over the `2B −
/// 2` views that are neither `i` nor `j(i)`. The mean of `w` is 1. Memory grows with the number of
/// rows, as for [`nt_xent`](crate::nt_xent()).
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - output: `[1]`; it may be below 0
///
/// # Panics
/// If the shapes differ or are empty, `batch < 2`, or a temperature is not above 0.
///
/// # Source
/// Yeh et al., 2021, [arXiv:2110.06848](https://arxiv.org/abs/2110.06848), eq. 5 and 6.
/// Deviation: none; the von Mises-Fisher weight is estimated within the batch, as in the paper.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{DclLossConfig, dcl};
///
/// // Two images at right angles, each seen the same twice: −1 + log(e⁰ + e⁰).
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let config = DclLossConfig { temperature: 1.0, sigma: None };
/// let loss = dcl(view.clone(), view, &config).into_scalar::<f32>();
/// assert!((loss - (2.0_f32.ln() - 1.0)).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn dcl(view_a: Tensor<2>, view_b: Tensor<2>, config: &DclLossConfig) -> Tensor<1> {
    loss([view_a, view_b], None, config)
}

/// Returns [`dcl`] of this worker's rows, with the views of all workers as candidates.
///
/// The weights of DCLW are computed over this worker's positives.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`; `gathered`: `[all, dim]` each
/// - output: `[1]`
///
/// # Panics
/// As [`dcl`] (with `all < 2` in place of `batch < 2`), and if the rows do not fit among the
/// gathered ones.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{DclLossConfig, Gathered, dcl, dcl_gathered};
///
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let gathered = Gathered { view_a: view.clone(), view_b: view.clone(), first: 1 };
/// let row = view.clone().slice([1..2]);
/// let one = dcl_gathered(row.clone(), row, &gathered, &DclLossConfig::default());
/// let whole = dcl(view.clone(), view, &DclLossConfig::default()); // every row's loss is the same
/// assert!((one - whole).into_scalar::<f32>().abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn dcl_gathered(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    gathered: &Gathered,
    config: &DclLossConfig,
) -> Tensor<1> {
    loss([view_a, view_b], Some(gathered), config)
}

#[track_caller]
fn loss(views: [Tensor<2>; 2], gathered: Option<&Gathered>, config: &DclLossConfig) -> Tensor<1> {
    let temperature = config.temperature;
    let contrast = Contrast::new("dcl", views, gathered, Positive::Excluded, |_| temperature);
    let positives = match config.sigma {
        None => contrast.positives,
        Some(sigma) => {
            check_temperature("dcl", sigma);
            let shares = softmax(contrast.positives.clone().inner() / sigma, 0);
            let count = shares.dims()[0] as f64;
            contrast.positives * (shares * -count + 2.0)
        }
    };
    contrast.denominators.mean() - positives.mean() * temperature.recip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, finite_differences, laws, value};

    fn plain(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        dcl(a, b, &DclLossConfig { temperature: 0.3, sigma: None })
    }

    fn weighted(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        dcl(a, b, &DclLossConfig { temperature: 0.3, sigma: Some(0.7) })
    }

    /// The formula, term by term.
    fn naive(pair: &Pair, sigma: Option<f64>) -> f64 {
        let all: Vec<&Vec<f64>> = pair.a.iter().chain(&pair.b).collect();
        let batch = pair.a.len();
        let positive = |i: usize| cosine(all[i], all[(i + batch) % all.len()]);
        let sums = |sigma: f64| (0..batch).map(|i| (positive(i) / sigma).exp()).sum::<f64>();
        let weight = |i: usize| match sigma {
            None => 1.0,
            Some(sigma) => 2.0 - batch as f64 * (positive(i) / sigma).exp() / sums(sigma),
        };
        let one = |i: usize| {
            let others = (0..all.len()).filter(|&k| k % batch != i % batch);
            let sum = others.map(|k| (cosine(all[i], all[k]) / 0.3).exp()).sum::<f64>();
            sum.ln() - weight(i) * positive(i) / 0.3
        };
        (0..all.len()).map(one).sum::<f64>() / all.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::rows(2)) {
            assert_close(value(plain, &pair), naive(&pair, None), 1e-10);
            assert_close(value(weighted, &pair), naive(&pair, Some(0.7)), 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(plain);
        laws(plain).permutation().symmetry().scale().extremes(2).collapse();
        // The weights are constants: only where they are all 1 is the slope the gradient.
        laws(weighted).permutation().symmetry().scale().extremes(2).collapse();
    }

    #[test]
    #[should_panic(expected = "needs a negative")]
    fn one_image_has_no_negative() {
        let view = Tensor::<2>::ones([1, 3], &burn::tensor::Device::flex());
        let _ = plain(view.clone(), view);
    }
}
