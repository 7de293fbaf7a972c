//! Conversion between tensors of the Flex backend and slices on the host.

use burn::backend::Flex;
use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};
use rayon::prelude::*;

/// A tensor as the Flex backend stores it.
pub(crate) type FlexTensor = FloatTensor<Flex>;

/// Elements that a thread changes at a time where each is changed by itself.
pub(crate) const CHUNK: usize = 1 << 14;

/// Number of elements that a task of [`zeros`] and [`copy_of`] writes.
const PIECE: usize = 64;

/// Returns whether a tensor of any precision lives on the Flex backend, with or without a graph.
pub(crate) fn is_on_flex<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.device() == Device::flex()
}

/// Returns whether a tensor has single precision and lives on the Flex backend; the kernels take no
/// others.
pub(crate) fn is_f32_on_flex<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_on_flex(tensor)
}

/// Returns a contiguous copy or view of a tensor without its graph; `None` unless
/// [`is_f32_on_flex`].
pub(crate) fn contiguous_f32<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    if !is_f32_on_flex(tensor) {
        return None;
    }
    let tensor = tensor.clone().inner().try_into_primitive::<Flex>().ok()?;
    Some(tensor.to_contiguous())
}

/// Returns the elements of a contiguous tensor of single precision.
pub(crate) fn as_f32_slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().unwrap_or_default()
}

/// Returns the tensor made contiguous and alone in its storage, which may then be changed.
pub(crate) fn make_contiguous(tensor: FlexTensor) -> FlexTensor {
    let contiguous = tensor.to_contiguous();
    if contiguous.storage::<f32>().len() == contiguous.shape().num_elements() {
        return contiguous;
    }
    from_elements(as_f32_slice(&contiguous).to_vec(), contiguous.shape())
}

/// Returns a tensor on Flex, without a graph, as the backend stores it: contiguous and alone in its
/// storage.
pub(crate) fn in_own_storage<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    match tensor.try_into_primitive::<Flex>() {
        Ok(tensor) => make_contiguous(tensor),
        Err(error) => unreachable!("the caller checked that it is on Flex: {error:?}"),
    }
}

/// Returns a tensor of these elements in row-major order.
pub(crate) fn from_elements(elements: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(elements, shape))
}

/// Returns elements in row-major order as a constant on the device of `like`.
pub(crate) fn constant_f32<const D: usize, const E: usize>(
    elements: Vec<f32>,
    shape: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(elements, shape), &like.clone().inner().device())
}

/// Returns a value as a constant of one element on the device of `like`.
#[allow(clippy::cast_possible_truncation, reason = "a loss of single precision")]
pub(crate) fn scalar_f32<const E: usize>(value: f64, like: &Tensor<E>) -> Tensor<1> {
    constant_f32(vec![value as f32], [1], like)
}

/// Returns `length` zeros, written by all threads.
pub(crate) fn zeros(length: usize) -> Vec<f32> {
    let pieces = (0..length.div_ceil(PIECE)).into_par_iter();
    let mut zeros = pieces.map(|_| [0.0; PIECE]).collect::<Vec<_>>().into_flattened();
    zeros.truncate(length);
    zeros
}

/// Returns a copy of `elements`, written by all threads.
pub(crate) fn copy_of(elements: &[f32]) -> Vec<f32> {
    let (pieces, rest) = elements.as_chunks::<PIECE>();
    let mut copied = pieces.par_iter().copied().collect::<Vec<_>>().into_flattened();
    copied.extend(rest);
    copied
}
