//! Scalars whose gradient is computed beside the graph.

use burn::tensor::{Tensor, TensorData};

/// `value`, with `gradient` as its derivative by `input`.
///
/// For losses that a graph cannot follow (matrix decompositions) or should not keep (large
/// intermediate results). `gradient` is only computed where `input` is part of a graph. The value
/// is kept to the last bit, as what carries the gradient is exactly 0. On Flex nothing is computed on
/// the way forward, and on the way back nothing but a scaling.
pub(crate) fn with_gradient<const D: usize>(
    input: Tensor<D>,
    value: Tensor<1>,
    gradient: impl FnOnce() -> Tensor<D>,
) -> Tensor<1> {
    if !input.is_tracked() {
        return value;
    }
    #[cfg(feature = "flex")]
    if crate::extension::applies(&input) {
        return crate::extension::with_gradient(input, value, gradient());
    }
    let nothing = input.clone() - input.inner().autodiff();
    (nothing * gradient().autodiff()).sum() + value.autodiff()
}

/// Numbers of the host as a constant of the kind and on the device of `like`.
pub(crate) fn constant<const D: usize, const E: usize>(
    numbers: Vec<f64>,
    shape: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    let like = like.clone().inner();
    Tensor::from_data(TensorData::new(numbers, shape), (&like.device(), like.dtype()))
}

/// Numbers of single precision, row by row, as a constant on the device of `like`.
#[cfg(feature = "flex")]
pub(crate) fn single<const D: usize, const E: usize>(
    numbers: Vec<f32>,
    shape: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers, shape), &like.clone().inner().device())
}

/// A tensor's numbers on the host, row by row, without its graph.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.inner().into_data().iter::<f64>().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn value_and_gradient_are_those_given() {
        let device = Device::flex().autodiff();
        let x = Tensor::<1>::from_floats([1e30, 2.0], &device).require_grad();
        let found = with_gradient(x.clone() * 3.0, constant(vec![5.0], [1], &x), || {
            constant(vec![0.5, 0.25], [2], &x)
        });
        assert_eq!(numbers(found.clone()), [5.0]);
        assert_eq!(numbers(x.grad(&found.backward()).unwrap()), [1.5, 0.75]);
    }
}
