//! Choosing a part of an image.

use rand::{Rng, RngExt};

/// A part of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Columns, at least 1.
    pub width: usize,
}

impl CropBox {
    /// All of an image of `[height, width]`.
    #[must_use]
    pub fn whole([height, width]: [usize; 2]) -> Self {
        Self { top: 0, left: 0, height, width }
    }

    /// The smallest part that holds both.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::CropBox;
    ///
    /// let first = CropBox { top: 2, left: 3, height: 4, width: 5 };
    /// let second = CropBox { top: 5, left: 0, height: 4, width: 5 };
    /// assert_eq!(first.with(second), CropBox { top: 2, left: 0, height: 7, width: 8 });
    /// ```
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (top, left) = (self.top.min(other.top), self.left.min(other.left));
        let bottom = (self.top + self.height).max(other.top + other.height);
        let right = (self.left + self.width).max(other.left + other.width);
        Self { top, left, height: bottom - top, width: right - left }
    }

    /// The middle of an image of `[height, width]`, no larger than the image.
    #[must_use]
    pub fn center(image: [usize; 2], part: [usize; 2]) -> Self {
        let [height, width] = [part[0].min(image[0]), part[1].min(image[1])];
        Self { top: (image[0] - height) / 2, left: (image[1] - width) / 2, height, width }
    }
}

/// Draws a part of random area, shape and place.
///
/// The area is uniform in `area` (shares of the image's), the logarithm of width over height
/// uniform in the logarithms of `aspect`, the place uniform. After ten parts that do not fit, the
/// largest part in the middle whose shape is within `aspect` is taken.
///
/// # Source
/// Szegedy et al., 2015, [arXiv:1409.4842](https://arxiv.org/abs/1409.4842), section 6, in the form
/// of torchvision's `RandomResizedCrop`.
pub fn draw_crop(
    image: [usize; 2],
    area: [f64; 2],
    aspect: [f64; 2],
    rng: &mut impl Rng,
) -> CropBox {
    let [height, width] = image.map(|side| side as f64);
    for _ in 0..10 {
        let target = height * width * rng.random_range(area[0]..=area[1]);
        let shape = rng.random_range(aspect[0].ln()..=aspect[1].ln()).exp();
        let part = [(target / shape).sqrt(), (target * shape).sqrt()].map(whole);
        if part[0] >= 1 && part[1] >= 1 && part[0] <= image[0] && part[1] <= image[1] {
            let top = rng.random_range(0..=image[0] - part[0]);
            let left = rng.random_range(0..=image[1] - part[1]);
            return CropBox { top, left, height: part[0], width: part[1] };
        }
    }
    let part = if width / height < aspect[0] {
        [whole(width / aspect[0]), image[1]]
    } else if width / height > aspect[1] {
        [image[0], whole(height * aspect[1])]
    } else {
        image
    };
    CropBox::center(image, part.map(|side| side.max(1)))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides of images")]
fn whole(side: f64) -> usize {
    side.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewKey;

    fn rng() -> impl Rng {
        ViewKey { seed: 4, epoch: 0, sample: 0, view: 0 }.rng()
    }

    #[test]
    fn area_and_shape_follow_their_distributions() {
        let mut rng = rng();
        let (image, area, aspect) = ([1000, 1000], [0.2, 0.5], [0.75, 4.0 / 3.0]);
        let draws = 4_000;
        let (mut areas, mut shapes, mut lefts) = (0.0, 0.0, 0.0);
        for _ in 0..draws {
            let part = draw_crop(image, area, aspect, &mut rng);
            let covered = (part.height * part.width) as f64 / 1e6;
            let shape = part.width as f64 / part.height as f64;
            assert!((0.198..0.502).contains(&covered) && (0.74..1.35).contains(&shape));
            assert!(part.top + part.height <= 1000 && part.left + part.width <= 1000);
            areas += covered / f64::from(draws);
            shapes += shape.ln() / f64::from(draws);
            lefts += part.left as f64 / (1000 - part.width) as f64 / f64::from(draws);
        }
        // Means of uniform draws, within four standard errors.
        assert!((areas - 0.35).abs() < 4.0 * 0.0866 / 63.2, "{areas}");
        assert!(shapes.abs() < 4.0 * 0.166 / 63.2, "{shapes}");
        assert!((lefts - 0.5).abs() < 4.0 * 0.289 / 63.2, "{lefts}");
    }

    #[test]
    fn a_strip_is_cut_to_the_widest_shape_allowed() {
        let part = draw_crop([10, 1000], [0.9, 1.0], [0.75, 4.0 / 3.0], &mut rng());
        assert_eq!(part, CropBox { top: 0, left: 493, height: 10, width: 13 });
        let dot = draw_crop([1, 1], [0.01, 0.02], [1.0, 1.0], &mut rng());
        assert_eq!(dot, CropBox { top: 0, left: 0, height: 1, width: 1 });
    }
}
