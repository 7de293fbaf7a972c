//! Scalars whose gradient is computed outside the graph, and tensors from and to values on the
//! host.

use burn::tensor::{Tensor, TensorData};
pub(crate) use selfsame_kernels::loss::custom_gradient;

/// Returns values in row-major order as a constant, with the precision and on the device of `like`.
pub(crate) fn constant<const D: usize, const E: usize>(
    values: Vec<f64>,
    shape: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    let like = like.clone().inner();
    Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
}

/// Returns the values of a tensor in row-major order.
#[cfg(any(test, feature = "decompositions"))]
pub(crate) fn to_f64_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
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
        let found = custom_gradient(x.clone() * 3.0, constant(vec![5.0], [1], &x), || {
            constant(vec![0.5, 0.25], [2], &x)
        });
        assert_eq!(to_f64_vec(found.clone()), [5.0]);
        assert_eq!(to_f64_vec(x.grad(&found.backward()).unwrap()), [1.5, 0.75]);
    }
}
