//! Matrix products.

use burn::tensor::Tensor;

use Factor::{Plain, Transposed};

#[cfg(feature = "flex")]
pub(crate) mod packed;

/// A factor of a product: a matrix, or its transpose, which is never materialized.
#[derive(Clone, Copy, Debug)]
pub enum Factor<'a> {
    /// The matrix.
    Plain(&'a Tensor<2>),
    /// Its transpose.
    Transposed(&'a Tensor<2>),
}

/// Returns `a · b · scale`.
///
/// The factors are constants: no gradient reaches them. On the Flex backend in single precision the
/// product is our packed one, which does not depend on the number of threads; elsewhere it is
/// burn's.
///
/// # Shapes
/// - `a`: `[rows, depth]` as a factor
/// - `b`: `[depth, columns]` as a factor
/// - output: `[rows, columns]`
///
/// # Panics
/// If the inner dimensions of the factors differ.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::{Factor::{Plain, Transposed}, gemm};
///
/// let x = Tensor::<2>::from_floats([[1.0, 2.0]], &Device::flex());
/// assert_eq!(gemm(Plain(&x), Transposed(&x), 0.5).into_scalar::<f32>(), 2.5);
/// assert_eq!(gemm(Transposed(&x), Plain(&x), 1.0).dims(), [2, 2]);
/// ```
#[must_use]
#[track_caller]
pub fn gemm(a: Factor<'_>, b: Factor<'_>, scale: f64) -> Tensor<2> {
    let (left, right) = (a.dims(), b.dims());
    assert_eq!(left[1], right[0], "factors of {left:?} and {right:?} differ in depth");
    on_flex!(gemm_on_flex(a, b, scale)).unwrap_or_else(|| a.tensor().matmul(b.tensor()) * scale)
}

/// Returns `x · xᵀ`, computing one of two elements that mirror each other.
///
/// As in [`gemm`], the factor is a constant.
///
/// # Shapes
/// - `x`: `[rows, depth]` as a factor
/// - output: `[rows, rows]`
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_kernels::{Factor::Plain, gram};
///
/// let x = Tensor::<2>::from_floats([[3.0, 4.0]], &Device::flex());
/// assert_eq!(gram(Plain(&x)).into_scalar::<f32>(), 25.0);
/// ```
#[must_use]
pub fn gram(x: Factor<'_>) -> Tensor<2> {
    on_flex!(gram_on_flex(x)).unwrap_or_else(|| x.tensor().matmul(x.tensor().transpose()))
}

impl Factor<'_> {
    fn dims(self) -> [usize; 2] {
        match self {
            Plain(x) => x.dims(),
            Transposed(x) => {
                let [rows, columns] = x.dims();
                [columns, rows]
            }
        }
    }

    fn tensor(self) -> Tensor<2> {
        match self {
            Plain(x) => x.clone().inner(),
            Transposed(x) => x.clone().inner().transpose(),
        }
    }
}

#[cfg(feature = "flex")]
#[allow(clippy::cast_possible_truncation, reason = "a factor of single precision")]
fn gemm_on_flex(a: Factor<'_>, b: Factor<'_>, scale: f64) -> Option<Tensor<2>> {
    let (left, right) = (a.contiguous()?, b.contiguous()?);
    let (left, right) = (a.matrix(&left), b.matrix(&right));
    let found = packed::multiply(left, right, scale as f32);
    let shape = [left.rows(), right.columns()];
    Some(crate::flex::constant_f32(found, shape, a.stored()))
}

#[cfg(feature = "flex")]
fn gram_on_flex(x: Factor<'_>) -> Option<Tensor<2>> {
    let contiguous = x.contiguous()?;
    let matrix = x.matrix(&contiguous);
    let found = packed::multiply_by_own_transpose(matrix);
    Some(crate::flex::constant_f32(found, [matrix.rows(); 2], x.stored()))
}

#[cfg(feature = "flex")]
impl Factor<'_> {
    fn stored(&self) -> &Tensor<2> {
        let (Plain(x) | Transposed(x)) = self;
        x
    }

    fn contiguous(self) -> Option<crate::flex::FlexTensor> {
        crate::flex::contiguous_f32(self.stored())
    }

    fn matrix(self, contiguous: &crate::flex::FlexTensor) -> packed::Matrix<'_> {
        let elements = crate::flex::as_f32_slice(contiguous);
        let matrix = packed::Matrix::new(elements, self.stored().dims());
        match self {
            Plain(_) => matrix,
            Transposed(_) => matrix.transpose(),
        }
    }
}
