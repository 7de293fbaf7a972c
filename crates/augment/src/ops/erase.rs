//! Erasure of a part of an image.

use crate::planes::Planes;
use crate::{CropBox, PlanarImage};

/// Fills `part` with one color: red, green and blue in `[0, 1]`.
///
/// # Panics
/// If the part reaches beyond the image.
///
/// # Example
/// ```
/// use selfsame_augment::{CropBox, PlanarImage, erase};
///
/// let mut image = PlanarImage::black(1, 2);
/// erase(&mut image, CropBox { top: 0, left: 1, height: 1, width: 1 }, [0.25, 0.5, 1.0]);
/// assert_eq!(image.data, [0.0, 0.25, 0.0, 0.5, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn erase(image: &mut PlanarImage, part: CropBox, color: [f32; 3]) {
    erase_planes(&mut image.as_planes(), part, color);
}

#[track_caller]
pub(crate) fn erase_planes(planes: &mut Planes<'_>, part: CropBox, color: [f32; 3]) {
    let CropBox { top, left, height, width } = part;
    let stride = planes.width.max(1);
    for (plane, color) in planes.rows(top, height).channels().into_iter().zip(color) {
        for row in plane.chunks_exact_mut(stride) {
            row[left..][..width].fill(color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_is_filled() {
        let mut image = PlanarImage::black(4, 5);
        erase(&mut image, CropBox { top: 1, left: 2, height: 2, width: 3 }, [0.25, 0.5, 1.0]);
        let sums = [0, 1, 2].map(|channel| image.plane(channel).iter().sum::<f32>());
        assert_eq!(sums, [6.0 * 0.25, 6.0 * 0.5, 6.0]);
        assert_eq!((image.data[6], image.data[7], image.data[19]), (0.0, 0.25, 0.0));
    }
}
