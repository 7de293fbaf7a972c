//! Mirroring left to right.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::{PlanStep, SpatialOp};

/// Swaps left and right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HorizontalFlip {
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for HorizontalFlip {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn draw(&self, _: [usize; 2], _: &mut impl Rng) -> PlanStep {
        SpatialOp::HorizontalFlip.into()
    }
}

impl fmt::Display for HorizontalFlip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "horizontal flip")
    }
}
