//! The square in the center.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, side};
use crate::{CropBox, PlanStep, Resampling, SpatialOp};

/// Crops the square in the center; a smaller image is first resized to fill it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    /// Side of the square, 1 to 65536 pixels.
    pub size: u32,
}

impl Parameters for CenterCrop {
    fn side_after(&self, _: Option<usize>) -> Option<usize> {
        Some(self.size as usize)
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        side(self.size)
    }

    fn draw(&self, image: [usize; 2], _: &mut impl Rng) -> PlanStep {
        let size = [self.size as usize; 2];
        let part = CropBox::center(image, size);
        SpatialOp::Crop { part, size, resampling: Resampling::default() }.into()
    }
}

impl fmt::Display for CenterCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "center crop to {} px", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlanarImage, Scratch, ViewKey};

    #[test]
    fn small_images_fill_a_center_crop() {
        let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
        let step = CenterCrop { size: 8 }.draw([4, 6], &mut rng);
        let mut image = PlanarImage::black(4, 6);
        step.apply(&mut image, &mut Scratch::default());
        assert_eq!((image.height, image.width), (8, 8));
    }
}
