//! MoCo v3: contrast the queries of one view with the momentum keys of the other, within the batch.

use burn::tensor::Tensor;

use crate::ops::info_nce::info_nce;

/// Settings of [`moco_v3`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MocoV3LossConfig {
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for MocoV3LossConfig {
    /// Returns temperature 0.2 (official code, for a vision transformer; 1.0 for its ResNet-50).
    fn default() -> Self {
        Self { temperature: 0.2 }
    }
}

/// Returns the cross-entropy of finding each query's key among the keys of the batch, in both
/// directions, times 2τ.
///
/// ```text
/// loss = 2τ (CE(q_a, sg k_b) + CE(q_b, sg k_a))
/// CE   = mean over i of  −s(i, i)/τ + log Σₖ exp(s(i, k)/τ)
/// ```
/// `s` is the cosine of a query and a key; `k` runs over all keys, the positive among them. `sg` is
/// stop-gradient. The loss is summed over the two directions. Memory grows with the number of rows,
/// as for [`nt_xent`](crate::nt_xent()).
///
/// # Shapes
/// - `query_a`, `query_b`: `[batch, dim]`, the predictor's output for each view, any length
/// - `key_a`, `key_b`: `[batch, dim]`, the momentum projector's output for each view, any length
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or the temperature is not above 0.
///
/// # Source
/// Chen et al., 2021, [arXiv:2104.02057](https://arxiv.org/abs/2104.02057), algorithm 1.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MocoV3LossConfig, moco_v3};
///
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let config = MocoV3LossConfig { temperature: 1.0 };
/// let loss = moco_v3(view.clone(), view.clone(), view.clone(), view, &config);
/// let want = 4.0 * (1.0 + (-1.0_f32).exp()).ln();
/// assert!((loss.into_scalar::<f32>() - want).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn moco_v3(
    query_a: Tensor<2>,
    query_b: Tensor<2>,
    key_a: Tensor<2>,
    key_b: Tensor<2>,
    config: &MocoV3LossConfig,
) -> Tensor<1> {
    moco_v3_gathered(query_a, query_b, key_a, key_b, 0, config)
}

/// Returns [`moco_v3`] of this worker's queries, with the keys of all workers.
///
/// # Shapes
/// - `query_a`, `query_b`: `[batch, dim]`
/// - `key_a`, `key_b`: `[all, dim]`; the key of query `i` is row `first + i`
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// As [`moco_v3`], and if the queries have no partners among the keys.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MocoV3LossConfig, moco_v3, moco_v3_gathered};
///
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let (row, config) = (view.clone().slice([2..3]), MocoV3LossConfig::default());
/// let one = moco_v3_gathered(row.clone(), row, view.clone(), view.clone(), 2, &config);
/// let whole = moco_v3(view.clone(), view.clone(), view.clone(), view, &config);
/// assert!((one - whole).into_scalar::<f32>().abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn moco_v3_gathered(
    query_a: Tensor<2>,
    query_b: Tensor<2>,
    key_a: Tensor<2>,
    key_b: Tensor<2>,
    first: usize,
    config: &MocoV3LossConfig,
) -> Tensor<1> {
    let way =
        |query, key: Tensor<2>| info_nce("moco_v3", query, key.inner(), first, config.temperature);
    (way(query_a, key_b) + way(query_b, key_a)) * (2.0 * config.temperature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{
        Pair, assert_close, cosine, finite_differences, laws, mean, ramp, ramp_rows, value,
    };
    use burn::tensor::Device;

    /// Fixed keys, so that only learned rows vary.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let [key_a, key_b] = [ramp(&a), ramp(&b)];
        moco_v3(a, b, key_a, key_b, &MocoV3LossConfig { temperature: 0.3 })
    }

    fn naive(pair: &Pair) -> f64 {
        let rows = pair.a.len();
        let keys = ramp_rows(rows, pair.a[0].len());
        let way = |queries: &[Vec<f64>]| {
            mean((0..rows).map(|i| {
                let score = |k: usize| cosine(&queries[i], &keys[k]) / 0.3;
                (0..rows).map(|k| score(k).exp()).sum::<f64>().ln() - score(i)
            }))
        };
        0.6 * (way(&pair.a) + way(&pair.b))
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair), 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).symmetry().scale().precision().extremes(1);
        let own: crate::laws::Loss =
            |a, b| moco_v3(a.clone(), b.clone(), a, b, &MocoV3LossConfig::default());
        laws(own).permutation().symmetry().scale().collapse().shapes();
    }

    #[test]
    fn keys_get_no_gradient() {
        let device = Device::flex().autodiff();
        let q = Tensor::<2>::from_floats([[1.0, 2.0], [2.0, 0.0]], &device).require_grad();
        let k = Tensor::<2>::from_floats([[2.0, 1.0], [0.5, 3.0]], &device).require_grad();
        let config = MocoV3LossConfig::default();
        let loss = moco_v3(q.clone(), q.clone(), k.clone(), k.clone(), &config);
        let gradients = loss.backward();
        assert!(q.grad(&gradients).is_some() && k.grad(&gradients).is_none());
    }
}
