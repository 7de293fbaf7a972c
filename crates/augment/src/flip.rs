//! Mirroring.

use crate::Picture;

/// Swaps left and right.
pub fn horizontal_flip(picture: &mut Picture) {
    picture.data.chunks_exact_mut(picture.width.max(1)).for_each(<[f32]>::reverse);
}

/// Swaps top and bottom.
pub fn vertical_flip(picture: &mut Picture) {
    let (height, width) = (picture.height, picture.width);
    for plane in picture.planes_mut() {
        for row in 0..height / 2 {
            let (upper, lower) = plane.split_at_mut((height - 1 - row) * width);
            upper[row * width..][..width].swap_with_slice(&mut lower[..width]);
        }
    }
}
