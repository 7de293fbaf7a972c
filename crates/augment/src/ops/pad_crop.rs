//! A square that may reach beyond the image.

use serde::{Deserialize, Serialize};

use crate::PlanarImage;

/// The pixels beyond an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// Black pixels.
    #[default]
    Zero,
    /// The image mirrored, without repeating its edge.
    Reflect,
}

/// Crops the square of `size` pixels whose first row and column are `top` and `left`; both may be
/// outside the image, where `border` decides the pixels.
///
/// The content of `scratch` does not matter.
///
/// # Panics
/// If the image is empty, or `size` is 0.
///
/// # Example
/// ```
/// use selfsame_augment::{Border, PlanarImage, pad_crop};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.25, 0.5, 0.75] };
/// pad_crop(&mut image, [0, -1], 2, Border::Zero, &mut PlanarImage::default());
/// // One pixel in the upper right corner.
/// assert_eq!(image.data[..4], [0.0, 0.25, 0.0, 0.0]);
/// ```
pub fn pad_crop(
    image: &mut PlanarImage,
    [top, left]: [isize; 2],
    size: usize,
    border: Border,
    scratch: &mut PlanarImage,
) {
    scratch.reshape(size, size);
    let (height, width) = (image.height, image.width);
    for (channel, to) in scratch.planes_mut().into_iter().enumerate() {
        let from = image.plane(channel);
        for (row, y) in to.chunks_exact_mut(size).zip(top..) {
            let Some(y) = border.place(y, height) else {
                row.fill(0.0);
                continue;
            };
            let line = &from[y * width..][..width];
            for (to, x) in row.iter_mut().zip(left..) {
                *to = border.place(x, width).map_or(0.0, |x| line[x]);
            }
        }
    }
    std::mem::swap(image, scratch);
}

impl Border {
    /// Returns the index of the pixel that is shown at `place`, if any.
    pub(crate) fn place(self, place: isize, side: usize) -> Option<usize> {
        let inside = usize::try_from(place).ok().filter(|place| *place < side);
        match self {
            Self::Zero => inside,
            Self::Reflect => inside.or_else(|| {
                let period = 2 * (side - 1).max(1);
                let place = place.unsigned_abs() % period;
                Some(place.min(period - place).min(side - 1))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(left: isize, size: usize, border: Border) -> Vec<f32> {
        let mut image = PlanarImage { height: 1, width: 3, data: [1.0, 2.0, 3.0].repeat(3) };
        pad_crop(&mut image, [0, left], size, border, &mut PlanarImage::default());
        image.plane(2)[..size].to_vec()
    }

    #[test]
    fn beyond_the_border_is_black_or_a_mirror() {
        assert_eq!(row(-2, 4, Border::Zero), [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(row(1, 4, Border::Zero), [2.0, 3.0, 0.0, 0.0]);
        assert_eq!(row(-2, 4, Border::Reflect), [3.0, 2.0, 1.0, 2.0]);
        // Mirrored again and again: 1 2 3 2 1 2 3 2 …
        assert_eq!(row(1, 7, Border::Reflect), [2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    }

    #[test]
    fn the_image_itself_stays() {
        let data: Vec<f32> = (0..27).map(|i| i as f32).collect();
        let image = PlanarImage { height: 3, width: 3, data };
        for border in [Border::Zero, Border::Reflect] {
            let mut same = image.clone();
            pad_crop(&mut same, [0, 0], 3, border, &mut PlanarImage::default());
            assert_eq!(same, image);
        }
    }
}
