//! Soft nearest neighbor: the neighbors of a row are of its class.

use burn::tensor::Tensor;

use crate::labeled::{Pairs, log_sum_exp};
use crate::{Distance, Labeled};

/// Added to the share of the class, as in TensorFlow Similarity, which bounds the loss.
const EPSILON: f64 = 1e-9;

/// Settings of [`soft_nearest_neighbor`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftNearestNeighborLossConfig {
    /// The distance of two rows.
    pub distance: Distance,
    /// T, above 0, in units of the distance: the size of a neighborhood.
    pub temperature: f64,
}

impl Default for SoftNearestNeighborLossConfig {
    /// Returns squared Euclidean distance, temperature 1 (TensorFlow Similarity).
    fn default() -> Self {
        Self { distance: Distance::SquaredEuclidean, temperature: 1.0 }
    }
}

/// Returns the negative log of the share of each anchor's class among its neighbors.
///
/// ```text
/// loss = mean of −log(1e-9 + Σ_p e^(−d_p/T) / Σⱼ e^(−dⱼ/T))
/// ```
/// Every row of the batch is an anchor; keys `j` are the batch, without the anchor itself, and the
/// memory, `p` those of the anchor's class. Anchors without a positive add 0 to the mean.
///
/// # Shapes
/// - `batch`, `memory`: as for [`triplet`](crate::triplet)
/// - output: `[1]`, from −1e-9 to 21
///
/// # Panics
/// If the memory's rows are not as wide as the batch's, or the temperature is not above 0.
///
/// # Source
/// Frosst et al., 2019, [arXiv:1902.01889](https://arxiv.org/abs/1902.01889), eq. 1.
/// Deviation: the 1e-9 in the logarithm, which TensorFlow Similarity also has.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Labeled, SoftNearestNeighborLossConfig, soft_nearest_neighbor};
///
/// // One of two neighbors at the same distance is of the class.
/// let device = Device::flex();
/// let rows = Tensor::from_floats([[0.0], [1.0], [-1.0]], &device);
/// let batch = Labeled::new(rows, Tensor::from_ints([0, 0, 1], &device));
/// let loss = soft_nearest_neighbor(&batch, None, &SoftNearestNeighborLossConfig::default());
/// let other = (1.0 + (-3.0_f32).exp()).ln(); // the second row's neighbors are at 1 and 4
/// assert!((loss.into_scalar::<f32>() - (2.0_f32.ln() + other) / 3.0).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn soft_nearest_neighbor(
    batch: &Labeled,
    memory: Option<&Labeled>,
    config: &SoftNearestNeighborLossConfig,
) -> Tensor<1> {
    let SoftNearestNeighborLossConfig { distance, temperature } = *config;
    assert!(
        temperature > 0.0,
        "soft_nearest_neighbor needs a temperature above 0, got {temperature}"
    );
    let pairs = Pairs::new("soft_nearest_neighbor", batch, memory);
    let nearness = pairs.distances(distance) / -temperature;
    let others = pairs.positives.clone().bool_or(pairs.negatives.clone());
    let class = log_sum_exp(nearness.clone(), pairs.positives.clone());
    let all = log_sum_exp(nearness, others);
    let counts = pairs.positives.clone().any_dim(1);
    // Without a positive the value is not used, and must only be finite.
    let share = (class - all).clamp_max(0.0).exp();
    pairs.mean(-(share + EPSILON).log(), counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::{batch, classes, images, labeled};
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};

    fn config(temperature: f64) -> SoftNearestNeighborLossConfig {
        SoftNearestNeighborLossConfig { temperature, ..SoftNearestNeighborLossConfig::default() }
    }

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        soft_nearest_neighbor(&batch(a, b, images), None, &config(3.0))
    }

    /// The formula, anchor by anchor.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>], temperature: f64) -> f64 {
        let rows: Vec<&Vec<f64>> = a.iter().chain(b).collect();
        let class = |i: usize| classes(i, a.len());
        let mut total = 0.0;
        for i in 0..rows.len() {
            let near = |j: usize| {
                let squares = rows[i].iter().zip(rows[j]).map(|(x, y)| (x - y).powi(2));
                (-squares.sum::<f64>() / temperature).exp()
            };
            let others = || (0..rows.len()).filter(|&j| j != i);
            let same = || others().filter(|&j| class(j) == class(i));
            if same().next().is_some() {
                let share = same().map(near).sum::<f64>() / others().map(near).sum::<f64>();
                total -= (1e-9 + share).ln();
            }
        }
        total / rows.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula_at_every_temperature(pair in Pair::any(), which in 0_usize..7) {
            let loss: [fn(Tensor<2>, Tensor<2>) -> Tensor<1>; 7] = [
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(0.1)),
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(0.5)),
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(1.0)),
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(2.0)),
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(5.0)),
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(10.0)),
                |a, b| soft_nearest_neighbor(&batch(a, b, classes), None, &config(50.0)),
            ];
            let temperature = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0][which];
            let want = naive(&pair.a, &pair.b, temperature);
            // At a temperature of 0.1 the plain formula itself may divide 0 by 0.
            if want.is_finite() {
                assert_close(value(loss[which], &pair), want, 1e-9);
            }
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().extremes(1);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let (batch, memory) = (labeled([[1., 0.]], [0]), labeled([[1., 0., 0.]], [0]));
        let _ = soft_nearest_neighbor(&batch, Some(&memory), &config(1.0));
    }
}
