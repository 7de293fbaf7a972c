//! Erasure of a random part.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, area_range, fraction, positive_range, single};
use crate::{CropBox, PixelOp, PlanStep};

/// Fills a part of random area, shape and position; see [`draw_erasure`]. After ten draws that do
/// not fit, the image is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomErasing {
    /// Range of the part's area as a share of the image's, above 0 and up to 1. Paper: 0.02 to 0.4.
    pub area: [f64; 2],
    /// Range of height over width, above 0; drawn logarithmically. Paper: 0.3 to 1 / 0.3.
    pub aspect: [f64; 2],
    /// The gray that fills the part, 0 to 1.
    pub fill: f64,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for RandomErasing {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        area_range(self.area)
            .or_else(|| positive_range("aspect", self.aspect))
            .or_else(|| fraction("fill", self.fill))
    }

    fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        let fill = single(self.fill);
        draw_erasure(image, self.area, self.aspect, rng)
            .map_or(PlanStep::Skip, |part| PixelOp::Erase { part, fill }.into())
    }
}

impl fmt::Display for RandomErasing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { area, aspect, fill, .. } = self;
        write!(
            f,
            "random erasing: area {} to {}, aspect {:.3} to {:.3}, filled with {fill}",
            area[0], area[1], aspect[0], aspect[1]
        )
    }
}

/// Draws a part to erase, or `None` after ten parts that do not fit.
///
/// The area is uniform in `area` (shares of the image's), the logarithm of height over width
/// uniform in the logarithms of `aspect`, the position uniform.
///
/// # Panics
/// If a range is empty.
///
/// # Source
/// Zhong et al., 2017, [arXiv:1708.04896](https://arxiv.org/abs/1708.04896), algorithm 1, in the
/// form of torchvision's `RandomErasing`. Deviation: none.
///
/// # Example
/// ```
/// use selfsame_augment::{ViewKey, draw_erasure};
///
/// let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
/// let part = draw_erasure([100, 100], [0.04, 0.04], [1.0, 1.0], &mut rng).unwrap();
/// assert_eq!((part.height, part.width), (20, 20));
/// assert_eq!(draw_erasure([1, 1], [0.5, 0.5], [1.0, 1.0], &mut rng), None);
/// ```
pub fn draw_erasure(
    image: [usize; 2],
    area: [f64; 2],
    aspect: [f64; 2],
    rng: &mut impl Rng,
) -> Option<CropBox> {
    let pixels = (image[0] * image[1]) as f64;
    (0..10).find_map(|_| {
        let target = pixels * rng.random_range(area[0]..=area[1]);
        let shape = rng.random_range(aspect[0].ln()..=aspect[1].ln()).exp();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sides of parts"
        )]
        let [height, width] =
            [target * shape, target / shape].map(|side| side.sqrt().round() as usize);
        if height == 0 || width == 0 || height >= image[0] || width >= image[1] {
            return None;
        }
        let top = rng.random_range(0..=image[0] - height);
        let left = rng.random_range(0..=image[1] - width);
        Some(CropBox { top, left, height, width })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewKey;

    #[test]
    fn areas_and_shapes_follow_their_distributions() {
        let mut rng = ViewKey { seed: 3, epoch: 0, sample: 0, view: 0 }.rng();
        let (mut areas, mut shapes, draws) = (0.0, 0.0, 4_000);
        for _ in 0..draws {
            let part = draw_erasure([1000, 1000], [0.02, 0.2], [0.5, 2.0], &mut rng).unwrap();
            let shape = part.height as f64 / part.width as f64;
            let covered = (part.height * part.width) as f64 / 1e6;
            assert!((0.019..0.201).contains(&covered) && (0.49..2.02).contains(&shape));
            areas += covered / f64::from(draws);
            shapes += shape.ln() / f64::from(draws);
        }
        // Means of uniform draws, within four standard errors.
        assert!((areas - 0.11).abs() < 4.0 * 0.18 / 12_f64.sqrt() / 63.2, "{areas}");
        assert!(shapes.abs() < 4.0 * 4_f64.ln() / 12_f64.sqrt() / 63.2, "{shapes}");
        assert_eq!(draw_erasure([1, 1], [0.5, 0.5], [1.0, 1.0], &mut rng), None);
    }
}
