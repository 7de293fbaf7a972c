//! Erasure of a part of each image.

use burn::tensor::Tensor;

use super::per_image::upload;
use crate::{CropBox, PixelOp};

/// Fills the part of each image that has an [`Erase`](PixelOp::Erase).
pub(super) fn erase(images: Tensor<4>, ops: &[Option<PixelOp>]) -> Tensor<4> {
    let [batch, _, height, width] = images.dims();
    let device = images.device();
    let erasures = ops.iter().map(|op| match *op {
        Some(PixelOp::Erase { part, fill }) => (part, fill),
        _ => (CropBox { top: 0, left: 0, height: 0, width: 0 }, 0.0),
    });
    let (mut rows, mut columns, mut fills) = (Vec::new(), Vec::new(), Vec::new());
    for (part, fill) in erasures {
        let inside = |start: usize, length: usize, side: usize| {
            (0..side).map(move |place| f32::from((start..start + length).contains(&place)))
        };
        rows.extend(inside(part.top, part.height, height));
        columns.extend(inside(part.left, part.width, width));
        fills.push(fill);
    }
    let rows = upload(rows, [batch, 1, height, 1], &device);
    let inside = rows * upload(columns, [batch, 1, 1, width], &device);
    let fills = upload(fills, [batch, 1, 1, 1], &device);
    images * (-inside.clone() + 1.0) + inside * fills
}
