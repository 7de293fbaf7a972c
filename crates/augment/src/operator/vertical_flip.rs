//! Mirroring top to bottom.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::{PlanStep, SpatialOp};

/// Swaps top and bottom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalFlip {
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for VerticalFlip {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn draw(&self, _: [usize; 2], _: &mut impl Rng) -> PlanStep {
        SpatialOp::VerticalFlip.into()
    }
}

impl fmt::Display for VerticalFlip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vertical flip")
    }
}
