//! Execution step by step, the reference for the other executors.

use super::blur::{Blur, Blurring};
use super::pointwise::apply_alone;
use super::resize::{Resizer, Resizing, Source};
use crate::ops::{
    equalize_plane, erase_planes, flip_planes_horizontally, flip_planes_vertically, pad_crop,
    rotate_planes,
};
use crate::planes::Planes;
use crate::{PixelOp, PlanStep, PlanarImage, SpatialOp};

/// Buffers of single steps, reused from step to step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) spare: PlanarImage,
    pub(crate) resizer: Resizer,
    pub(crate) blur: Blur,
}

/// Applies a step to an image.
pub(crate) fn apply_step(step: &PlanStep, image: &mut PlanarImage, buffers: &mut Buffers) {
    let spare = &mut buffers.spare;
    match *step {
        PlanStep::Skip => {}
        PlanStep::Spatial(SpatialOp::Crop { part, size, resampling }) => {
            let resize = Resizing::new(part, [image.height, image.width], size, resampling);
            spare.reshape(size[0], size[1]);
            buffers.resizer.run(&Source::Planes(image), &resize, spare.as_planes(), |_| {});
            std::mem::swap(image, spare);
        }
        PlanStep::Spatial(SpatialOp::PadCrop { place, size, border }) => {
            pad_crop(image, place, size, border, spare);
        }
        PlanStep::Spatial(SpatialOp::Blur { kernel_size, sigma }) => {
            buffers.blur.run(Blurring::new(kernel_size, sigma), image.as_planes(), |_| {});
        }
        PlanStep::Spatial(op) => move_pixels(op, &mut image.as_planes(), spare),
        PlanStep::Pixels(ops) => {
            for op in ops.into_iter().flatten() {
                change_values(op, image.as_planes());
            }
        }
    }
}

/// Applies a spatial step that keeps the size and is no blur.
pub(crate) fn move_pixels(op: SpatialOp, planes: &mut Planes<'_>, spare: &mut PlanarImage) {
    match op {
        SpatialOp::HorizontalFlip => flip_planes_horizontally(planes),
        SpatialOp::VerticalFlip => flip_planes_vertically(planes),
        SpatialOp::Rotate { degrees } => rotate_planes(planes, degrees, spare),
        SpatialOp::Crop { .. } | SpatialOp::PadCrop { .. } | SpatialOp::Blur { .. } => {}
    }
}

/// Applies one change of values.
pub(crate) fn change_values(op: PixelOp, mut planes: Planes<'_>) {
    match op {
        PixelOp::Equalize => planes.into_channels().into_iter().for_each(equalize_plane),
        PixelOp::Erase { part, fill } => erase_planes(&mut planes, part, [fill; 3]),
        pointwise => apply_alone(pointwise, planes),
    }
}
