//! Inversion of bright values.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, fraction, single};
use crate::{PixelOp, PlanStep};

/// Inverts values of at least `threshold`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solarize {
    /// The smallest value that is inverted, 0 to 1.
    pub threshold: f64,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for Solarize {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        fraction("threshold", self.threshold)
    }

    fn draw(&self, _: [usize; 2], _: &mut impl Rng) -> PlanStep {
        PixelOp::Solarize { threshold: single(self.threshold) }.into()
    }
}

impl fmt::Display for Solarize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "solarize from {} on", self.threshold)
    }
}
