//! Circle loss: each pair is weighted by its distance from its optimum.

use burn::tensor::Tensor;

use crate::labeled::{Pairs, log_one_plus_sum_exp};
use crate::{Distance, Labeled};

/// Settings of [`circle`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CircleLossConfig {
    /// γ, above 0: the weight of the hardest pairs over the others.
    pub gamma: f64,
    /// m, in `[0, 1)`: positives are to be nearer than `m`, negatives farther than `1 − m`.
    pub margin: f64,
}

impl Default for CircleLossConfig {
    /// Returns gamma 80 (paper), margin 0.4 (TensorFlow Similarity; the paper has 0.25 and 0.4).
    fn default() -> Self {
        Self { gamma: 80.0, margin: 0.4 }
    }
}

/// Returns soft maxima of each anchor's positives and negatives, weighted by their distance from
/// the optimum.
///
/// ```text
/// loss = mean of log(1 + Σ_p e^(γ w_p (d_p − m))) + log(1 + Σ_n e^(γ w_n (1 − m − d_n)))
/// w_p = max(0, d_p + m)          w_n = max(0, 1 + m − d_n)
/// ```
/// `d` is the cosine distance. Every row of the batch is an anchor; keys are the batch, without the
/// anchor itself, and the memory. The weights are constants to the gradient. Anchors without a
/// positive or without a negative add 0 to the mean.
///
/// # Shapes
/// - `batch`, `memory`: as for [`triplet`](crate::triplet)
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the memory's rows are not as wide as the batch's, or gamma is not above 0.
///
/// # Source
/// Sun et al., 2020, [arXiv:2002.10857](https://arxiv.org/abs/2002.10857), section 3.
/// Deviation: the two soft maxima are added, as in TensorFlow Similarity, where the paper has one
/// soft maximum of the product of both sums. Unlike there, the weights are constants, as in the
/// paper.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{CircleLossConfig, Labeled, circle};
///
/// let device = Device::flex();
/// let rows = Tensor::from_floats([[1., 0.], [1., 0.], [0., 1.], [0., 1.]], &device);
/// let loss = |labels: [i32; 4]| {
///     let batch = Labeled::new(rows.clone(), Tensor::from_ints(labels, &device));
///     circle(&batch, None, &CircleLossConfig::default()).into_scalar::<f32>()
/// };
/// assert!(loss([0, 0, 1, 1]) < 1e-2 && loss([0, 1, 0, 1]) > 50.0);
/// ```
#[must_use]
#[track_caller]
pub fn circle(batch: &Labeled, memory: Option<&Labeled>, config: &CircleLossConfig) -> Tensor<1> {
    let CircleLossConfig { gamma, margin } = *config;
    assert!(gamma > 0.0, "circle needs a gamma above 0, got {gamma}");
    let pairs = Pairs::new("circle", batch, memory);
    let distances = pairs.distances(Distance::Cosine);
    let fixed = distances.clone().inner();
    let pull = (fixed.clone() + margin).clamp_min(0.0) * gamma;
    let push = (-fixed + 1.0 + margin).clamp_min(0.0) * gamma;
    let near = (distances.clone() - margin) * pull;
    let apart = (-distances + 1.0 - margin) * push;
    let near = log_one_plus_sum_exp(near, pairs.positives.clone());
    let apart = log_one_plus_sum_exp(apart, pairs.negatives.clone());
    pairs.mean(near + apart, pairs.complete())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::{batch, classes, images, labeled, near_and_apart};
    use crate::laws::{Pair, assert_close, laws, value};
    use crate::ops::custom_gradient::to_f64_vec;
    use burn::tensor::Device;

    const CONFIG: CircleLossConfig = CircleLossConfig { gamma: 5.0, margin: 0.3 };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        circle(&batch(a, b, images), None, &CONFIG)
    }

    /// The formula, anchor by anchor.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let anchors = near_and_apart(a, b);
        let mut total = 0.0;
        for [positives, negatives] in &anchors {
            if !positives.is_empty() && !negatives.is_empty() {
                let near = positives.iter().map(|d| (5.0 * (d + 0.3) * (d - 0.3)).exp());
                let apart = negatives.iter().map(|d| (5.0 * (1.3 - d).max(0.0) * (0.7 - d)).exp());
                total += near.sum::<f64>().ln_1p() + apart.sum::<f64>().ln_1p();
            }
        }
        total / anchors.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            let loss = |a, b| circle(&batch(a, b, classes), None, &CONFIG);
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        laws(loss).permutation().symmetry().scale().extremes(1);
    }

    /// As the weights are constants, the slope is that of the sum with the weights of the point.
    #[test]
    fn weights_get_no_gradient() {
        let device = Device::flex().autodiff();
        let rows = [[1.0_f32, 0.0], [0.6, 0.8], [0.0, 1.0]];
        let rows = Tensor::<2>::from_floats(rows, &device).require_grad();
        let labels = Tensor::from_ints([0, 0, 1], &Device::flex());
        let loss = circle(&Labeled::new(rows.clone(), labels), None, &CONFIG);
        let found = to_f64_vec(rows.grad(&loss.backward()).unwrap());
        // The first row turns by its second coordinate: its distances 0.4 and 1 change by −0.8, −1.
        // Both are those of an anchor; the second row's positive is the first row, at 0.4.
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (pull, push) = (5.0 * 0.7, 5.0 * 0.3);
        let near = sigmoid(pull * 0.1) * pull * -0.8;
        let apart = sigmoid(push * -0.3) * push;
        assert_close(found[1], (2.0 * near + apart) / 3.0, 1e-5);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let (batch, memory) = (labeled([[1., 0.]], [0]), labeled([[1., 0., 0.]], [0]));
        let _ = circle(&batch, Some(&memory), &CONFIG);
    }
}
