//! Sums of squared inner products of columns, from the smaller Gram matrix.

use burn::tensor::Tensor;
use selfsame_kernels::Factor::{Plain, Transposed};
use selfsame_kernels::loss::{custom_gradient, sum_of_squares};
use selfsame_kernels::{gemm, gram};

/// Computes `Σᵢ Σⱼ (xᵢ · xⱼ)²` over the columns of `[rows, columns]`, `[1]`.
///
/// The sum equals that over pairs of rows, `‖XᵀX‖² = ‖XXᵀ‖²`; the smaller matrix is computed.
pub(crate) fn self_squares(x: Tensor<2>) -> Tensor<1> {
    let plain = x.clone().inner();
    let [rows, columns] = plain.dims();
    if rows < columns {
        let products = gram(Plain(&plain));
        let value = sum_of_squares(&products);
        custom_gradient(x, value, || gemm(Plain(&products), Plain(&plain), 4.0))
    } else {
        let products = gram(Transposed(&plain));
        let value = sum_of_squares(&products);
        custom_gradient(x, value, || gemm(Plain(&plain), Plain(&products), 4.0))
    }
}

/// Computes `Σᵢ Σⱼ (aᵢ · bⱼ)²` over the columns of two matrices `[rows, columns]`, `[1]`.
///
/// `‖AᵀB‖²` is also the inner product of `AAᵀ` and `BBᵀ`, which is cheaper with fewer rows than
/// columns.
pub(crate) fn cross_squares(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let (plain_a, plain_b) = (a.clone().inner(), b.clone().inner());
    let of_a = gram(Plain(&plain_a));
    let of_b = gram(Plain(&plain_b));
    let value = (of_a.clone() * of_b.clone()).sum();
    let none = value.zeros_like();
    custom_gradient(a, value, || gemm(Plain(&of_b), Plain(&plain_a), 2.0))
        + custom_gradient(b, none, || gemm(Plain(&of_a), Plain(&plain_b), 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Loss, Pair, assert_close, finite_differences_of, laws, value};

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
        let both: Loss = |a, b| self_squares(a) + self_squares(b);
        // Fourth powers: scaled to values of about 1, for which the tolerance is made.
        let small: Loss = |a, b| (self_squares(a) + self_squares(b)) * 1e-2;
        for shape in [(4, 3), (3, 4)] {
            finite_differences_of(cross_squares, shape);
            finite_differences_of(small, shape);
        }
        laws(both).precision();
        laws(cross_squares).precision();
    }
}
