//! The cross-entropy of every view's prediction with the codes of every other view.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use selfsame_kernels::loss;

use super::custom_gradient::custom_gradient;
use super::shapes::sum;

/// Averages over all pairs (i, v), i ≠ v, and the batch `−Σₖ codesᵢ · log softmax(scoresᵥ / τ)`.
///
/// Code `i` and scores `i` are of the same view. Codes are constants whose rows sum to 1.
#[track_caller]
pub(crate) fn cross_view_entropy(
    name: &str,
    codes: &[Tensor<2>],
    scores: &[Tensor<2>],
    temperature: f64,
) -> Tensor<1> {
    assert!(temperature > 0.0, "{name} needs a temperature above 0, got {temperature}");
    let mut pairs = 0;
    let terms = scores.iter().enumerate().filter_map(|(view, scores)| {
        let others = codes.iter().enumerate().filter(|(code, _)| *code != view);
        let others: Vec<Tensor<2>> = others.map(|(_, codes)| codes.clone()).collect();
        pairs += others.len();
        (!others.is_empty()).then(|| cross_entropy(&others, scores.clone(), temperature))
    });
    let total = sum(terms);
    let total = total.unwrap_or_else(|| panic!("{name} needs 2 views or more"));
    total / (pairs * scores[0].dims()[0]) as f64
}

/// Sums `−Σₖ code · log softmax(scores / τ)` over the codes, at least one, and the rows. Codes are
/// constants whose rows have the sum 1.
pub(crate) fn cross_entropy(codes: &[Tensor<2>], scores: Tensor<2>, temperature: f64) -> Tensor<1> {
    if let Some(loss) = loss::sum_of_cross_entropies(codes, &scores, temperature) {
        return loss;
    }
    let weight = codes.len() as f64;
    let target = codes[1..].iter().fold(codes[0].clone(), |sum, code| sum + code.clone());
    let logits = scores.clone().inner() / temperature;
    let logits = logits.clone() - logits.max_dim(1);
    let likelihoods = logits.clone().exp();
    let totals = likelihoods.clone().sum_dim(1);
    let value = totals.clone().log().sum() * weight - (target.clone() * logits).sum();
    custom_gradient(scores, value, || {
        (likelihoods * (totals.recip() * weight) - target) / temperature
    })
}

/// Computes `softmax((scores − center) / τ)` of every row, without a graph.
pub(crate) fn probabilities(
    scores: Tensor<2>,
    center: Option<Tensor<2>>,
    temperature: f64,
) -> Tensor<2> {
    let scores = scores.inner();
    if let Some(found) = loss::softmax(&scores, center.as_ref(), temperature) {
        return found;
    }
    let scores = match center {
        None => scores,
        Some(center) => scores - center,
    };
    softmax(scores / temperature, 1)
}

/// Backpropagates `slope`, `[1, columns]`, through the softmax whose output is `p`:
/// `p ⊙ (slope − Σₖ pₖ slopeₖ) · scale`.
pub(crate) fn softmax_gradient(p: &Tensor<2>, slope: Tensor<2>, scale: f64) -> Tensor<2> {
    if let Some(found) = loss::softmax_backward(p, &slope, scale) {
        return found;
    }
    let along = (p.clone() * slope.clone()).sum_dim(1);
    p.clone() * (slope - along) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Loss, laws, ramp};

    /// Against two codes, one of them with a center.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let center = ramp(&a).mean_dim(0);
        let codes =
            [probabilities(ramp(&a), None, 0.3), probabilities(ramp(&a), Some(center), 0.2)];
        let of = |scores| cross_entropy(&codes, scores, 0.4);
        (of(a) + of(b)) * 1e-2
    }

    #[test]
    fn vector_loops_give_what_operators_give() {
        let loss: Loss = loss;
        laws(loss).precision().extremes(1);
    }

    #[test]
    fn a_value_needs_no_gradient() {
        let device = burn::tensor::Device::flex();
        let scores = ramp(&Tensor::zeros([40, 70], &device));
        let tracked = scores.clone().autodiff().require_grad();
        loss(scores.clone(), scores)
            .into_data()
            .assert_eq(&loss(tracked.clone(), tracked).into_data(), true);
    }
}
