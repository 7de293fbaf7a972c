//! PN loss: a triplet loss in which the positive also keeps away from the negative.

use burn::tensor::Tensor;

use crate::labeled::Pairs;
use crate::triplet::{hinge, mine};
use crate::{Labeled, TripletLossConfig};

/// Returns the distance of each anchor to its positive, minus that of the negative to the nearer of
/// the two.
///
/// ```text
/// loss = mean of max(0, d(a, p) − min(d(a, n), d(p, n)) + margin)
/// ```
/// Soft margin, mining, memory and anchors without a pair are as in [`triplet`](crate::triplet);
/// the settings and their defaults are the same.
///
/// # Shapes
/// - `batch`, `memory`: as for [`triplet`](crate::triplet)
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the memory's rows are not as wide as the batch's.
///
/// # Source
/// Szubert et al., 2019,
/// [doi:10.1038/s41598-019-45301-0](https://doi.org/10.1038/s41598-019-45301-0), as in TensorFlow
/// Similarity.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Labeled, TripletLossConfig, pn, triplet};
///
/// // The negative is far from the anchor [1, 0], but near its positive [0, 1].
/// let device = Device::flex();
/// let rows = Tensor::from_floats([[1., 0.], [0., 1.], [-0.6, 0.8]], &device);
/// let batch = Labeled::new(rows, Tensor::from_ints([0, 0, 1], &device));
/// let config = TripletLossConfig { margin: Some(1.0), ..TripletLossConfig::default() };
/// let (pn, triplet) = (pn(&batch, None, &config), triplet(&batch, None, &config));
/// assert!(pn.into_scalar::<f32>() > triplet.into_scalar::<f32>() + 0.1);
/// ```
#[must_use]
#[track_caller]
pub fn pn(batch: &Labeled, memory: Option<&Labeled>, config: &TripletLossConfig) -> Tensor<1> {
    let pairs = Pairs::new("pn", batch, memory);
    let mined = mine(&pairs, config);
    let other = config.distance.rowwise(mined.positive.clone(), mined.negative.clone());
    let nearer = mined.apart.clone().min_pair(other);
    pairs.mean(hinge(&mined, nearer, config.margin), pairs.complete())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::{batch, corners, images, labeled};
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use crate::{NegativeMining, PositiveMining};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        pn(&batch(a, b, images), None, &TripletLossConfig::default())
    }

    /// The formula for one positive each, anchor by anchor.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let (distances, _) = crate::labeled::samples::cosine_table(a, b);
        let rows = distances.len();
        let one = |i: usize| {
            let p = (i + a.len()) % rows;
            let positive = distances[i][p];
            let others = || (0..rows).filter(|&j| j != i && j != p);
            let beyond = others().filter(|&j| distances[i][j] > positive);
            let order = |x: &usize, y: &usize| distances[i][*x].total_cmp(&distances[i][*y]);
            let negative = beyond.min_by(order).or_else(|| others().max_by(order));
            let lag = |n: usize| positive - distances[i][n].min(distances[p][n]);
            negative.map_or(0.0, |n| lag(n).exp().ln_1p())
        };
        (0..rows).map(one).sum::<f64>() / rows as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            // With one column all distances are 0 or 2, and rounding chooses among equals.
            if pair.a[0].len() > 1 {
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
    fn right_and_wrong_batches_have_the_known_values() {
        let known = |right, margin, want: f64| {
            let config = TripletLossConfig { margin, ..TripletLossConfig::default() };
            let found = pn(&corners(4, right), None, &config).into_scalar::<f32>();
            assert_close(f64::from(found), want, 1e-5);
        };
        known(true, None, 0.313_261_69);
        known(true, Some(1.1), 0.1);
        known(false, None, 0.770_661_5);
        known(false, Some(1.0), 1.125);
    }

    #[test]
    fn easy_and_hard_rows_are_mined() {
        let rows = [[1., 0.], [1., 0.], [0., 1.], [0., 1.], [0., 1.], [1., 0.]];
        let batch = labeled(rows, [0, 0, 0, 1, 1, 1]);
        let found = |positives, negatives| {
            let config = TripletLossConfig {
                margin: Some(1.0),
                positives,
                negatives,
                ..TripletLossConfig::default()
            };
            f64::from(pn(&batch, None, &config).into_scalar::<f32>())
        };
        assert_close(found(PositiveMining::Easy, NegativeMining::Easy), 2.0 / 3.0, 1e-5);
        assert_close(found(PositiveMining::Hard, NegativeMining::Hard), 2.0, 1e-5);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let (batch, memory) = (labeled([[1., 0.]], [0]), labeled([[1., 0., 0.]], [0]));
        let _ = pn(&batch, Some(&memory), &TripletLossConfig::default());
    }
}
