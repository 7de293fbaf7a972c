//! NT-Xent: find an image's other view among all views of the batch.

use burn::tensor::Tensor;

use crate::Gathered;
use crate::ops::contrast::{Contrast, Positive};

/// Settings of [`nt_xent`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NtXentLossConfig {
    /// τ, above 0: small values make near negatives count more. Paper: 0.5 on CIFAR-10, 0.1 on
    /// ImageNet.
    pub temperature: f64,
}

impl Default for NtXentLossConfig {
    /// Returns temperature 0.5 (paper, CIFAR-10).
    fn default() -> Self {
        Self { temperature: 0.5 }
    }
}

/// Returns the cross-entropy of finding each view's partner among all other views of the batch.
///
/// ```text
/// loss = mean over all 2B views i of  −s(i, j(i))/τ + log Σₖ≠ᵢ exp(s(i, k)/τ)
/// ```
/// `s` is the cosine of two rows, `j(i)` the other view of the same image, `k` runs over the
/// `2B − 1` views that are not `i`. A batch of 1 has no negatives: its loss is 0. Memory grows with
/// the number of rows, not with its square: scores are computed in tiles, and again in the
/// backward pass.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or the temperature is not above 0.
///
/// # Source
/// Chen et al., 2020, [arXiv:2002.05709](https://arxiv.org/abs/2002.05709), eq. 1.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{NtXentLossConfig, nt_xent};
///
/// // Two images at right angles, each seen the same twice: of 3 candidates one is right.
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let loss = nt_xent(view.clone(), view, &NtXentLossConfig { temperature: 1.0 });
/// let want = (1.0 + 2.0 * (-1.0_f32).exp()).ln();
/// assert!((loss.into_scalar::<f32>() - want).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn nt_xent(view_a: Tensor<2>, view_b: Tensor<2>, config: &NtXentLossConfig) -> Tensor<1> {
    loss([view_a, view_b], None, config.temperature)
}

/// Returns [`nt_xent`] of this worker's rows, with the views of all workers as candidates.
///
/// The mean of the workers' losses is the loss of the whole batch. `view_a` and `view_b` are the
/// rows from `gathered.first` on.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`; `gathered`: `[all, dim]` each
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// As [`nt_xent`], and if the rows do not fit among the gathered ones.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Gathered, NtXentLossConfig, nt_xent, nt_xent_gathered};
///
/// let view_a = Tensor::<2>::from_floats([[1., 0.], [0., 1.]], &Device::flex());
/// let view_b = Tensor::<2>::from_floats([[2., 1.], [1., 3.]], &Device::flex());
/// let config = NtXentLossConfig::default();
/// let worker = |first: usize| {
///     let gathered = Gathered { view_a: view_a.clone(), view_b: view_b.clone(), first };
///     let rows = |view: &Tensor<2>| view.clone().slice([first..first + 1]);
///     nt_xent_gathered(rows(&view_a), rows(&view_b), &gathered, &config).into_scalar::<f32>()
/// };
/// let whole = nt_xent(view_a.clone(), view_b.clone(), &config).into_scalar::<f32>();
/// assert!(((worker(0) + worker(1)) / 2.0 - whole).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn nt_xent_gathered(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    gathered: &Gathered,
    config: &NtXentLossConfig,
) -> Tensor<1> {
    loss([view_a, view_b], Some(gathered), config.temperature)
}

#[track_caller]
fn loss(views: [Tensor<2>; 2], gathered: Option<&Gathered>, temperature: f64) -> Tensor<1> {
    let contrast = Contrast::new("nt_xent", views, gathered, Positive::Counted, |_| temperature);
    contrast.denominators.mean() - contrast.positives.mean() * temperature.recip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        nt_xent(a, b, &NtXentLossConfig { temperature: 0.3 })
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let all: Vec<&Vec<f64>> = a.iter().chain(b).collect();
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let cosine = |i: usize, j: usize| {
            dot(all[i], all[j]) / (dot(all[i], all[i]) * dot(all[j], all[j])).sqrt() / 0.3
        };
        let one = |i: usize| {
            let others = (0..all.len()).filter(|&k| k != i).map(|k| cosine(i, k).exp());
            others.sum::<f64>().ln() - cosine(i, (i + a.len()) % all.len())
        };
        (0..all.len()).map(one).sum::<f64>() / all.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().precision().shapes().extremes(1).collapse();
    }
}
