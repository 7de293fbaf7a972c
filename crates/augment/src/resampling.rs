//! Ways to resize an image.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The curve that interpolates between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Straight lines between neighboring pixels.
    Bilinear,
    /// Keys' cubic through four pixels; values may leave `[0, 1]`.
    Bicubic,
}

/// How an image is resized.
///
/// # Example
/// ```
/// use selfsame_augment::Resampling;
///
/// assert_eq!(Resampling::default().to_string(), "bilinear, antialiased");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resampling {
    /// The interpolating curve.
    pub interpolation: Interpolation,
    /// Whether the filter widens as the image shrinks.
    pub antialias: bool,
}

impl Default for Resampling {
    /// Returns bilinear interpolation with antialiasing, torchvision's default.
    fn default() -> Self {
        Self { interpolation: Interpolation::Bilinear, antialias: true }
    }
}

impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let curve = match self.interpolation {
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        };
        write!(f, "{curve}{}", if self.antialias { ", antialiased" } else { "" })
    }
}
