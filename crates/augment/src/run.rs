//! Executors of drawn steps: one step after the other, few fused passes, whole batches on a device.

use crate::{PlanStep, PlanarImage};

pub(crate) mod blur;
#[cfg(feature = "device")]
mod device;
mod filter_weights;
mod fused;
pub(crate) mod pointwise;
mod reference;
pub(crate) mod resize;
mod transpose;
mod weighted_lines;

pub use fused::Scratch;

impl PlanStep {
    /// Applies this step alone to an image, not fused with others.
    ///
    /// # Panics
    /// If the step was drawn for an image of another size.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{PixelOp, PlanStep, PlanarImage, Scratch};
    ///
    /// let mut image = PlanarImage::black(2, 2);
    /// PlanStep::from(PixelOp::AddBrightness(0.5)).apply(&mut image, &mut Scratch::default());
    /// assert_eq!(image.data, [0.5; 12]);
    /// ```
    pub fn apply(&self, image: &mut PlanarImage, scratch: &mut Scratch) {
        reference::apply_step(self, image, &mut scratch.buffers);
    }
}
