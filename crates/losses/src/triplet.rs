//! Triplet loss: every row is nearer to its class than to the others, by a margin.

use burn::tensor::{Int, Tensor};

use crate::labeled::Pairs;
use crate::{Distance, Labeled, NegativeMining, PositiveMining};

/// Settings of [`triplet`] and [`pn`](crate::pn).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripletLossConfig {
    /// The distance of two rows.
    pub distance: Distance,
    /// The choice of the positive.
    pub positives: PositiveMining,
    /// The choice of the negative.
    pub negatives: NegativeMining,
    /// The margin by which the negative is farther, in units of the distance; `None` for a soft
    /// margin, whose gradient never vanishes.
    pub margin: Option<f64>,
}

impl Default for TripletLossConfig {
    /// Returns cosine distance, hard positives, semi-hard negatives, soft margin (TensorFlow
    /// Similarity).
    fn default() -> Self {
        Self {
            distance: Distance::Cosine,
            positives: PositiveMining::Hard,
            negatives: NegativeMining::SemiHard,
            margin: None,
        }
    }
}

/// Returns the distance of each anchor to its positive, minus that to its negative.
///
/// ```text
/// loss = mean of max(0, d(a, p) − d(a, n) + margin)      or, with a soft margin, of log(1 + e^(d(a, p) − d(a, n)))
/// ```
/// Every row of the batch is an anchor; `p` and `n` are mined from the batch, without the anchor
/// itself, and the memory. The choice of rows is a constant. Anchors without a positive or without
/// a negative add 0 to the mean. Where a hinge is exactly 0 its slope is 1,
/// as for `torch.clamp`; that of `torch.relu` is 0.
///
/// # Shapes
/// - `batch`: rows and labels, several rows of each class
/// - `memory`: more keys, for example of a [`CrossBatchMemory`](crate::CrossBatchMemory) or of
///   other devices
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the memory's rows are not as wide as the batch's.
///
/// # Source
/// Schroff et al., 2015, [arXiv:1503.03832](https://arxiv.org/abs/1503.03832), eq. 1 to 4; the soft
/// margin: Hermans et al., 2017, [arXiv:1703.07737](https://arxiv.org/abs/1703.07737).
/// Deviation: as in TensorFlow Similarity, a semi-hard negative lies beyond the farthest positive,
/// whichever positive is mined.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Labeled, TripletLossConfig, triplet};
///
/// // Equal rows of a class, the other class at right angles: log(1 + 1/e) is left.
/// let device = Device::flex();
/// let rows = Tensor::from_floats([[1., 0.], [1., 0.], [0., 1.], [0., 1.]], &device);
/// let batch = Labeled::new(rows, Tensor::from_ints([0, 0, 1, 1], &device));
/// let loss = triplet(&batch, None, &TripletLossConfig::default()).into_scalar::<f32>();
/// assert!((loss - 0.313_261_7).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn triplet(batch: &Labeled, memory: Option<&Labeled>, config: &TripletLossConfig) -> Tensor<1> {
    let pairs = Pairs::new("triplet", batch, memory);
    let mined = mine(&pairs, config);
    pairs.mean(hinge(&mined, mined.apart.clone(), config.margin), pairs.complete())
}

/// Each anchor's positive and negative.
pub(crate) struct Mined {
    pub(crate) positive: Tensor<2>,
    pub(crate) negative: Tensor<2>,
    /// `[anchors, 1]`: distances to the positive and to the negative.
    pub(crate) near: Tensor<2>,
    pub(crate) apart: Tensor<2>,
}

pub(crate) fn mine(pairs: &Pairs, config: &TripletLossConfig) -> Mined {
    let distance = config.distance;
    // Mining needs all distances; only the mined ones have a graph.
    let all = distance.pairwise(pairs.anchors.clone().inner(), pairs.keys.clone().inner());
    let row = |places: Tensor<1, Int>| pairs.keys.clone().select(0, places);
    let positive = row(config.positives.pick(&all, pairs));
    let negative = row(config.negatives.pick(&all, pairs));
    let near = distance.rowwise(pairs.anchors.clone(), positive.clone());
    let apart = distance.rowwise(pairs.anchors.clone(), negative.clone());
    Mined { positive, negative, near, apart }
}

