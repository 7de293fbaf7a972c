//! A part of an image at another size.

use crate::run::resize::{Resizer, Resizing, Source};
use crate::{CropBox, PlanarImage, Resampling};

/// Crops a part and resizes it to `[height, width]`, as torchvision's `resized_crop` does on
/// floats.
///
/// # Panics
/// If the part is empty or reaches beyond the image.
///
/// # Example
/// ```
/// use selfsame_augment::{CropBox, PlanarImage, Resampling, resized_crop};
///
/// // A dark and a bright pixel become their mean.
/// let image = PlanarImage { height: 1, width: 2, data: [0.25, 0.75].repeat(3) };
/// let made = resized_crop(&image, CropBox::whole([1, 2]), [1, 1], Resampling::default());
/// assert!(made.data.iter().all(|x| (x - 0.5).abs() < 1e-6));
/// ```
#[must_use]
#[track_caller]
pub fn resized_crop(
    image: &PlanarImage,
    part: CropBox,
    size: [usize; 2],
    resampling: Resampling,
) -> PlanarImage {
    let mut resized = PlanarImage::black(size[0], size[1]);
    let resize = Resizing::new(part, [image.height, image.width], size, resampling);
    Resizer::default().run(&Source::Planes(image), &resize, resized.as_planes(), |_| {});
    resized
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::resize::samples::{every_resampling, ramp};

    #[test]
    fn the_same_size_is_the_same_image() {
        for resampling in every_resampling() {
            let same = resized_crop(&ramp(), CropBox::whole([5, 7]), [5, 7], resampling);
            let close = same.data.iter().zip(&ramp().data).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(close, "{resampling:?}");
        }
    }

    #[test]
    fn one_pixel_fills_any_size() {
        let dot = PlanarImage { height: 1, width: 1, data: vec![0.25, 0.5, 0.75] };
        for resampling in every_resampling() {
            let filled = resized_crop(&dot, CropBox::whole([1, 1]), [3, 2], resampling);
            assert!(filled.plane(1).iter().all(|x| (x - 0.5).abs() < 1e-6));
        }
    }

    #[test]
    #[should_panic(expected = "5 × 7")]
    fn a_part_beyond_the_image_is_refused() {
        let part = CropBox { top: 2, left: 0, height: 4, width: 7 };
        let _ = resized_crop(&ramp(), part, [4, 4], Resampling::default());
    }
}
