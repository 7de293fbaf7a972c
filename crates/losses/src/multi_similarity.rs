//! Multi-similarity: weight every pair by its similarity relative to the anchor's other pairs.

use burn::tensor::Tensor;

use crate::labeled::{Pairs, log_one_plus_sum_exp};
use crate::{Distance, Labeled};

/// Settings of [`multi_similarity`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiSimilarityLossConfig {
    /// The distance of two rows.
    pub distance: Distance,
    /// α, above 0: the weight of the farthest positives over the others.
    pub alpha: f64,
    /// β, above 0: the weight of the nearest negatives over the others.
    pub beta: f64,
    /// ε: pairs easier by more than this than the hardest pair of the other kind are excluded.
    pub epsilon: f64,
    /// The distance at which a pair starts to count: positives beyond it, negatives within.
    pub boundary: f64,
}

impl Default for MultiSimilarityLossConfig {
    /// Returns cosine distance, alpha 2, beta 40, epsilon 0.1, boundary 0.5 (TensorFlow Similarity,
    /// which writes it as `center − λ = 1 − 0.5`; the paper has beta 50).
    fn default() -> Self {
        let distance = Distance::Cosine;
        Self { distance, alpha: 2.0, beta: 40.0, epsilon: 0.1, boundary: 0.5 }
    }
}

/// Returns soft maxima of each anchor's hard positives and hard negatives.
///
/// ```text
/// loss = mean of log(1 + Σ_p e^(α (d_p − b)))/α + log(1 + Σ_n e^(−β (d_n − b)))/β
/// p: positives with d_p > min d_n − ε          n: negatives with d_n < max d_p + ε
/// ```
/// Every row of the batch is an anchor; keys are the batch, without the anchor itself, and the
/// memory. The choice of pairs is a constant. Anchors without a chosen positive or negative add 0
/// to the mean.
///
/// # Shapes
/// - `batch`, `memory`: as for [`triplet`](crate::triplet)
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the memory's rows are not as wide as the batch's, or alpha or beta is not above 0.
///
/// # Source
/// Wang et al., 2019, [arXiv:1904.06627](https://arxiv.org/abs/1904.06627), on distances in
/// place of similarities as in TensorFlow Similarity. Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Labeled, MultiSimilarityLossConfig, multi_similarity};
///
/// // Classes that are far apart offer no hard pair.
/// let device = Device::flex();
/// let rows = Tensor::from_floats([[1., 0.], [1., 0.], [0., 1.], [0., 1.]], &device);
/// let loss = |labels: [i32; 4]| {
///     let batch = Labeled::new(rows.clone(), Tensor::from_ints(labels, &device));
///     multi_similarity(&batch, None, &MultiSimilarityLossConfig::default()).into_scalar::<f32>()
/// };
/// assert!(loss([0, 0, 1, 1]) == 0.0 && loss([0, 1, 0, 1]) > 1.0);
/// ```
#[must_use]
#[track_caller]
pub fn multi_similarity(
    batch: &Labeled,
    memory: Option<&Labeled>,
    config: &MultiSimilarityLossConfig,
) -> Tensor<1> {
    let MultiSimilarityLossConfig { distance, alpha, beta, epsilon, boundary } = *config;
    for sharpness in [alpha, beta] {
        assert!(sharpness > 0.0, "multi_similarity needs alpha and beta above 0, got {sharpness}");
    }
    let pairs = Pairs::new("multi_similarity", batch, memory);
    let distances = pairs.distances(distance);
    let fixed = distances.clone().inner();
    let farthest = fixed.clone().mask_fill(pairs.positives.clone().bool_not(), f32::NEG_INFINITY);
    let nearest = fixed.clone().mask_fill(pairs.negatives.clone().bool_not(), f32::INFINITY);
    let (farthest, nearest) = (farthest.max_dim(1) + epsilon, nearest.min_dim(1) - epsilon);
    let shape = fixed.dims();
    let positives = fixed.clone().greater(nearest.expand(shape)).bool_and(pairs.positives.clone());
    let negatives = fixed.lower(farthest.expand(shape)).bool_and(pairs.negatives.clone());
    let counts = positives.clone().any_dim(1).bool_and(negatives.clone().any_dim(1));

    let beyond = distances - boundary;
    let near = log_one_plus_sum_exp(beyond.clone() * alpha, positives) / alpha;
    let apart = log_one_plus_sum_exp(beyond * -beta, negatives) / beta;
    pairs.mean(near + apart, counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::{batch, classes, images, labeled, near_and_apart};
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};

    const CONFIG: MultiSimilarityLossConfig = MultiSimilarityLossConfig {
        distance: Distance::Cosine,
        alpha: 2.0,
        beta: 5.0,
        epsilon: 0.3,
        boundary: 0.4,
    };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        multi_similarity(&batch(a, b, images), None, &CONFIG)
    }

    /// The formula, anchor by anchor.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let anchors = near_and_apart(a, b);
        let mut total = 0.0;
        for [positives, negatives] in &anchors {
            let nearest = negatives.iter().fold(f64::INFINITY, |x, y| x.min(*y));
            let farthest = positives.iter().fold(f64::NEG_INFINITY, |x, y| x.max(*y));
            let near: Vec<f64> = positives.iter().copied().filter(|d| *d > nearest - 0.3).collect();
            let apart: Vec<f64> =
                negatives.iter().copied().filter(|d| *d < farthest + 0.3).collect();
            if !near.is_empty() && !apart.is_empty() {
                total += near.iter().map(|d| (2.0 * (d - 0.4)).exp()).sum::<f64>().ln_1p() / 2.0;
                total += apart.iter().map(|d| (-5.0 * (d - 0.4)).exp()).sum::<f64>().ln_1p() / 5.0;
            }
        }
        total / anchors.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            let loss = |a, b| multi_similarity(&batch(a, b, classes), None, &CONFIG);
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().extremes(1);
        laws(|a, b| {
            let config = MultiSimilarityLossConfig { distance: Distance::Euclidean, ..CONFIG };
            multi_similarity(&batch(a, b, images), None, &config)
        })
        .permutation()
        .extremes(1);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let (batch, memory) = (labeled([[1., 0.]], [0]), labeled([[1., 0., 0.]], [0]));
        let _ = multi_similarity(&batch, Some(&memory), &CONFIG);
    }
}