/// Returns the loss of each anchor, `[anchors, 1]`, for these distances to its negative.
pub(crate) fn hinge(mined: &Mined, apart: Tensor<2>, margin: Option<f64>) -> Tensor<2> {
    let lag = mined.near.clone() - apart;
    let Some(margin) = margin else {
        let largest = lag.clone().inner().clamp_min(0.0); // a constant: it cancels
        let sum = (lag - largest.clone()).exp() + (-largest.clone()).exp();
        return sum.log() + largest;
    };
    (lag + margin).clamp_min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::{batch, classes, corners, images, labeled, near_and_apart};
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use crate::ops::custom_gradient::to_f64_vec;
    use NegativeMining::{Easy, Hard, SemiHard};
    use burn::tensor::Device;

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        triplet(&batch(a, b, images), None, &TripletLossConfig::default())
    }

    fn config(positives: PositiveMining, negatives: NegativeMining) -> TripletLossConfig {
        TripletLossConfig {
            positives,
            negatives,
            margin: Some(1.0),
            ..TripletLossConfig::default()
        }
    }

    /// The formula with semi-hard negatives, anchor by anchor.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let anchors = near_and_apart(a, b);
        let mut total = 0.0;
        for [positives, negatives] in &anchors {
            if positives.is_empty() || negatives.is_empty() {
                continue;
            }
            let positive = positives.iter().fold(f64::MIN, |x, y| x.max(*y));
            let beyond =
                negatives.iter().filter(|n| **n > positive).fold(f64::MAX, |x, y| x.min(*y));
            let farthest = negatives.iter().fold(f64::MIN, |x, y| x.max(*y));
            let negative = if beyond < f64::MAX { beyond } else { farthest };
            total += (positive - negative).exp().ln_1p();
        }
        total / anchors.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            // With one column all distances are 0 or 2, and rounding chooses among equals.
            if pair.a[0].len() > 1 {
                let loss = |a, b| triplet(&batch(a, b, classes), None, &TripletLossConfig::default());
                assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
            }
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().extremes(1);
        laws(|a, b| {
            let config = TripletLossConfig {
                distance: Distance::SquaredEuclidean,
                ..config(PositiveMining::Easy, Hard)
            };
            triplet(&batch(a, b, images), None, &config)
        })
        .permutation()
        .extremes(1);
    }

    #[test]
    fn right_and_wrong_batches_have_the_known_values() {
        let known = |right, margin, want: f64| {
            let config = TripletLossConfig { margin, ..TripletLossConfig::default() };
            let found = triplet(&corners(32, right), None, &config).into_scalar::<f32>();
            assert_close(f64::from(found), want, 1e-5);
        };
        known(true, None, 0.313_261_69);
        known(true, Some(1.1), 0.1);
        known(false, None, std::f64::consts::LN_2);
        known(false, Some(1.0), 1.0);
    }

    #[test]
    fn easy_and_hard_rows_are_mined() {
        let rows = [[1., 0.], [1., 0.], [0., 1.], [0., 1.], [0., 1.], [1., 0.]];
        let batch = labeled(rows, [0, 0, 0, 1, 1, 1]);
        let found = |config| f64::from(triplet(&batch, None, &config).into_scalar::<f32>());
        assert_close(found(config(PositiveMining::Easy, Easy)), 1.0 / 3.0, 1e-5);
        assert_close(found(config(PositiveMining::Hard, Hard)), 2.0, 1e-5);
    }

    #[test]
    fn semi_hard_rows_are_mined() {
        let rows = [[1., 0.], [0.5, 0.866_025_4], [0., 1.], [0.010_100_49, 0.999_949]];
        let pairs = Pairs::new("triplet", &labeled(rows, [0, 0, 1, 1]), None);
        let mined = mine(&pairs, &config(PositiveMining::Easy, SemiHard));
        let found = to_f64_vec(hinge(&mined, mined.apart.clone(), Some(1.0)));
        for (found, want) in found.into_iter().zip([0.51, 1.366, 0.866, 0.871]) {
            assert_close(found, want, 1e-3); // known to three digits
        }
    }

    #[test]
    fn a_memory_offers_more_keys() {
        let batch = labeled([[1., 0.], [1., 0.]], [0, 0]);
        let alone = triplet(&batch, None, &TripletLossConfig::default()).into_scalar::<f32>();
        let memory = labeled([[0., 1.]], [1]);
        let more =
            triplet(&batch, Some(&memory), &TripletLossConfig::default()).into_scalar::<f32>();
        assert!(alone.abs() < 1e-7 && (more - 0.313_261_7).abs() < 1e-5);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let (batch, memory) = (labeled([[1., 0.]], [0]), labeled([[1., 0., 0.]], [0]));
        let _ = triplet(&batch, Some(&memory), &TripletLossConfig::default());
    }
    /// Equal rows of a class, the other class at a distance of exactly the margin.
    #[test]
    fn the_slope_at_the_hinge_itself_is_1() {
        let device = Device::flex().autodiff();
        let rows = [[0.0], [0.0], [2.0], [2.0]];
        let rows = Tensor::<2>::from_floats(rows, &device).require_grad();
        let batch = Labeled::new(rows.clone(), Tensor::from_ints([0, 0, 1, 1], &device));
        let config = TripletLossConfig {
            distance: Distance::Manhattan,
            margin: Some(2.0),
            ..TripletLossConfig::default()
        };
        let loss = triplet(&batch, None, &config);
        assert_eq!(to_f64_vec(loss.clone()), [0.0]);
        // Each anchor pushes its negative, and itself, by a quarter.
        let gradient = to_f64_vec(rows.grad(&loss.backward()).unwrap());
        assert_eq!(gradient.iter().sum::<f64>(), 0.0);
        assert_eq!(gradient[0] + gradient[1], 1.0);
    }
}
