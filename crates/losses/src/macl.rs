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
    /// Returns temperature 0.1, strength 0.5, threshold 0 (as in lightly, after the paper).
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
/// - output: `[1]`, ≥ 0; near 1 where every p is near 1
///
/// # Panics
/// If the shapes differ or are empty, `batch < 2` (p would be 1), or τ is not above 0 for the
/// cosines found.
///
/// # Source
/// Huang et al., 2023, [arXiv:2207.07874](https://arxiv.org/abs/2207.07874), eq. 10 to 12.
/// Deviation: 1 − p is at least 1e-8, so that the loss vanishes below that; lightly adds 1e-8 to it.
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
    // Without the positive in the denominator: 1 − p keeps its digits where p is near 1.
    let contrast = Contrast::new("macl", views, None, Positive::Excluded, |positives| {
        let agreement: f64 = positives.clone().inner().mean().into_scalar::<f64>().elem();
        // Where the agreement is NaN, so is the loss; the temperature stays finite.
        let agreement = if agreement.is_nan() { config.threshold } else { agreement };
        temperature *= 1.0 + config.strength * (agreement - config.threshold);
        temperature
    });
    let positives = contrast.positives * temperature.recip();
    let plain = positives.clone().inner();
    // The lead of the negatives over the positive, x: −log p = log(1 + eˣ), 1 − p = 1/(1 + e⁻ˣ).
    let lead = contrast.denominators.values() - Tensor::cat(vec![plain.clone(), plain], 0);
    let small = (-lead.clone().abs()).exp();
    let surprise = lead.clone().clamp_min(0.0) + small.clone().log1p();
    let misses = lead.clamp_max(0.0).exp() / (small + 1.0);
    let weights = misses.clone().clamp_min(1e-8).recip() / (2 * batch) as f64;
    let value = (surprise * weights.clone()).sum();
    let slopes = misses * weights;
    // Both views of an image have one positive: its slope is the sum of theirs.
    let loss = contrast.denominators.weighted(value.clone(), slopes.clone());
    let of_positives = || slopes.reshape([2, batch]).sum_dim(0).reshape([batch]) * -1.0;
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
    /// Similar views at a low temperature, where `1 − p` as a difference would keep no digit.
    #[test]
    fn the_miss_of_a_nearly_certain_positive_keeps_its_digits() {
        use crate::laws::{gradients, ramp_rows};
        use burn::tensor::{DType, Device};
        let sharp: crate::laws::Loss =
            |a, b| macl(a, b, &MaclLossConfig { temperature: 0.03, strength: 0.5, threshold: 0.0 });
        let view = |shift: f64| -> Vec<Vec<f64>> {
            let mut rows = ramp_rows(8, 16);
            for (i, row) in rows.iter_mut().enumerate() {
                row[i] += 6.0;
                row[15 - i] += shift;
            }
            rows
        };
        let pair = Pair { a: view(0.0), b: view(0.3) };
        let [a, b] = pair.tensors(&Device::flex(), DType::F32);
        let found = f64::from(sharp(a, b).into_scalar::<f32>());
        let want = value(sharp, &pair);
        assert!((1.0..1.01).contains(&want), "{want}");
        assert_close(found, want, 1e-5);
        let [single, double] =
            [DType::F32, DType::F64].map(|kind| gradients(sharp, &pair, kind).concat());
        let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
        let apart = norm(&mut single.iter().zip(&double).map(|(x, y)| x - y));
        let length = norm(&mut double.iter().copied());
        assert!(apart < 1e-4 * length, "{apart} of {length}");
    }

    #[test]
    fn a_certain_positive_costs_nothing_and_pulls_at_nothing() {
        use crate::laws::gradients;
        use burn::tensor::{DType, Device};
        let sharp: crate::laws::Loss = |a, b| {
            macl(a, b, &MaclLossConfig { temperature: 0.002, strength: 0.0, threshold: 0.0 })
        };
        let rows = [[1., 0., 0.], [0., 1., 0.], [0., 0., 1.]];
        let pair = crate::laws::pair(rows, rows);
        for kind in [DType::F32, DType::F64] {
            let [a, b] = pair.tensors(&Device::flex(), kind);
            let found: f64 = sharp(a, b).into_data().iter::<f64>().next().unwrap();
            assert!((0.0..1e-30).contains(&found), "{found}");
            assert!(gradients(sharp, &pair, kind).concat().iter().all(|g| g.abs() < 1e-30));
        }
    }
}
