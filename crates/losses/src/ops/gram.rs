//! Sums of squared inner products of columns, without more products than needed.

use burn::tensor::Tensor;

use crate::with_gradient::with_gradient;
use Factor::{Plain, Turned};

/// A matrix without a graph, or its transpose, which is never laid out.
#[derive(Clone, Copy)]
pub(crate) enum Factor<'a> {
    Plain(&'a Tensor<2>),
    Turned(&'a Tensor<2>),
}

/// `Σᵢ Σⱼ (xᵢ · xⱼ)²` over the columns of `[rows, columns]`, `[1]`.
///
/// It equals the sum over pairs of rows, `‖XᵀX‖² = ‖XXᵀ‖²`; the smaller matrix is computed.
pub(crate) fn self_squares(x: Tensor<2>) -> Tensor<1> {
    let plain = x.clone().inner();
    let [rows, columns] = plain.dims();
    if rows < columns {
        let products = times_own_transpose(Plain(&plain));
        let value = squares(&products);
        with_gradient(x, value, || times(Plain(&products), Plain(&plain), 4.0))
    } else {
        let products = times_own_transpose(Turned(&plain));
        let value = squares(&products);
        with_gradient(x, value, || times(Plain(&plain), Plain(&products), 4.0))
    }
}

/// `Σᵢ Σⱼ (aᵢ · bⱼ)²` over the columns of two matrices `[rows, columns]`, `[1]`.
///
/// `‖AᵀB‖²` is also the inner product of `AAᵀ` and `BBᵀ`, which is cheaper with fewer rows than columns.
pub(crate) fn cross_squares(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let (plain_a, plain_b) = (a.clone().inner(), b.clone().inner());
    let of_a = times_own_transpose(Plain(&plain_a));
    let of_b = times_own_transpose(Plain(&plain_b));
    let value = (of_a.clone() * of_b.clone()).sum();
    let none = value.zeros_like();
    with_gradient(a, value, || times(Plain(&of_b), Plain(&plain_a), 2.0))
        + with_gradient(b, none, || times(Plain(&of_a), Plain(&plain_b), 2.0))
}

/// The sum of all squares of a matrix without a graph, `[1]`.
pub(crate) fn squares(x: &Tensor<2>) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if let Some(sum) = host::squares(x) {
        return sum;
    }
    x.clone().square().sum()
}

/// `x · xᵀ`.
pub(crate) fn times_own_transpose(x: Factor<'_>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(product) = host::gram(x) {
        return product;
    }
    x.tensor().matmul(x.tensor().transpose())
}

/// `a · b · scale`.
pub(crate) fn times(a: Factor<'_>, b: Factor<'_>, scale: f64) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(product) = host::product(a, b, scale) {
        return product;
    }
    a.tensor().matmul(b.tensor()) * scale
}

impl Factor<'_> {
    fn tensor(self) -> Tensor<2> {
        match self {
            Plain(x) => x.clone(),
            Turned(x) => x.clone().transpose(),
        }
    }
}

#[cfg(feature = "flex")]
mod host {
    use burn::tensor::Tensor;

    use super::Factor::{self, Plain, Turned};
    use crate::extension::{FlexTensor, host, numbers};
    use crate::product::{self, Matrix};
    use crate::rows;
    use crate::with_gradient::single;

    impl Factor<'_> {
        fn host(self) -> Option<FlexTensor> {
            let (Plain(x) | Turned(x)) = self;
            host(x)
        }

        fn matrix(self, laid_out: &FlexTensor) -> Matrix<'_> {
            let (Plain(x) | Turned(x)) = self;
            let matrix = Matrix::new(numbers(laid_out), x.dims());
            match self {
                Plain(_) => matrix,
                Turned(_) => matrix.transpose(),
            }
        }

        fn like(&self) -> &Tensor<2> {
            let (Plain(x) | Turned(x)) = self;
            x
        }
    }

    pub(super) fn gram(x: Factor<'_>) -> Option<Tensor<2>> {
        let laid_out = x.host()?;
        let matrix = x.matrix(&laid_out);
        Some(single(product::gram(matrix), [matrix.rows(); 2], x.like()))
    }

    pub(super) fn squares(x: &Tensor<2>) -> Option<Tensor<1>> {
        let sum = rows::squares(numbers(&host(x)?));
        Some(single(vec![sum as f32], [1], x))
    }

    pub(super) fn product(a: Factor<'_>, b: Factor<'_>, scale: f64) -> Option<Tensor<2>> {
        let (left, right) = (a.host()?, b.host()?);
        let (left, right) = (a.matrix(&left), b.matrix(&right));
        let found = product::product(left, right, scale as f32);
        Some(single(found, [left.rows(), right.columns()], a.like()))
    }
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
