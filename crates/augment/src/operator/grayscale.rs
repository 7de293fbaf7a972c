//! Conversion to gray.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::{PixelOp, PlanStep};

/// Replaces each pixel by its gray, in all three channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grayscale {
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for Grayscale {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn draw(&self, _: [usize; 2], _: &mut impl Rng) -> PlanStep {
        PixelOp::Grayscale.into()
    }
}

impl fmt::Display for Grayscale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "grayscale")
    }
}
