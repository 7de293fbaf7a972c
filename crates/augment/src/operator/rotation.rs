//! Rotation by a random angle.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, check};
use crate::{PlanStep, SpatialOp};

/// Rotates by an angle uniform in `± degrees`, at the same size, mirrored at the border.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The largest angle, 0 to 360 degrees.
    pub degrees: f64,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for Rotation {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        check("degrees", (0.0..=360.0).contains(&self.degrees), "0 to 360")
    }

    fn draw(&self, _: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        SpatialOp::Rotate { degrees: rng.random_range(-self.degrees..=self.degrees) }.into()
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rotation by up to {}°", self.degrees)
    }
}
