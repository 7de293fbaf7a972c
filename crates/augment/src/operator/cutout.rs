//! Erasure of a square at a random pixel.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, fraction, side, single};
use crate::{CropBox, PixelOp, PlanStep};

/// Fills a square centered on a random pixel; see [`draw_cutout`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutout {
    /// Side of the square, 1 to 65536 pixels. Paper: 16 for CIFAR-10.
    pub size: u32,
    /// The gray that fills the square, 0 to 1.
    pub fill: f64,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for Cutout {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        side(self.size).or_else(|| fraction("fill", self.fill))
    }

    fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        let part = draw_cutout(image, self.size as usize, rng);
        PixelOp::Erase { part, fill: single(self.fill) }.into()
    }
}

impl fmt::Display for Cutout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cutout of {} px, filled with {}", self.size, self.fill)
    }
}

/// Draws a square of `side` pixels centered anywhere in the image, cut off at the border.
///
/// # Panics
/// If the image is empty.
///
/// # Source
/// DeVries & Taylor, 2017, [arXiv:1708.04552](https://arxiv.org/abs/1708.04552), section 3.2.
/// Deviation: none.
///
/// # Example
/// ```
/// use selfsame_augment::{ViewKey, draw_cutout};
///
/// let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
/// let part = draw_cutout([32, 32], 8, &mut rng);
/// assert!((4..=8).contains(&part.height) && (4..=8).contains(&part.width));
/// ```
pub fn draw_cutout([height, width]: [usize; 2], side: usize, rng: &mut impl Rng) -> CropBox {
    let mut stretch = |length: usize| {
        let middle = rng.random_range(0..length);
        let start = middle.saturating_sub(side / 2);
        (start, (middle + side.div_ceil(2)).min(length) - start)
    };
    let ((top, height), (left, width)) = (stretch(height), stretch(width));
    CropBox { top, left, height, width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewKey;

    #[test]
    fn squares_are_cut_off_at_the_border() {
        let mut rng = ViewKey { seed: 5, epoch: 0, sample: 0, view: 0 }.rng();
        let (mut whole, draws) = (0, 4_000);
        for _ in 0..draws {
            let part = draw_cutout([20, 20], 8, &mut rng);
            assert!(part.height >= 4 && part.width >= 4, "{part:?}");
            assert!(part.top + part.height <= 20 && part.left + part.width <= 20, "{part:?}");
            whole += u32::from(part.height == 8 && part.width == 8);
        }
        // A whole square has its middle in 13 of 20 rows and columns.
        let share = f64::from(whole) / f64::from(draws);
        assert!((share - 0.4225).abs() < 4.0 * 0.494 / 63.2, "{share}");
    }
}
