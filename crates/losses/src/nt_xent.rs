//! NT-Xent: find a picture's other view among all views of the batch.

use burn::tensor::Tensor;

use crate::normalize::{normalize, paired_dims};

/// Settings of [`nt_xent`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NtXentConfig {
    /// τ, above 0: small values make near negatives count more. Paper: 0.5 on CIFAR-10, 0.1 on
    /// ImageNet.
    pub temperature: f64,
}

impl Default for NtXentConfig {
    /// Temperature 0.5 (paper, CIFAR-10).
    fn default() -> Self {
        Self { temperature: 0.5 }
    }
}

/// Cross-entropy of finding each view's partner among all other views of the batch.
///
/// ```text
/// loss = mean over all 2B views i of  −s(i, j(i))/τ + log Σₖ≠ᵢ exp(s(i, k)/τ)
/// ```
/// `s` is the cosine of two rows, `j(i)` the other view of the same picture, `k` runs over the
/// `2B − 1` views that are not `i`. A batch of 1 has no negatives: its loss is 0.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same picture, any length
/// - output: `[1]`, ≥ 0
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
/// use selfsame_losses::{NtXentConfig, nt_xent};
///
/// // Two pictures at right angles, each seen the same twice: of 3 candidates one is right.
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let loss = nt_xent(view.clone(), view, &NtXentConfig { temperature: 1.0 });
/// let want = (1.0 + 2.0 * (-1.0_f32).exp()).ln();
/// assert!((loss.into_scalar::<f32>() - want).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn nt_xent(view_a: Tensor<2>, view_b: Tensor<2>, config: &NtXentConfig) -> Tensor<1> {
    let [batch, _] = paired_dims("nt_xent", &view_a, &view_b);
    let temperature = config.temperature;
    assert!(temperature > 0.0, "nt_xent needs a temperature above 0, got {temperature}");
    let (a, b) = (normalize(view_a), normalize(view_b));
    let positives = (a.clone() * b.clone()).sum_dim(1) / temperature; // the same both ways

    let all = Tensor::cat(vec![a, b], 0);
    let oneself = Tensor::<2>::eye(2 * batch, &all.device()).equal_elem(1.0);
    let scores = all.clone().matmul(all.transpose()) / temperature;
    let scores = scores.mask_fill(oneself, f32::NEG_INFINITY);
    let largest = scores.clone().inner().max_dim(1); // a constant: it cancels
    let candidates = (scores - largest.clone()).exp().sum_dim(1).log() + largest;
    candidates.mean() - positives.mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        nt_xent(a, b, &NtXentConfig { temperature: 0.3 })
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
        laws(loss).permutation().symmetry().scale().extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let spread = Pair { a: vec![vec![1., 0.], vec![-1., 0.]], b: vec![vec![1., 0.], vec![-1., 0.]] };
        let collapse = Pair { a: vec![vec![1., 0.]; 2], b: vec![vec![1., 0.]; 2] };
        assert!(value(loss, &spread) + 1.0 < value(loss, &collapse));
    }

    #[test]
    #[should_panic(expected = "[2, 3]")]
    fn shapes_that_differ_are_named() {
        let device = burn::tensor::Device::flex();
        let _ = loss(Tensor::ones([2, 3], &device), Tensor::ones([3, 3], &device));
    }
}
