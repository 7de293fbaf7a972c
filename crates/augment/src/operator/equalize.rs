//! Equalization of the histogram.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::{PixelOp, PlanStep};

/// Equalizes the histogram of each channel; see [`equalize`](crate::equalize).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equalize {
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for Equalize {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn draw(&self, _: [usize; 2], _: &mut impl Rng) -> PlanStep {
        PixelOp::Equalize.into()
    }
}

impl fmt::Display for Equalize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "equalize")
    }
}
