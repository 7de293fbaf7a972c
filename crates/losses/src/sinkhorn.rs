//! Sinkhorn-Knopp: give every row a code so that all prototypes are used equally.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};
use selfsame_kernels::loss;

/// Computes codes of equal use: each row sums to 1, and each prototype gets about the same total.
///
/// ```text
/// Q = exp(scores / ε);  repeat: each column of Q to the sum 1/prototypes, each row to 1/batch
/// codes = batch · Q
/// ```
/// The first round is computed on logarithms, so that scores of any size neither overflow nor leave
/// a prototype without a row; the codes are constants.
///
/// # Shapes
/// - `scores`: `[batch, prototypes]`
/// - output: `[batch, prototypes]`, rows of sum 1, without a graph
///
/// # Panics
/// If `epsilon` is not above 0, or `iterations` is 0.
///
/// # Source
/// Caron et al., 2020, [arXiv:2006.09882](https://arxiv.org/abs/2006.09882), section 3.1.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::sinkhorn;
///
/// // Both rows are nearest to prototype 0, which can have only one of them.
/// let scores = Tensor::<2>::from_floats([[1.0, 0.0], [0.8, 0.0]], &Device::flex());
/// let codes = sinkhorn(scores, 0.05, 50).into_data().try_to_vec::<f32>().unwrap();
/// assert!(codes[0] > 0.8 && codes[3] > 0.8);
/// ```
#[must_use]
#[track_caller]
pub fn sinkhorn(scores: Tensor<2>, epsilon: f64, iterations: usize) -> Tensor<2> {
    assert!(epsilon > 0.0, "sinkhorn needs an epsilon above 0, got {epsilon}");
    assert!(iterations > 0, "sinkhorn needs 1 round or more");
    let [batch, prototypes] = scores.dims();
    let scores = scores.inner();
    if let Some(codes) = loss::sinkhorn_rounds(&scores, epsilon, iterations) {
        return codes;
    }
    let share = batch as f64 / prototypes as f64;
    let mut codes = softmax(log_softmax(scores / epsilon, 0), 1);
    for _ in 1..iterations {
        let used = codes.clone().sum_dim(0) / share;
        codes = codes / used;
        let row = codes.clone().sum_dim(1);
        codes = codes / row;
    }
    codes
}

/// Computes the plain formula, in double precision.
#[cfg(test)]
pub(crate) fn naive(scores: &[Vec<f64>], epsilon: f64, iterations: usize) -> Vec<Vec<f64>> {
    let mut codes: Vec<Vec<f64>> =
        scores.iter().map(|row| row.iter().map(|s| (s / epsilon).exp()).collect()).collect();
    let (batch, prototypes) = (codes.len(), codes[0].len());
    for _ in 0..iterations {
        for k in 0..prototypes {
            let used: f64 = codes.iter().map(|row| row[k]).sum();
            for row in &mut codes {
                row[k] /= used * prototypes as f64;
            }
        }
        for row in &mut codes {
            let total: f64 = row.iter().sum();
            for code in row.iter_mut() {
                *code /= total * batch as f64;
            }
        }
    }
    codes.into_iter().map(|row| row.into_iter().map(|q| q * batch as f64).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn every_row_sums_to_1_and_every_prototype_is_used_alike() {
        let scores = [[0.9_f32, -0.3, 0.2], [0.8, 0.1, -0.5], [0.7, 0.0, 0.3]];
        let codes = sinkhorn(Tensor::from_floats(scores, &Device::flex()), 0.3, 200);
        let sums = |dim| to_f64_vec(codes.clone().sum_dim(dim));
        assert!(sums(0).iter().chain(&sums(1)).all(|sum| (sum - 1.0).abs() < 1e-5));
    }

    #[test]
    fn single_precision_has_the_codes_of_double_precision() {
        // The kernel takes exponents 66 apart, but not those 80 apart.
        for (rows, columns, size) in [(5, 3, 1.0), (70, 200, 33.0), (600, 9, 40.0)] {
            let number = |place: usize| size * ((place * 7919 % 1009) as f64 / 504.0 - 1.0);
            let scores: Vec<f64> = (0..rows * columns).map(number).collect();
            for iterations in [1, 2, 5] {
                let want: Vec<Vec<f64>> = scores.chunks(columns).map(<[f64]>::to_vec).collect();
                let want = naive(&want, 1.0, iterations).concat();
                let scores = TensorData::new(scores.clone(), [rows, columns]).convert::<f32>();
                let scores = Tensor::from_data(scores, &Device::flex());
                let found = to_f64_vec(sinkhorn(scores, 1.0, iterations));
                let off = found.iter().zip(want).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                assert!(off < 2e-5, "{rows} x {columns}, {iterations} rounds: off by {off}");
            }
        }
    }

    #[test]
    fn scores_far_beyond_the_range_of_exp_are_no_trouble() {
        let scores = Tensor::<2>::from_floats([[1e20, -1e20], [500.0, 0.0]], &Device::flex());
        let codes = to_f64_vec(sinkhorn(scores, 0.05, 3));
        assert!(codes.iter().all(|code| code.is_finite()), "{codes:?}");
    }
}
