//! Padding by a border, then a random square crop.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, padding, side};
use crate::{Border, PlanStep, SpatialOp};

/// Pads the image with a border and crops a square at a random position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PadCrop {
    /// Side of the square, 1 to 65536 pixels; one larger than the padded image is centered on it.
    pub size: u32,
    /// Width of the border, 0 to 65536 pixels.
    pub padding: u32,
    /// The pixels of the border. Default: black.
    #[serde(default)]
    pub border: Border,
}

impl Parameters for PadCrop {
    fn side_after(&self, _: Option<usize>) -> Option<usize> {
        Some(self.size as usize)
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        side(self.size).or_else(|| padding(self.padding))
    }

    fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        let Self { size, padding, border } = *self;
        let place = image.map(|side| draw_place(side, size, padding, rng));
        SpatialOp::PadCrop { place, size: size as usize, border }.into()
    }
}

impl fmt::Display for PadCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let border = if self.border == Border::Zero { "black" } else { "mirrored" };
        write!(f, "crop to {} px after a {border} border of {} px", self.size, self.padding)
    }
}

/// Draws the first row or column of a square within a padded side.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "pixels")]
fn draw_place(length: usize, size: u32, padding: u32, rng: &mut impl Rng) -> isize {
    let room = length as i64 + 2 * i64::from(padding) - i64::from(size);
    let place = if room < 0 { room.div_euclid(2) } else { rng.random_range(0..=room) };
    (place - i64::from(padding)) as isize
}
