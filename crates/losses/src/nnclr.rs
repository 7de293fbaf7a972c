//! NNCLR: the nearest neighbor among earlier embeddings replaces one view.

use burn::tensor::{Int, Tensor};

use crate::ops::info_nce::info_nce;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::shapes::paired_dims;

/// Settings of [`nnclr`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NnclrLossConfig {
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for NnclrLossConfig {
    /// Returns temperature 0.1 (paper).
    fn default() -> Self {
        Self { temperature: 0.1 }
    }
}

/// Returns the cross-entropy of finding the other view's prediction from each embedding's nearest
/// neighbor.
///
/// ```text
/// loss = ½ CE(sg n_a, p_b) + ½ CE(sg n_b, p_a)
/// CE   = mean over i of  −s(i, i)/τ + log Σₖ exp(s(i, k)/τ)
/// ```
/// `s` is the cosine of neighbor `i` and prediction `k`; `k` runs over the batch. `n` comes from
/// [`nearest`]; it is a constant. Memory grows with the number of rows.
///
/// # Shapes
/// - `neighbor_a`, `neighbor_b`: `[batch, dim]`, the neighbor of each view's embedding
/// - `prediction_a`, `prediction_b`: `[batch, dim]`, the predictor's output for each view
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or the temperature is not above 0.
///
/// # Source
/// Dwibedi et al., 2021, [arXiv:2104.14548](https://arxiv.org/abs/2104.14548), eq. 3.
/// Deviation: symmetric in the views, as the paper trains; the denominator is over predictions
/// alone.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{NnclrLossConfig, Queue, nearest, nnclr};
///
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let mut support = Queue::new(2, 2, 7, &Device::flex());
/// support.push(view.clone() * 3.0);
/// let neighbor = nearest(view.clone() * 0.5, support.rows());
/// let config = NnclrLossConfig { temperature: 1.0 };
/// let loss = nnclr(neighbor.clone(), neighbor, view.clone(), view, &config);
/// let want = (1.0 + (-1.0_f32).exp()).ln();
/// assert!((loss.into_scalar::<f32>() - want).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn nnclr(
    neighbor_a: Tensor<2>,
    neighbor_b: Tensor<2>,
    prediction_a: Tensor<2>,
    prediction_b: Tensor<2>,
    config: &NnclrLossConfig,
) -> Tensor<1> {
    let way = |neighbor: Tensor<2>, prediction: Tensor<2>| {
        paired_dims("nnclr", &neighbor, &prediction);
        info_nce("nnclr", neighbor.inner(), prediction, 0, config.temperature)
    };
    (way(neighbor_a, prediction_b) + way(neighbor_b, prediction_a)) * 0.5
}

/// Rows of the support set that are scored at a time.
const TILE: usize = 4096;

/// Returns for each row the row of `support` with the largest cosine, the first of equal ones.
///
/// The result is a constant: no gradient flows. The support set is usually the rows of a
/// [`Queue`](crate::Queue) to which the embeddings of one view are pushed after the step.
///
/// # Shapes
/// - `rows`: `[batch, dim]`; `support`: `[count, dim]`, `count` ≥ 1; any length
/// - output: `[batch, dim]`, rows of `support`, not normalized
///
/// # Panics
/// If the columns differ or the support set is empty.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::nearest;
///
/// let device = Device::flex();
/// let support = Tensor::<2>::from_floats([[0.0, 9.0], [5.0, 1.0]], &device);
/// let found = nearest(Tensor::from_floats([[1.0, 0.1]], &device), support);
/// assert_eq!(found.into_data().try_to_vec::<f32>().unwrap(), [5.0, 1.0]);
/// ```
#[must_use]
#[track_caller]
pub fn nearest(rows: Tensor<2>, support: Tensor<2>) -> Tensor<2> {
    let (support, rows) = (support.inner(), l2_normalize(rows.inner()));
    let (found, wanted) = (support.dims(), rows.dims());
    assert!(
        found[0] > 0 && found[1] == wanted[1],
        "nearest: a support set of shape {found:?} for rows of {wanted:?}"
    );
    let candidates = l2_normalize(support.clone());
    let mut best: Option<(Tensor<2>, Tensor<2, Int>)> = None;
    for start in (0..found[0]).step_by(TILE) {
        let some = candidates.clone().narrow(0, start, TILE.min(found[0] - start));
        let (score, place) = rows.clone().matmul(some.transpose()).max_dim_with_indices(1);
        let place = place + start as i64;
        best = Some(match best {
            None => (score, place),
            Some((highest, first)) => {
                let nearer = score.clone().greater(highest.clone());
                (highest.mask_where(nearer.clone(), score), first.mask_where(nearer, place))
            }
        });
    }
    match best {
        Some((_, places)) => support.select(0, places.reshape([wanted[0]])),
        None => support,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{
        Pair, assert_close, cosine, finite_differences, laws, mean, ramp, ramp_rows, value,
    };
    use burn::tensor::{Device, Distribution};

    /// Fixed neighbors, so that only learned rows vary.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let [n_a, n_b] = [ramp(&a), ramp(&b)];
        nnclr(n_a, n_b, a, b, &NnclrLossConfig { temperature: 0.3 })
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            let rows = pair.a.len();
            let anchors = ramp_rows(rows, pair.a[0].len());
            let way = |predictions: &[Vec<f64>]| mean((0..rows).map(|i| {
                let score = |k: usize| cosine(&anchors[i], &predictions[k]) / 0.3;
                (0..rows).map(|k| score(k).exp()).sum::<f64>().ln() - score(i)
            }));
            let want = mean([way(&pair.a), way(&pair.b)]);
            assert_close(value(loss, &pair), want, 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).symmetry().scale().precision().extremes(1);
        let own: crate::laws::Loss =
            |a, b| nnclr(a.clone(), b.clone(), a, b, &NnclrLossConfig::default());
        laws(own).permutation().symmetry().scale().collapse().shapes();
    }

    #[test]
    fn the_nearest_is_found_across_tiles() {
        let device = Device::flex();
        let support = Tensor::<2>::random([TILE + 9, 3], Distribution::Normal(0.0, 1.0), &device);
        for place in [0, 7, TILE - 1, TILE, TILE + 8] {
            let row = support.clone().narrow(0, place, 1);
            let found = nearest(row.clone() * 0.5, support.clone());
            found.into_data().assert_eq(&row.into_data(), true);
        }
    }

    #[test]
    #[should_panic(expected = "a support set of shape [0, 3] for rows of [2, 3]")]
    fn an_empty_support_set_is_named() {
        let device = Device::flex();
        let _ = nearest(Tensor::ones([2, 3], &device), Tensor::zeros([0, 3], &device));
    }
}
