//! Cross-entropy of every view's prediction with the codes of every other view.

use burn::tensor::Tensor;

use crate::view_list::sum;
use crate::with_gradient::with_gradient;

/// Mean over all pairs (i, v), i ≠ v, and the batch, of `−Σₖ codesᵢ · log softmax(scoresᵥ / τ)`.
///
/// Code `i` and scores `i` are of the same view. Codes are constants whose rows sum to 1.
#[track_caller]
pub(crate) fn across_views(
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
        let weight = others.len() as f64;
        Some(cross_entropy(sum(others)?, weight, scores.clone(), temperature))
    });
    let total = sum(terms);
    let total = total.unwrap_or_else(|| panic!("{name} needs 2 views or more"));
    total / (pairs * scores[0].dims()[0]) as f64
}

/// Sum over the rows of `−Σₖ target · log softmax(scores / τ)`, for constant targets whose rows
/// have the sum `weight`.
pub(crate) fn cross_entropy(
    target: Tensor<2>,
    weight: f64,
    scores: Tensor<2>,
    temperature: f64,
) -> Tensor<1> {
    let logits = scores.clone().inner() / temperature;
    let logits = logits.clone() - logits.max_dim(1);
    let likelihoods = logits.clone().exp();
    let totals = likelihoods.clone().sum_dim(1);
    let value = totals.clone().log().sum() * weight - (target.clone() * logits).sum();
    with_gradient(scores, value, || {
        (likelihoods * (totals.recip() * weight) - target) / temperature
    })
}
