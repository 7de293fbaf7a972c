//! MACL: NT-Xent at a temperature that depends on how well the views agree.

use burn::tensor::{ElementConversion, Tensor};

use crate::ops::contrast::{Contrast, Positive};
use crate::ops::custom_gradient::custom_gradient;

/// Settings of [`macl`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaclLossConfig {
    /// τ₀, above 0: the temperature if the mean cosine of the positives is `threshold`.
    pub temperature: f64,
    /// α, from 0 to 1: how far the temperature moves.
    pub strength: f64,
    /// A₀, from 0 to 1: the mean cosine at which the temperature is τ₀.
    pub threshold: f64,
}

impl Default for MaclLossConfig {
    /// Temperature 0.1, strength 0.5, threshold 0 (as in lightly, after the paper).
    fn default() -> Self {
        Self { temperature: 0.1, strength: 0.5, threshold: 0.0 }
    }
}

/// Returns NT-Xent at a temperature computed from the batch, with each anchor weighted by its
/// hardness.
///
/// ```text
/// loss = mean over all 2B views i of  −vᵢ log pᵢ      pᵢ = exp(s(i, j(i))/τ) / Σₖ≠ᵢ exp(s(i, k)/τ)
/// τ = τ₀ (1 + α (A − A₀)),  A = mean over the batch of s(i, j(i))        vᵢ = 1 / (1 − pᵢ)
/// ```
/// `s` is the cosine of two rows, `j(i)` the other view of the same image. τ and v are constants to
/// the gradient. Memory grows with the number of rows, as for [`nt_xent`](crate::nt_xent()). Reads
/// A back to the host.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the shapes differ or are empty, `batch < 2` (p would be 1), or τ is not above 0 for the
/// cosines found.
///
/// # Source
/// Huang et al., 2023, [arXiv:2207.07874](https://arxiv.org/abs/2207.07874), eq. 10 to 12.
/// Deviation: 1 − p is at least 1e-8, as in lightly.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MaclLossConfig, macl};
///
/// // Two images at right angles, each seen the same twice: p = e / (e + 2) at τ = 1.
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let config = MaclLossConfig { temperature: 1.0, strength: 0.5, threshold: 1.0 };
/// let loss = macl(view.clone(), view, &config).into_scalar::<f32>();
/// let p = 1.0_f32.exp() / (1.0_f32.exp() + 2.0);
/// assert!((loss + p.ln() / (1.0 - p)).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn macl(view_a: Tensor<2>, view_b: Tensor<2>, config: &MaclLossConfig) -> Tensor<1> {
    let batch = view_a.dims()[0];
    assert!(batch != 1, "macl weighs by the negatives: it needs 2 rows or more");
    let mut temperature = config.temperature;
    let views = [view_a, view_b];
    let contrast = Contrast::new("macl", views, None, Positive::Counted, |positives| {
        let agreement: f64 = positives.clone().inner().mean().into_scalar::<f64>().elem();
        // Where it is unknown, so is the loss; the temperature stays a number.
        let agreement = if agreement.is_nan() { config.threshold } else { agreement };
        temperature *= 1.0 + config.strength * (agreement - config.threshold);
        temperature
    });
    let positives = contrast.positives * temperature.recip();
    let plain = positives.clone().inner();
    let log_shares = Tensor::cat(vec![plain.clone(), plain], 0) - contrast.denominators.values();
    let weights =
        ((log_shares.clone().exp() * -1.0 + 1.0).clamp_min(1e-8)).recip() / (2 * batch) as f64;
    let value = (log_shares * weights.clone()).sum() * -1.0;
    // Both views of an image have one positive: its slope is the sum of their weights.
    let loss = contrast.denominators.weighted(value.clone(), weights.clone());
    let of_positives = || weights.reshape([2, batch]).sum_dim(0).reshape([batch]) * -1.0;
    loss + custom_gradient(positives, value.zeros_like(), of_positives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, laws, mean, value};

    const CONFIG: MaclLossConfig =
        MaclLossConfig { temperature: 0.3, strength: 0.5, threshold: 0.1 };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        macl(a, b, &CONFIG)
    }

    /// The formula, term by term.
    fn naive(pair: &Pair) -> f64 {
        let all: Vec<&Vec<f64>> = pair.a.iter().chain(&pair.b).collect();
        let partner = |i: usize| (i + pair.a.len()) % all.len();
        let agreement = mean((0..all.len()).map(|i| cosine(all[i], all[partner(i)])));
        let temperature = 0.3 * (1.0 + 0.5 * (agreement - 0.1));
        mean((0..all.len()).map(|i| {
            let score = |k: usize| (cosine(all[i], all[k]) / temperature).exp();
            let others = (0..all.len()).filter(|&k| k != i).map(score);
            let p = score(partner(i)) / others.sum::<f64>();
            -p.ln() / (1.0 - p)
        }))
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::rows(2)) {
            assert_close(value(loss, &pair), naive(&pair), 1e-8);
        }
    }

    #[test]
    fn obeys_the_laws() {
        laws(loss).permutation().symmetry().scale().precision().shapes().extremes(2).collapse();
    }

    /// With τ fixed and v near 1 the gradient is that of NT-Xent times v.
    #[test]
    fn the_gradient_of_an_anchor_is_weighted() {
        use crate::laws::gradients;
        use burn::tensor::DType;
        let pair = crate::laws::pair([[1., 0.], [0., 1.]], [[1., 0.], [0., 1.]]);
        let fixed: crate::laws::Loss =
            |a, b| macl(a, b, &MaclLossConfig { temperature: 0.5, strength: 0.0, threshold: 0.0 });
        let plain: crate::laws::Loss =
            |a, b| crate::nt_xent(a, b, &crate::NtXentLossConfig { temperature: 0.5 });
        let p = 2.0_f64.exp() / (2.0_f64.exp() + 2.0);
        let ([macl, _], [nt_xent, _]) =
            (gradients(fixed, &pair, DType::F64), gradients(plain, &pair, DType::F64));
        for (found, want) in macl.iter().zip(&nt_xent) {
            assert_close(*found, want / (1.0 - p), 1e-12);
        }
    }
}
