//! Sums of squared inner products of columns, without more products than needed.

use burn::tensor::Tensor;

use crate::with_gradient::with_gradient;

/// `Σᵢ Σⱼ (xᵢ · xⱼ)²` over the columns of `[rows, columns]`, `[1]`.
///
/// It equals the sum over pairs of rows, `‖XᵀX‖² = ‖XXᵀ‖²`; the smaller matrix is computed.
pub(crate) fn self_squares(x: Tensor<2>) -> Tensor<1> {
    let plain = x.clone().inner();
    let [rows, columns] = plain.dims();
    if rows < columns {
        let products = plain.clone().matmul(plain.clone().transpose());
        let value = products.clone().square().sum();
        with_gradient(x, value, || (products * 4.0).matmul(plain))
    } else {
        let products = plain.clone().transpose().matmul(plain.clone());
        let value = products.clone().square().sum();
        with_gradient(x, value, || plain.matmul(products * 4.0))
    }
}

/// `Σᵢ Σⱼ (aᵢ · bⱼ)²` over the columns of two matrices `[rows, columns]`, `[1]`.
///
/// `‖AᵀB‖²` is also the inner product of `AAᵀ` and `BBᵀ`, which is cheaper with fewer rows than columns.
pub(crate) fn cross_squares(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let (plain_a, plain_b) = (a.clone().inner(), b.clone().inner());
    let [rows, columns] = plain_a.dims();
    if rows < columns {
        let products_a = plain_a.clone().matmul(plain_a.clone().transpose());
        let products_b = plain_b.clone().matmul(plain_b.clone().transpose());
        let value = (products_a.clone() * products_b.clone()).sum();
        let of_a = with_gradient(a, value.clone(), || (products_b * 2.0).matmul(plain_a));
        of_a + with_gradient(b, value.zeros_like(), || (products_a * 2.0).matmul(plain_b))
    } else {
        let products = plain_a.clone().transpose().matmul(plain_b.clone());
        let value = products.clone().square().sum();
        let doubled = products * 2.0;
        let of_a = with_gradient(a, value.clone(), || plain_b.matmul(doubled.clone().transpose()));
        of_a + with_gradient(b, value.zeros_like(), || plain_a.matmul(doubled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences_of, value};

    fn one(a: Tensor<2>, _: Tensor<2>) -> Tensor<1> {
        self_squares(a)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_sum(pair in Pair::any()) {
            let columns = pair.a[0].len();
            let sum = |a: &[Vec<f64>], b: &[Vec<f64>]| {
                let dot = |i: usize, j: usize| a.iter().zip(b).map(|(x, y)| x[i] * y[j]).sum::<f64>();
                let pairs = (0..columns).flat_map(|i| (0..columns).map(move |j| (i, j)));
                pairs.map(|(i, j)| dot(i, j).powi(2)).sum::<f64>()
            };
            assert_close(value(one, &pair), sum(&pair.a, &pair.a), 1e-12);
            assert_close(value(cross_squares, &pair), sum(&pair.a, &pair.b), 1e-12);
        }
    }

    #[test]
    fn gradients_are_slopes_on_both_sides_of_square() {
        for shape in [(4, 3), (3, 4)] {
            finite_differences_of(cross_squares, shape);
            let both: crate::laws::Loss = |a, b| self_squares(a) + self_squares(b);
            finite_differences_of(both, shape);
        }
    }
}
