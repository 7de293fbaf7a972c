//! Mirroring of an image.

use crate::PlanarImage;
use crate::planes::Planes;

/// Swaps left and right.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, horizontal_flip};
///
/// let mut image = PlanarImage { height: 1, width: 2, data: [0.25, 0.75].repeat(3) };
/// horizontal_flip(&mut image);
/// assert_eq!(image.data, [0.75, 0.25].repeat(3));
/// ```
pub fn horizontal_flip(image: &mut PlanarImage) {
    flip_planes_horizontally(&mut image.as_planes());
}

/// Swaps top and bottom.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, vertical_flip};
///
/// let mut image = PlanarImage { height: 2, width: 1, data: [0.25, 0.75].repeat(3) };
/// vertical_flip(&mut image);
/// assert_eq!(image.data, [0.75, 0.25].repeat(3));
/// ```
pub fn vertical_flip(image: &mut PlanarImage) {
    flip_planes_vertically(&mut image.as_planes());
}

pub(crate) fn flip_planes_horizontally(planes: &mut Planes<'_>) {
    let width = planes.width.max(1);
    for plane in planes.channels() {
        plane.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    }
}

pub(crate) fn flip_planes_vertically(planes: &mut Planes<'_>) {
    let (height, width) = (planes.height, planes.width);
    for plane in planes.channels() {
        for row in 0..height / 2 {
            let (upper, lower) = plane.split_at_mut((height - 1 - row) * width);
            upper[row * width..][..width].swap_with_slice(&mut lower[..width]);
        }
    }
}
