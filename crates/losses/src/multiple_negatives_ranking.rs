//! Multiple negatives ranking: find each query's key among all keys.

use burn::tensor::Tensor;

use crate::ops::info_nce::info_nce;
use crate::ops::shapes::paired_dims;

/// Settings of [`multiple_negatives_ranking`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultipleNegativesRankingLossConfig {
    /// The factor of cosines, above 0: the reciprocal of a temperature.
    pub scale: f64,
}

impl Default for MultipleNegativesRankingLossConfig {
    /// Returns scale 20 (TensorFlow Similarity).
    fn default() -> Self {
        Self { scale: 20.0 }
    }
}

/// Returns the cross-entropy of finding each query's key among the batch's keys and more negatives.
///
/// ```text
/// loss = mean of −s(qᵢ, kᵢ) + log Σⱼ exp s(qᵢ, kⱼ)          s = scale · cos
/// ```
/// `j` runs over the keys of the batch and the rows of `negatives`. Only queries look for keys.
/// Rows are made unit length.
///
/// # Shapes
/// - `query`, `key`: `[batch, dim]`, row `i` of both belonging together
/// - `negatives`: `[negatives, dim]`, keys of no query, for example mined ones or other devices'
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or the scale is not above 0.
///
/// # Source
/// Henderson et al., 2017, [arXiv:1705.00652](https://arxiv.org/abs/1705.00652).
/// Deviation: cosines in place of products. TensorFlow Similarity also adds 1 to the sum.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MultipleNegativesRankingLossConfig, multiple_negatives_ranking};
///
/// // One of two keys at right angles is right.
/// let rows = Tensor::<2>::eye(2, &Device::flex());
/// let config = MultipleNegativesRankingLossConfig { scale: 1.0 };
/// let loss = multiple_negatives_ranking(rows.clone(), rows, None, &config);
/// assert!((loss.into_scalar::<f32>() - 0.313_261_7).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn multiple_negatives_ranking(
    query: Tensor<2>,
    key: Tensor<2>,
    negatives: Option<Tensor<2>>,
    config: &MultipleNegativesRankingLossConfig,
) -> Tensor<1> {
    let scale = config.scale;
    assert!(scale > 0.0, "multiple_negatives_ranking needs a scale above 0, got {scale}");
    let [batch, dim] = paired_dims("multiple_negatives_ranking", &query, &key);
    let mut keys = key;
    if let Some(negatives) = negatives {
        let shape = negatives.dims();
        assert_eq!(dim, shape[1], "keys of shape {:?} and negatives of {shape:?}", [batch, dim]);
        keys = Tensor::cat(vec![keys, negatives], 0);
    }
    info_nce("multiple_negatives_ranking", query, keys, 0, 1.0 / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labeled::samples::unit;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use burn::tensor::Device;

    const CONFIG: MultipleNegativesRankingLossConfig =
        MultipleNegativesRankingLossConfig { scale: 3.0 };

    /// The loss with the first query as a negative, too.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let negatives = a.clone().slice_dim(0, 0..1);
        multiple_negatives_ranking(a, b, Some(negatives), &CONFIG)
    }

    fn plain(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        multiple_negatives_ranking(a, b, None, &CONFIG)
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let keys: Vec<Vec<f64>> = b.iter().chain(&a[..1]).map(|row| unit(row)).collect();
        let one = |(i, query): (usize, &Vec<f64>)| {
            let query = unit(query);
            let score =
                |key: &Vec<f64>| 3.0 * query.iter().zip(key).map(|(x, y)| x * y).sum::<f64>();
            keys.iter().map(|key| score(key).exp()).sum::<f64>().ln() - score(&keys[i])
        };
        a.iter().enumerate().map(one).sum::<f64>() / a.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).scale().extremes(1);
        laws(plain).permutation().scale().extremes(1);
    }

    #[test]
    fn queries_and_keys_are_not_alike() {
        let turned = |a, b| plain(b, a);
        let pair = crate::laws::pair([[1., 0.], [0.6, 0.8]], [[1., 0.1], [0.9, -0.2]]);
        assert!((value(plain, &pair) - value(turned, &pair)).abs() > 1e-3);
    }

    #[test]
    #[should_panic(expected = "[1, 2]")]
    fn shapes_that_differ_are_named() {
        let rows = || Tensor::<2>::ones([2, 3], &Device::flex());
        let negatives = Tensor::ones([1, 2], &Device::flex());
        let _ = multiple_negatives_ranking(rows(), rows(), Some(negatives), &CONFIG);
    }
}
