//! Drawn steps of a view, which have no randomness left.

use crate::{Border, CropBox, Resampling};

/// One step of one view, with its parameters drawn.
///
/// Two kinds exist: a [`SpatialOp`] computes a pixel from pixels at other positions, whatever their
/// values; a [`PixelOp`] changes values in place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlanStep {
    /// The operator does not act this time.
    Skip,
    /// Moves or mixes pixels.
    Spatial(SpatialOp),
    /// Changes values, up to four times one after the other.
    Pixels([Option<PixelOp>; 4]),
}

/// A step that computes each pixel as a weighted sum of other pixels, whose positions depend on no
/// value and are the same in every channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpatialOp {
    /// A part of the image, resized to `[height, width]`; see
    /// [`resized_crop`](crate::resized_crop).
    Crop {
        /// The part.
        part: CropBox,
        /// The new size.
        size: [usize; 2],
        /// How it is resized.
        resampling: Resampling,
    },
    /// A square that may lie partly beyond the image; see [`pad_crop`](crate::pad_crop).
    PadCrop {
        /// First row and column.
        place: [isize; 2],
        /// Side of the square.
        size: usize,
        /// The pixels beyond the image.
        border: Border,
    },
    /// See [`horizontal_flip`](crate::horizontal_flip).
    HorizontalFlip,
    /// See [`vertical_flip`](crate::vertical_flip).
    VerticalFlip,
    /// See [`rotate`](crate::rotate).
    Rotate {
        /// The angle, counter-clockwise.
        degrees: f64,
    },
    /// See [`gaussian_blur`](crate::gaussian_blur).
    Blur {
        /// Size of the kernel, odd; half of it is less than the shorter side.
        kernel_size: usize,
        /// Its standard deviation, in pixels.
        sigma: f64,
    },
}

/// A step that computes each pixel from the pixel itself, its position, and statistics of the
/// image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PixelOp {
    /// See [`brightness`](crate::brightness).
    Brightness(f32),
    /// See [`add_brightness`](crate::add_brightness).
    AddBrightness(f32),
    /// See [`contrast`](crate::contrast).
    Contrast(f32),
    /// See [`channel_contrast`](crate::channel_contrast).
    ChannelContrast(f32),
    /// See [`saturation`](crate::saturation).
    Saturation(f32),
    /// See [`hsv_saturation`](crate::hsv_saturation).
    HsvSaturation(f32),
    /// See [`hue`](crate::hue).
    Hue(f32),
    /// See [`grayscale`](crate::grayscale).
    Grayscale,
    /// See [`solarize`](crate::solarize).
    Solarize {
        /// The smallest value that is inverted.
        threshold: f32,
    },
    /// See [`posterize`](crate::posterize).
    Posterize {
        /// Bits that remain.
        bits: u32,
    },
    /// See [`drop_channel`](crate::drop_channel).
    DropChannel {
        /// 0, 1 or 2.
        channel: usize,
        /// The value it is set to.
        fill: f32,
    },
    /// See [`equalize`](crate::equalize).
    Equalize,
    /// See [`erase`](crate::erase).
    Erase {
        /// The part that is filled.
        part: CropBox,
        /// The gray that fills it, in `[0, 1]`.
        fill: f32,
    },
}

impl From<SpatialOp> for PlanStep {
    fn from(op: SpatialOp) -> Self {
        Self::Spatial(op)
    }
}

impl From<PixelOp> for PlanStep {
    fn from(op: PixelOp) -> Self {
        Self::Pixels([Some(op), None, None, None])
    }
}

impl From<[PixelOp; 4]> for PlanStep {
    fn from(ops: [PixelOp; 4]) -> Self {
        Self::Pixels(ops.map(Some))
    }
}

impl PlanStep {
    /// Returns the size of an image of `[height, width]` after this step.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{CropBox, PixelOp, PlanStep, Resampling, SpatialOp};
    ///
    /// let part = CropBox::whole([40, 60]);
    /// let crop = SpatialOp::Crop { part, size: [20, 30], resampling: Resampling::default() };
    /// assert_eq!(PlanStep::from(crop).size([40, 60]), [20, 30]);
    /// assert_eq!(PlanStep::from(PixelOp::Grayscale).size([40, 60]), [40, 60]);
    /// ```
    #[must_use]
    pub fn size(&self, image: [usize; 2]) -> [usize; 2] {
        match *self {
            Self::Spatial(SpatialOp::Crop { size, .. }) => size,
            Self::Spatial(SpatialOp::PadCrop { size, .. }) => [size; 2],
            _ => image,
        }
    }

    /// Returns whether the image may have another size afterwards.
    pub(crate) fn resizes(&self) -> bool {
        matches!(self, Self::Spatial(SpatialOp::Crop { .. } | SpatialOp::PadCrop { .. }))
    }

    /// Returns whether mirroring before this step is the same as mirroring after it.
    pub(crate) fn commutes_with_flips(&self) -> bool {
        match self {
            Self::Skip => true,
            Self::Spatial(op) => match op {
                SpatialOp::HorizontalFlip | SpatialOp::VerticalFlip | SpatialOp::Blur { .. } => {
                    true
                }
                SpatialOp::Crop { .. } | SpatialOp::PadCrop { .. } | SpatialOp::Rotate { .. } => {
                    false
                }
            },
            Self::Pixels(ops) => {
                ops.iter().flatten().all(|op| !matches!(op, PixelOp::Erase { .. }))
            }
        }
    }
}
