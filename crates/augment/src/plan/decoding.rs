//! The scale and the part at which a plan needs its image decoded.

use super::{Plan, resizing_steps};
use crate::{CropBox, PlanStep, SpatialOp};

impl Plan {
    /// Returns the largest of 1, 2, 4 and 8 by which both sides of the image may be divided, such
    /// that the first crop is still at least as large as its resized form.
    ///
    /// The scale is 1 if the view does not begin with a crop, crops again later, or resizes without
    /// antialiasing, where the pixels that a decoder skips would show.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewKey, ViewMaker};
    ///
    /// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
    /// let plan = Recipe::evaluation(32).plan(key, [100, 150]);
    /// // 32 of 100 rows: every second row is enough, every fourth is not.
    /// assert_eq!(plan.smallest_scale(), 2);
    /// ```
    #[must_use]
    pub fn smallest_scale(&self) -> usize {
        let Some(PlanStep::Spatial(SpatialOp::Crop { part, size, resampling })) =
            self.steps.first()
        else {
            return 1;
        };
        if resizing_steps(&self.steps).is_none() || !resampling.antialias {
            return 1;
        }
        let fits = |scale: &usize| part.height >= size[0] * scale && part.width >= size[1] * scale;
        [8, 4, 2].into_iter().find(fits).unwrap_or(1)
    }

    /// Returns the part of the image that the view depends on, in pixels of the
    /// [`image`](Self::image) it was drawn for; the whole image if the view does not begin with a
    /// crop.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{PlanStep, Recipe, SpatialOp, ViewKey, ViewMaker};
    ///
    /// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
    /// let plan = Recipe::simclr_imagenet().plan(key, [375, 500]);
    /// let PlanStep::Spatial(SpatialOp::Crop { part, .. }) = plan.steps[0] else {
    ///     panic!("SimCLR crops first")
    /// };
    /// assert_eq!(plan.part(), part);
    /// ```
    #[must_use]
    pub fn part(&self) -> CropBox {
        match self.steps.first() {
            Some(PlanStep::Spatial(SpatialOp::Crop { part, .. })) => *part,
            _ => CropBox::whole(self.image),
        }
    }
}
