//! A safetensors file of one tensor.

use std::io;

use safetensors::tensor::{Dtype, TensorView, serialize};
use selfsame_metrics::Features;

use super::little_endian::little_endian;

/// Returns a file with the rows as tensor `name` of `[rows, dim]`.
pub(crate) fn safetensors_bytes(name: &str, features: &Features) -> io::Result<Vec<u8>> {
    let bytes = little_endian(features.as_slice());
    let shape = vec![features.rows(), features.dim()];
    let view = TensorView::new(Dtype::F32, shape, &bytes).map_err(io::Error::other)?;
    serialize([(name, view)], None).map_err(io::Error::other)
}
