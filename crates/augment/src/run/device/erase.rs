//! Painting over a part of each image.

use burn::tensor::Tensor;

use super::numbers;
use crate::{CropBox, Plan};

/// Paints the part each step names, if it is one that erases.
pub(super) fn erase(images: Tensor<4>, steps: &[Plan]) -> Tensor<4> {
    let [batch, _, height, width] = images.dims();
    let device = images.device();
    let erasures = steps.iter().map(|step| match *step {
        Plan::Erase { part, fill } => (part, fill),
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
    let rows = numbers(rows, [batch, 1, height, 1], &device);
    let inside = rows * numbers(columns, [batch, 1, 1, width], &device);
    let fills = numbers(fills, [batch, 1, 1, 1], &device);
    images * (-inside.clone() + 1.0) + inside * fills
}
