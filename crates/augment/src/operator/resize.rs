//! Resizing that keeps the shape.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, side};
use crate::{CropBox, PlanStep, Resampling, SpatialOp};

/// Resizes so that the shorter side has `size` pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// The shorter side afterwards, 1 to 65536 pixels.
    pub size: u32,
    /// How the image is resized.
    pub resampling: Resampling,
}

impl Parameters for Resize {
    /// Returns `size` if the view always was a square, since a square stays one.
    fn side_after(&self, before: Option<usize>) -> Option<usize> {
        before.map(|_| self.size as usize)
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        side(self.size)
    }

    fn draw(&self, image: [usize; 2], _: &mut impl Rng) -> PlanStep {
        let size = shorter_side(image, self.size as usize);
        SpatialOp::Crop { part: CropBox::whole(image), size, resampling: self.resampling }.into()
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resize, shorter side to {} px: {}", self.size, self.resampling)
    }
}

/// `[height, width]` whose shorter side is `size`, the longer rounded down as in torchvision.
fn shorter_side([height, width]: [usize; 2], size: usize) -> [usize; 2] {
    if height <= width { [size, size * width / height] } else { [size * height / width, size] }
}
