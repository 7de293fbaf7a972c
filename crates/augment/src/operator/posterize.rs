//! Reduction to few levels.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, check};
use crate::{PixelOp, PlanStep};

/// Rounds values down to `2^bits` levels; see [`posterize`](crate::posterize).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posterize {
    /// Bits that remain, 1 to 8.
    pub bits: u32,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for Posterize {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        check("bits", (1..=8).contains(&self.bits), "1 to 8")
    }

    fn draw(&self, _: [usize; 2], _: &mut impl Rng) -> PlanStep {
        PixelOp::Posterize { bits: self.bits }.into()
    }
}

impl fmt::Display for Posterize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "posterize to {} bits", self.bits)
    }
}
