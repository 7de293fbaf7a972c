//! MoCo: contrast a query with its key and a queue of older keys.

use burn::tensor::Tensor;
use selfsame_kernels::loss::Excluded;

use crate::ops::contrast::{check_temperature, cosines};
use crate::ops::custom_gradient::custom_gradient;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::log_sum_exp::LogSumExp;
use crate::ops::shapes::paired_dims;

/// Settings of [`moco`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MocoLossConfig {
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for MocoLossConfig {
    /// Returns temperature 0.2 (MoCo v2; 0.07 in MoCo v1).
    fn default() -> Self {
        Self { temperature: 0.2 }
    }
}

/// Returns the cross-entropy of finding each query's key among the key and the negatives.
///
/// ```text
/// loss = mean over i of  −s(qᵢ, kᵢ)/τ + log( exp(s(qᵢ, kᵢ)/τ) + Σₙ exp(s(qᵢ, n)/τ) )
/// ```
/// `s` is the cosine of two rows. Keys and negatives are constants. Other keys of the batch are not
/// negatives. The negatives are usually the rows of a [`Queue`](crate::Queue) to which the keys are
/// pushed after the step; gathered or cached rows also work. Memory grows with the number of rows.
///
/// # Shapes
/// - `query`: `[batch, dim]`, the online network's embedding of one view, any length
/// - `key`: `[batch, dim]`, the momentum network's embedding of the other view, any length
/// - `negatives`: `[count, dim]`, `count` ≥ 1, any length
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the shapes differ or are empty, or the temperature is not above 0.
///
/// # Source
/// He et al., 2019, [arXiv:1911.05722](https://arxiv.org/abs/1911.05722), eq. 1.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MocoLossConfig, Queue, moco};
///
/// let view = Tensor::<2>::eye(2, &Device::flex());
/// let mut queue = Queue::new(2, 2, 7, &Device::flex());
/// queue.push(view.clone() * -1.0);
/// // The key at cosine 1, one negative at −1 and one at 0.
/// let config = MocoLossConfig { temperature: 1.0 };
/// let loss = moco(view.clone(), view.clone(), queue.rows(), &config);
/// let want = (1.0 + (-1.0_f32).exp() + (-2.0_f32).exp()).ln();
/// assert!((loss.into_scalar::<f32>() - want).abs() < 1e-6);
/// queue.push(view);
/// ```
#[must_use]
#[track_caller]
pub fn moco(
    query: Tensor<2>,
    key: Tensor<2>,
    negatives: Tensor<2>,
    config: &MocoLossConfig,
) -> Tensor<1> {
    let temperature = config.temperature;
    check_temperature("moco", temperature);
    let [batch, dim] = paired_dims("moco", &query, &key);
    let found = negatives.dims();
    assert!(
        found[0] > 0 && found[1] == dim,
        "moco: negatives of shape {found:?} for queries of {:?}",
        [batch, dim]
    );
    let query = l2_normalize(query);
    let positives = cosines(query.clone(), l2_normalize(key.inner())) * temperature.recip();
    let negatives = Some(l2_normalize(negatives.inner()));
    let sums = LogSumExp::new(query, negatives, Excluded::None, temperature);

    // log(eᵖ + eᴸ), and the share of each.
    let (positive, negative) = (positives.clone().inner(), sums.values());
    let largest = positive.clone().max_pair(negative.clone());
    let both =
        (positive.clone() - largest.clone()).exp() + (negative.clone() - largest.clone()).exp();
    let total = both.log() + largest;
    let share = |scores: Tensor<1>| (scores - total.clone()).exp();
    let value = (total.clone() - positive.clone()).mean();
    let loss = sums.weighted(value.clone(), share(negative) / batch as f64);
    loss + custom_gradient(positives, value.zeros_like(), || (share(positive) - 1.0) / batch as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{
        Pair, assert_close, cosine, finite_differences, laws, mean, ramp, ramp_rows, value,
    };
    use burn::tensor::Device;

    /// View b as keys, and three negatives that depend on the columns alone.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let [_, columns] = a.dims();
        let negatives = ramp(&Tensor::zeros([3, columns], (&a.device(), a.dtype())));
        moco(a, b, negatives, &MocoLossConfig { temperature: 0.3 })
    }

    fn naive(pair: &Pair) -> f64 {
        let negatives = ramp_rows(3, pair.a[0].len());
        mean(pair.a.iter().zip(&pair.b).map(|(query, key)| {
            let positive = cosine(query, key) / 0.3;
            let sum = negatives.iter().map(|n| (cosine(query, n) / 0.3).exp()).sum::<f64>();
            (positive.exp() + sum).ln() - positive
        }))
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair), 1e-10);
        }
    }

    #[test]
    fn obeys_the_laws() {
        let fixed: crate::laws::Loss = |a, b| {
            let (key_a, key_b) = (a.ones_like(), b.ones_like());
            let negatives = ramp(&a);
            let way = |query, key| moco(query, key, negatives.clone(), &MocoLossConfig::default());
            way(a, key_a) + way(b, key_b)
        };
        finite_differences(fixed);
        laws(fixed).permutation().symmetry().scale().precision().extremes(1);
        laws(loss).permutation().scale().shapes();
    }

    /// The loss in single precision, and its gradient with respect to the queries.
    fn single(query: &Tensor<2>, negatives: Tensor<2>) -> (f32, Vec<f32>) {
        let query = query.clone().autodiff().require_grad();
        let key = ramp(&Tensor::zeros([5, 4], &Device::flex())).flip([0]);
        let loss = moco(query.clone(), key, negatives, &MocoLossConfig::default());
        let gradient = query.grad(&loss.clone().backward()).unwrap();
        (loss.into_scalar(), gradient.into_data().try_to_vec().unwrap())
    }

    #[test]
    fn long_negatives_are_as_good_as_short_ones_and_nan_is_not_hidden() {
        let rows = |count: usize| ramp(&Tensor::zeros([count, 4], &Device::flex()));
        let (query, negatives) = (rows(5), rows(300).flip([1]));
        let (want, wanted) = single(&query, negatives.clone());
        for length in [1e-20, 1e20] {
            let (found, gradient) = single(&query, negatives.clone() * length);
            assert_close(found.into(), want.into(), 1e-6);
            for (found, want) in gradient.into_iter().zip(&wanted) {
                assert_close(found.into(), (*want).into(), 1e-6);
            }
        }
        let unknown = Tensor::<2>::full([1, 1], f32::NAN, &Device::flex());
        let with_nan = |rows: &Tensor<2>| rows.clone().slice_assign([1..2, 1..2], unknown.clone());
        let (loss, gradient) = single(&with_nan(&query), negatives.clone());
        assert!(loss.is_nan() && gradient[4..8].iter().all(|x| x.is_nan()), "{gradient:?}");
        let (loss, gradient) = single(&query, with_nan(&negatives));
        assert!(loss.is_nan() && gradient.iter().all(|x| x.is_nan()), "{gradient:?}");
    }

    #[test]
    #[should_panic(expected = "negatives of shape [0, 3] for queries of [2, 3]")]
    fn no_negatives_are_named() {
        let device = Device::flex();
        let view = Tensor::<2>::ones([2, 3], &device);
        let _ =
            moco(view.clone(), view, Tensor::zeros([0, 3], &device), &MocoLossConfig::default());
    }
}
