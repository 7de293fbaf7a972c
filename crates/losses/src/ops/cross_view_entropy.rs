//! Cross-entropy of every view's prediction with the codes of every other view.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

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
        (!others.is_empty()).then(|| cross_entropy(&others, scores.clone(), temperature))
    });
    let total = sum(terms);
    let total = total.unwrap_or_else(|| panic!("{name} needs 2 views or more"));
    total / (pairs * scores[0].dims()[0]) as f64
}

/// Sum over the codes, of which there must be one, and the rows of `−Σₖ code · log softmax(scores / τ)`,
/// for constant codes whose rows have the sum 1.
pub(crate) fn cross_entropy(codes: &[Tensor<2>], scores: Tensor<2>, temperature: f64) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if let Some(loss) = host::cross_entropy(codes, &scores, temperature) {
        return loss;
    }
    let weight = codes.len() as f64;
    let target = codes[1..].iter().fold(codes[0].clone(), |sum, code| sum + code.clone());
    let logits = scores.clone().inner() / temperature;
    let logits = logits.clone() - logits.max_dim(1);
    let likelihoods = logits.clone().exp();
    let totals = likelihoods.clone().sum_dim(1);
    let value = totals.clone().log().sum() * weight - (target.clone() * logits).sum();
    with_gradient(scores, value, || {
        (likelihoods * (totals.recip() * weight) - target) / temperature
    })
}

/// `softmax((scores − center) / τ)` of every row, without a graph.
pub(crate) fn probabilities(
    scores: Tensor<2>,
    center: Option<Tensor<2>>,
    temperature: f64,
) -> Tensor<2> {
    let scores = scores.inner();
    #[cfg(feature = "flex")]
    if let Some(found) = host::probabilities(&scores, center.as_ref(), temperature) {
        return found;
    }
    let scores = match center {
        None => scores,
        Some(center) => scores - center,
    };
    softmax(scores / temperature, 1)
}

/// `p ⊙ (slope − Σₖ pₖ slopeₖ) · scale`: the gradient of what has the `slope`, `[1, columns]`, by the
/// probabilities `p`, taken back through their softmax.
pub(crate) fn through_softmax(p: &Tensor<2>, slope: Tensor<2>, scale: f64) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(found) = host::through_softmax(p, &slope, scale) {
        return found;
    }
    let along = (p.clone() * slope.clone()).sum_dim(1);
    p.clone() * (slope - along) * scale
}

/// The same in vector loops on the host.
#[cfg(feature = "flex")]
mod host {
    use burn::tensor::Tensor;

    use crate::entropy::{self, Predictions};
    use crate::extension::{FlexTensor, host, numbers};
    use crate::with_gradient::{constant, single, with_gradient};

    pub(super) fn cross_entropy(
        codes: &[Tensor<2>],
        scores: &Tensor<2>,
        temperature: f64,
    ) -> Option<Tensor<1>> {
        let (shape, sharpness) = (scores.dims(), temperature.recip() as f32);
        let codes: Vec<FlexTensor> = codes.iter().map(host).collect::<Option<_>>()?;
        let codes: Vec<&[f32]> = codes.iter().map(numbers).collect();
        let own = host(scores)?;
        let (scores_of, columns) = (numbers(&own), shape[1]);
        let predictions = Predictions { scores: scores_of, codes: &codes, columns, sharpness };
        let (value, gradient) = predictions.entropy(scores.is_tracked());
        let value = constant(vec![value], [1], scores);
        Some(with_gradient(scores.clone(), value, || single(gradient, shape, scores)))
    }

    pub(super) fn probabilities(
        scores: &Tensor<2>,
        center: Option<&Tensor<2>>,
        temperature: f64,
    ) -> Option<Tensor<2>> {
        let shape = scores.dims();
        let own = host(scores)?;
        let center = match center {
            None => None,
            Some(center) => Some(host(center)?),
        };
        let center = center.as_ref().map(numbers);
        let found = entropy::softmax(numbers(&own), shape[1], center, temperature.recip() as f32);
        Some(single(found, shape, scores))
    }

    pub(super) fn through_softmax(
        p: &Tensor<2>,
        slope: &Tensor<2>,
        scale: f64,
    ) -> Option<Tensor<2>> {
        let (host_p, slope) = (host(p)?, host(slope)?);
        let found = entropy::through_softmax(numbers(&host_p), numbers(&slope), scale as f32);
        Some(single(found, p.dims(), p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Loss, laws, ramp};

    /// Against two codes, of which one is taken off a center.
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
