//! Gaussian blur of random strength.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, check, positive_range};
use crate::{PlanStep, SpatialOp};

/// Blurs with a Gaussian of random standard deviation; see [`gaussian_blur`](crate::gaussian_blur).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianBlur {
    /// Size of the kernel, in pixels, odd. Default, as in `SimCLR`: a tenth of the shorter side,
    /// rounded down, plus one if that is even. A kernel that reaches beyond the image's size is
    /// cut.
    #[serde(default)]
    pub kernel_size: Option<usize>,
    /// Range of the standard deviation, in pixels, above 0.
    pub sigma: [f64; 2],
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

impl Parameters for GaussianBlur {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        check("kernel_size", self.kernel_size.is_none_or(|size| size % 2 == 1), "odd")
            .or_else(|| positive_range("sigma", self.sigma))
    }

    fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        let side = image[0].min(image[1]);
        let reach = self.kernel_size.unwrap_or(side / 10) / 2;
        let kernel_size = 2 * reach.min(side - 1) + 1;
        let sigma = rng.random_range(self.sigma[0]..=self.sigma[1]);
        SpatialOp::Blur { kernel_size, sigma }.into()
    }
}

impl fmt::Display for GaussianBlur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.sigma;
        write!(f, "Gaussian blur: sigma {low} to {high} px, kernel ")?;
        match self.kernel_size {
            Some(size) => write!(f, "{size} px"),
            None => write!(f, "a tenth of the side"),
        }
    }
}
