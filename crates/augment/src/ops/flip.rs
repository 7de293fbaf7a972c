//! Mirroring.

use crate::PlanarImage;
use crate::paint::Planes;

/// Swaps left and right.
pub fn horizontal_flip(image: &mut PlanarImage) {
    mirror_rows(&mut image.as_planes());
}

/// Swaps top and bottom.
pub fn vertical_flip(image: &mut PlanarImage) {
    mirror_columns(&mut image.as_planes());
}

pub(crate) fn mirror_rows(planes: &mut Planes<'_>) {
    let width = planes.width.max(1);
    for plane in planes.channels() {
        plane.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    }
}

pub(crate) fn mirror_columns(planes: &mut Planes<'_>) {
    let (height, width) = (planes.height, planes.width);
    for plane in planes.channels() {
        for row in 0..height / 2 {
            let (upper, lower) = plane.split_at_mut((height - 1 - row) * width);
            upper[row * width..][..width].swap_with_slice(&mut lower[..width]);
        }
    }
}
