//! Lifted structure: a positive pair is nearer than all negatives of both its rows.

use burn::tensor::Tensor;

use crate::labeled::{Pairs, log_one_plus_sum_exp};
use crate::{Distance, Labeled, PositiveMining};

/// Settings of [`lifted_structure`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiftedStructureLossConfig {
    /// The distance of two rows.
    pub distance: Distance,
    /// The choice of the positive.
    pub positives: PositiveMining,
    /// m: the margin by which negatives are farther, in units of the distance.
    pub margin: f64,
}

impl Default for LiftedStructureLossConfig {
    /// Returns cosine distance, hard positives, margin 1 (TensorFlow Similarity).
    fn default() -> Self {
        Self { distance: Distance::Cosine, positives: PositiveMining::Hard, margin: 1.0 }
    }
}

/// Returns the distance of each anchor to its positive, plus a soft maximum over the negatives of
/// both.
///
/// ```text
/// loss = mean of ½ [ log(1 + Σ_n e^(m − d(a, n)) + Σ_n e^(m − d(p, n))) + d(a, p) ]
/// ```
/// Every row of the batch is an anchor `a`; keys are the batch, without the anchor itself, and the
/// memory. The positive `p` is mined, which is a constant; `n` runs over all keys of other classes.
/// Anchors without a positive or without a negative add 0 to the mean.
///
/// # Shapes
/// - `batch`, `memory`: as for [`triplet`](crate::triplet)
/// - output: `[1]`, ≥ 0 for a distance that is nowhere negative
///
/// # Panics
/// If the memory's rows are not as wide as the batch's.
///
/// # Source
/// Song et al., 2015, [arXiv:1511.06452](https://arxiv.org/abs/1511.06452), eq. 4.
/// Deviation: as in TensorFlow Similarity, one positive for each anchor in place of all pairs, the
/// 1 in the logarithm in place of a hinge, and no square. Unlike there, the second sum is over the
/// negatives of the positive, as in the paper.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Labeled, LiftedStructureLossConfig, lifted_structure};
///
/// // Equal rows of a class, two negatives for each row at distance 1.
/// let device = Device::flex();
/// let rows = Tensor::from_floats([[1., 0.], [1., 0.], [0., 1.], [0., 1.]], &device);
/// let batch = Labeled::new(rows, Tensor::from_ints([0, 0, 1, 1], &device));
/// let loss = lifted_structure(&batch, None, &LiftedStructureLossConfig::default());
/// assert!((loss.into_scalar::<f32>() - 5.0_f32.ln() / 2.0).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn lifted_structure(
    batch: &Labeled,
    memory: Option<&Labeled>,
    config: &LiftedStructureLossConfig,
) -> Tensor<1> {
    let LiftedStructureLossConfig { distance, positives, margin } = *config;
    let pairs = Pairs::new("lifted_structure", batch, memory);
    let distances = pairs.distances(distance);
    let positive = positives.pick(&distances.clone().inner(), &pairs);
    let positive = pairs.keys.clone().select(0, positive);
    let near = distance.rowwise(pairs.anchors.clone(), positive.clone());
    // Anchor and positive are of one class, and have the same negatives.
    let beside = distance.pairwise(positive, pairs.keys.clone());
    let all = -Tensor::cat(vec![distances, beside], 1) + margin;
    let negatives = Tensor::cat(vec![pairs.negatives.clone(); 2], 1);
    let loss = (log_one_plus_sum_exp(all, negatives) + near) * 0.5;
    pairs.mean(loss, pairs.complete())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::{batch, classes, corners, cosine_table, images, labeled};
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};

    const CONFIG: LiftedStructureLossConfig = LiftedStructureLossConfig {
        distance: Distance::Cosine,
        positives: PositiveMining::Hard,
        margin: 0.7,
    };

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        lifted_structure(&batch(a, b, images), None, &CONFIG)
    }

    /// The formula, anchor by anchor.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let (distances, classes) = cosine_table(a, b);
        let rows = distances.len();
        let mut total = 0.0;
        for i in 0..rows {
            let positives = (0..rows).filter(|&j| j != i && classes[j] == classes[i]);
            let order = |x: &usize, y: &usize| distances[i][*x].total_cmp(&distances[i][*y]);
            let Some(p) = positives.max_by(order) else { continue };
            let negatives = (0..rows).filter(|&j| classes[j] != classes[i]);
            let near = |j: usize| (0.7 - distances[i][j]).exp() + (0.7 - distances[p][j]).exp();
            let sums: Vec<f64> = negatives.map(near).collect();
            if !sums.is_empty() {
                total += 0.5 * (sums.iter().sum::<f64>().ln_1p() + distances[i][p]);
            }
        }
        total / rows as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            // With one column all distances are 0 or 2, and rounding chooses among equals.
            if pair.a[0].len() > 1 {
                let loss = |a, b| lifted_structure(&batch(a, b, classes), None, &CONFIG);
                assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
            }
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().extremes(1);
    }

    #[test]
    fn right_and_wrong_batches_have_the_known_sums() {
        let known = |right, margin, want: f64| {
            let config =
                LiftedStructureLossConfig { margin, ..LiftedStructureLossConfig::default() };
            let found = lifted_structure(&corners(32, right), None, &config).into_scalar::<f32>();
            assert_close(f64::from(found) * 64.0, want, 1e-5);
        };
        known(true, 1.1, 157.681_67);
        known(true, 1.0, 64.0 * 2.414_156_913_757_324);
        known(false, 1.0, 187.373_93);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let (batch, memory) = (labeled([[1., 0.]], [0]), labeled([[1., 0., 0.]], [0]));
        let _ = lifted_structure(&batch, Some(&memory), &CONFIG);
    }
}
