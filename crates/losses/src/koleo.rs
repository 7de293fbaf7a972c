//! `KoLeo`: keep every row away from its nearest neighbor.

use burn::tensor::Tensor;
use selfsame_kernels::loss;

use crate::ops::l2_normalize::l2_normalize;

/// Added to each difference and to each distance, as in the official code.
const EPSILON: f64 = 1e-8;

/// Returns the mean negative log distance of each row to its nearest other row.
///
/// ```text
/// loss = −mean over i of log(‖zᵢ − z₍ₙ₎ + ε‖ + ε)         n = argmaxⱼ≠ᵢ cos(zᵢ, zⱼ),  ε = 1e-8
/// ```
/// Rows are made unit length. It is a regularizer that spreads rows over the sphere, to be added to
/// another loss with a weight of about 0.1. The nearest row is a constant; both rows get a
/// gradient.
///
/// # Shapes
/// - `embedding`: `[batch, dim]`, any length
/// - output: `[1]`, from −log 2 (far apart) to about 18 (two equal rows)
///
/// # Panics
/// If the batch has fewer than 2 rows, or no columns.
///
/// # Source
/// Sablayrolles et al., 2019, [arXiv:1806.03198](https://arxiv.org/abs/1806.03198), as used by
/// Oquab et al., 2023, [arXiv:2304.07193](https://arxiv.org/abs/2304.07193). Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::koleo;
///
/// // Opposite rows are as far apart as rows can be.
/// let rows = Tensor::<2>::from_floats([[5.0, 0.0], [-1.0, 0.0]], &Device::flex());
/// assert!((koleo(rows).into_scalar::<f32>() + 2.0_f32.ln()).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn koleo(embedding: Tensor<2>) -> Tensor<1> {
    let [batch, dim] = embedding.dims();
    assert!(batch > 1 && dim > 0, "koleo needs 2 rows or more, got {:?}", [batch, dim]);
    let rows = l2_normalize(embedding);
    let fixed = rows.clone().inner();
    if let Some(loss) = loss::nearest_log_distance(&rows, EPSILON) {
        return loss;
    }
    let oneself = Tensor::<2>::eye(batch, &fixed.device()).equal_elem(1.0);
    let cosines = fixed.clone().matmul(fixed.transpose()).mask_fill(oneself, f32::NEG_INFINITY);
    let nearest = cosines.argmax(1).reshape([batch]);
    let apart = rows.clone() - rows.select(0, nearest) + EPSILON;
    let distances = apart.square().sum_dim(1).sqrt();
    -(distances + EPSILON).log().mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use burn::tensor::Device;

    /// Both views are one batch.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        koleo(Tensor::cat(vec![a, b], 0))
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let unit = |row: &Vec<f64>| {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.iter().map(|x| x / length).collect::<Vec<_>>()
        };
        let rows: Vec<Vec<f64>> = a.iter().chain(b).map(unit).collect();
        let distance = |i: usize, j: usize| {
            let squares = rows[i].iter().zip(&rows[j]).map(|(x, y)| (x - y + 1e-8).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let one = |i: usize| {
            let others = (0..rows.len()).filter(|&j| j != i).map(|j| distance(i, j));
            -(others.fold(f64::INFINITY, f64::min) + 1e-8).ln()
        };
        (0..rows.len()).map(one).sum::<f64>() / rows.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            // The choice among equal neighbors is arbitrary, and the 1e-8 has a sign.
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-6);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().scale().extremes(1);
    }

    #[test]
    fn single_precision_has_the_gradients_of_double_precision() {
        use crate::laws::gradients;
        use crate::{ops::custom_gradient::to_f64_vec, random_slices};
        use burn::tensor::DType;
        let rows = |step| {
            let rows = to_f64_vec(random_slices(33, 70, 1, step, &Device::flex()).transpose());
            rows.chunks(33).map(<[f64]>::to_vec).collect()
        };
        let pair = Pair { a: rows(0), b: rows(1) };
        let [single, double] =
            [DType::F32, DType::F64].map(|dtype| gradients(loss, &pair, dtype).concat());
        let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
        let off = norm(&mut single.iter().zip(&double).map(|(x, y)| x - y));
        assert!(off < 1e-5 * norm(&mut double.iter().copied()), "{off}");
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let found = |rows| koleo(Tensor::from_floats(rows, &Device::flex())).into_scalar::<f32>();
        assert!(found([[1., 0.], [0., 1.], [-1., -1.]]) + 10.0 < found([[1., 1.]; 3]));
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn one_row_has_no_neighbor() {
        let _ = koleo(Tensor::ones([1, 3], &Device::flex()));
    }
}
