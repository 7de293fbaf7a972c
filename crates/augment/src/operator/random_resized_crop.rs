//! A random part of the image, resized to a square.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, area_range, positive_range, side};
use crate::{CropBox, PlanStep, Resampling, SpatialOp};

/// Crops a part of random area and shape and resizes it to a square; see [`draw_crop`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomResizedCrop {
    /// Side of the view, 1 to 65536 pixels.
    pub size: u32,
    /// Range of the part's area as a share of the image's, above 0 and up to 1.
    pub area: [f64; 2],
    /// Range of width over height, above 0; drawn logarithmically.
    pub aspect: [f64; 2],
    /// How the part is resized.
    pub resampling: Resampling,
}

impl Parameters for RandomResizedCrop {
    fn side_after(&self, _: Option<usize>) -> Option<usize> {
        Some(self.size as usize)
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        side(self.size)
            .or_else(|| area_range(self.area))
            .or_else(|| positive_range("aspect", self.aspect))
    }

    fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        let part = draw_crop(image, self.area, self.aspect, rng);
        let size = [self.size as usize; 2];
        SpatialOp::Crop { part, size, resampling: self.resampling }.into()
    }
}

impl fmt::Display for RandomResizedCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, area, aspect, resampling } = self;
        write!(
            f,
            "random resized crop to {size} px: area {} to {}, aspect {:.3} to {:.3}, {resampling}",
            area[0], area[1], aspect[0], aspect[1]
        )
    }
}

/// Draws a part of random area, shape and position.
///
/// The area is uniform in `area` (shares of the image's), the logarithm of width over height
/// uniform in the logarithms of `aspect`, the position uniform. After ten parts that do not fit,
/// the result is the largest part in the center whose shape is within `aspect`.
///
/// # Panics
/// If a range or the image is empty.
///
/// # Source
/// Szegedy et al., 2015, [arXiv:1409.4842](https://arxiv.org/abs/1409.4842), section 6, in the form
/// of torchvision's `RandomResizedCrop`. Deviation: none.
///
/// # Example
/// ```
/// use selfsame_augment::{ViewKey, draw_crop};
///
/// let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
/// let part = draw_crop([100, 100], [0.25, 0.25], [1.0, 1.0], &mut rng);
/// assert_eq!((part.height, part.width), (50, 50));
/// ```
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
