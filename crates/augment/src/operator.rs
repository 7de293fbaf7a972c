//! Operators: random changes of an image, with the ranges that their parameters are drawn from.
//!
//! Each operator is a file of this folder and a line of the list below.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::PlanStep;

mod parameters;

pub use color_jitter::JitterConvention;
pub use cutout::draw_cutout;
pub(crate) use parameters::InvalidField;
use parameters::{Parameters, fraction};
pub use random_erasing::draw_erasure;
pub use random_resized_crop::draw_crop;

/// Declares the modules of the operators, and an enum that dispatches to their parameters.
macro_rules! operators {
    ($($file:ident::$name:ident,)+) => {
        $(
            mod $file;
            pub use $file::$name;

            impl From<$name> for Operator {
                fn from(parameters: $name) -> Self {
                    Self::$name(parameters)
                }
            }
        )+

        /// One operator of a view, with the ranges its parameters are drawn from.
        ///
        /// # Example
        /// ```
        /// use selfsame_augment::Operator;
        /// use selfsame_augment::operator::Solarize;
        ///
        /// let solarize = Operator::from(Solarize { threshold: 0.5, probability: 0.2 });
        /// let text = r#"{"op":"solarize","threshold":0.5,"probability":0.2}"#;
        /// assert_eq!(serde_json::from_str::<Operator>(text).unwrap(), solarize);
        /// assert_eq!(solarize.to_string(), "solarize from 0.5 on (probability 0.2)");
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "op", rename_all = "snake_case")]
        pub enum Operator {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name),
            )+
        }

        impl Parameters for Operator {
            fn probability(&self) -> f64 {
                match self { $(Self::$name(parameters) => parameters.probability(),)+ }
            }

            fn side_after(&self, before: Option<usize>) -> Option<usize> {
                match self { $(Self::$name(parameters) => parameters.side_after(before),)+ }
            }

            fn invalid_field(&self) -> Option<InvalidField> {
                match self { $(Self::$name(parameters) => parameters.invalid_field(),)+ }
            }

            fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
                match self { $(Self::$name(parameters) => parameters.draw(image, rng),)+ }
            }
        }

        impl fmt::Display for Operator {
            /// Writes the name, each parameter, and the probability if it is below 1.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$name(parameters) => write!(f, "{parameters}"),)+ }?;
                let probability = self.probability();
                if probability < 1.0 { write!(f, " (probability {probability})") } else { Ok(()) }
            }
        }
    };
}

// The `mod` lines are the macro's, so `cargo fmt` does not reach these files: run
// `rustfmt --edition 2024 crates/augment/src/operator/*.rs`.
operators! {
    random_resized_crop::RandomResizedCrop,
    resize::Resize,
    center_crop::CenterCrop,
    pad_crop::PadCrop,
    horizontal_flip::HorizontalFlip,
    vertical_flip::VerticalFlip,
    rotation::Rotation,
    color_jitter::ColorJitter,
    grayscale::Grayscale,
    gaussian_blur::GaussianBlur,
    solarize::Solarize,
    equalize::Equalize,
    posterize::Posterize,
    random_erasing::RandomErasing,
    cutout::Cutout,
    channel_dropout::ChannelDropout,
}

impl Operator {
    /// Draws the step for an image of `[height, width]`; it is [`PlanStep::Skip`] if the operator
    /// does not act this time.
    ///
    /// # Panics
    /// If a parameter is out of its range, or the image is empty.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::operator::CenterCrop;
    /// use selfsame_augment::{CropBox, Operator, PlanStep, Resampling, SpatialOp, ViewKey};
    ///
    /// let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
    /// let step = Operator::from(CenterCrop { size: 2 }).draw([4, 6], &mut rng);
    /// let part = CropBox { top: 1, left: 2, height: 2, width: 2 };
    /// let crop = SpatialOp::Crop { part, size: [2, 2], resampling: Resampling::default() };
    /// assert_eq!(step, PlanStep::Spatial(crop));
    /// ```
    pub fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        let probability = self.probability();
        if probability < 1.0 && !rng.random_bool(probability.max(0.0)) {
            return PlanStep::Skip;
        }
        Parameters::draw(self, image, rng)
    }

    /// Returns the probability of acting, 0 to 1; operators that always act have 1.
    #[must_use]
    pub fn probability(&self) -> f64 {
        Parameters::probability(self)
    }

    /// Returns the side of the square that this operator always produces, whatever the image
    /// before.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        self.side_after(None)
    }

    /// Returns the side of the square view that these operators always produce.
    pub(crate) fn side_after_all(operators: &[Self]) -> Option<usize> {
        operators.iter().fold(None, |side, operator| operator.side_after(side))
    }

    /// Multiplies all lengths in pixels by `share`.
    pub(crate) fn scale(&mut self, share: f64) {
        let scaled = |length| scaled(length, share);
        match self {
            Self::RandomResizedCrop(RandomResizedCrop { size, .. })
            | Self::Resize(Resize { size, .. })
            | Self::CenterCrop(CenterCrop { size })
            | Self::Cutout(Cutout { size, .. }) => *size = scaled(*size),
            Self::PadCrop(PadCrop { size, padding, .. }) => {
                (*size, *padding) = (scaled(*size), scaled(*padding));
            }
            Self::GaussianBlur(GaussianBlur { kernel_size: Some(kernel), .. }) => {
                *kernel = scaled(u32::try_from(*kernel).unwrap_or(u32::MAX)) as usize | 1; // odd
            }
            _ => {}
        }
    }

    /// Returns the first field out of its range.
    pub(crate) fn invalid_field(&self) -> Option<InvalidField> {
        Parameters::invalid_field(self)
            .or_else(|| fraction("probability", Parameters::probability(self)))
    }
}

/// Multiplies a length in pixels by `share`; it becomes at least 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1")]
pub(crate) fn scaled(length: u32, share: f64) -> u32 {
    (f64::from(length) * share).round().max(1.0) as u32
}
