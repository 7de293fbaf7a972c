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
        let products = times_own_transpose(&plain);
        let value = products.clone().square().sum();
        with_gradient(x, value, || times(&products, &plain, 4.0))
    } else {
        let products = times_own_transpose(&plain.clone().transpose());
        let value = products.clone().square().sum();
        with_gradient(x, value, || times(&plain, &products, 4.0))
    }
}

/// `Σᵢ Σⱼ (aᵢ · bⱼ)²` over the columns of two matrices `[rows, columns]`, `[1]`.
///
/// `‖AᵀB‖²` is also the inner product of `AAᵀ` and `BBᵀ`, which is cheaper with fewer rows than columns.
pub(crate) fn cross_squares(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let (plain_a, plain_b) = (a.clone().inner(), b.clone().inner());
    let [rows, columns] = plain_a.dims();
    if rows < columns {
        let products_a = times_own_transpose(&plain_a);
        let products_b = times_own_transpose(&plain_b);
        let value = (products_a.clone() * products_b.clone()).sum();
        let of_a = with_gradient(a, value.clone(), || times(&products_b, &plain_a, 2.0));
        of_a + with_gradient(b, value.zeros_like(), || times(&products_a, &plain_b, 2.0))
    } else {
        let products = times(&plain_a.clone().transpose(), &plain_b, 1.0);
        let value = products.clone().square().sum();
        let of_a =
            with_gradient(a, value.clone(), || times(&plain_b, &products.clone().transpose(), 2.0));
        of_a + with_gradient(b, value.zeros_like(), || times(&plain_a, &products, 2.0))
    }
}

/// `x · xᵀ` without a graph.
fn times_own_transpose(x: &Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(product) = host::gram(x) {
        return product;
    }
    x.clone().matmul(x.clone().transpose())
}

/// `a · b · scale` without a graph.
pub(crate) fn times(a: &Tensor<2>, b: &Tensor<2>, scale: f64) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if let Some(product) = host::product(a, b, scale) {
        return product;
    }
    a.clone().matmul(b.clone()) * scale
}

#[cfg(feature = "flex")]
mod host {
    use burn::tensor::{Tensor, TensorData};
    use faer::MatRef;

    use crate::extension::{FlexTensor, host, numbers};
    use crate::product;

    fn matrix(tensor: &FlexTensor, [rows, columns]: [usize; 2]) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(numbers(tensor), rows, columns)
    }

    fn tensor(numbers: Vec<f32>, shape: [usize; 2], like: &Tensor<2>) -> Tensor<2> {
        Tensor::from_data(TensorData::new(numbers, shape), &like.device())
    }

    pub(super) fn gram(x: &Tensor<2>) -> Option<Tensor<2>> {
        let (rows, shape) = (host(x)?, x.dims());
        Some(tensor(product::gram(matrix(&rows, shape)), [shape[0]; 2], x))
    }

    pub(super) fn product(a: &Tensor<2>, b: &Tensor<2>, scale: f64) -> Option<Tensor<2>> {
        let (left, right) = (host(a)?, host(b)?);
        let (of_a, of_b) = (a.dims(), b.dims());
        let found = product::product(matrix(&left, of_a), matrix(&right, of_b), scale as f32);
        Some(tensor(found, [of_a[0], of_b[1]], a))
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
