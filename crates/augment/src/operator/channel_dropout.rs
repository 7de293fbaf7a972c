//! Dropout of one channel.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, fraction, single};
use crate::{PixelOp, PlanStep};

/// Sets one of the three channels, chosen uniformly, to a single value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelDropout {
    /// The value, 0 to 1.
    pub fill: f64,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for ChannelDropout {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        fraction("fill", self.fill)
    }

    fn draw(&self, _: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        PixelOp::DropChannel { channel: rng.random_range(0..3), fill: single(self.fill) }.into()
    }
}

impl fmt::Display for ChannelDropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one channel set to {}", self.fill)
    }
}
