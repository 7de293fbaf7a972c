//! Views of a whole batch on one device.

use std::collections::VecDeque;

use burn::tensor::{DType, Tensor};

use crate::{PixelOp, Plan, PlanStep, Recipe, SpatialOp, ViewKey, ViewMaker};
use color::ColorOp;
use geometry::Geometry;
use per_image::select;

mod color;
mod equalize;
mod erase;
mod geometry;
mod levels;
mod per_image;
mod rotate;

impl Recipe {
    /// Makes all views of a batch of images on their device, normalized.
    ///
    /// Every random choice is drawn on the host by [`plan`](ViewMaker::plan), so a key gives the
    /// view that [`write_view`](ViewMaker::write_view) makes, up to rounding: less than 10⁻⁴ after
    /// normalization, for every resampling, on a device with IEEE single precision. Where a change
    /// is discontinuous (posterize, equalize, solarize at another threshold than 0.5), rounding may
    /// put a value on the other side. A device that multiplies matrices less exactly (TF32) crops,
    /// resizes and blurs less exactly. The other images of a batch affect a view only by rounding.
    ///
    /// Consecutive cropping, resizing, mirroring and padding cost two products with matrices that
    /// are computed on the host; a blur costs two more. Changes of color are weighted sums of a
    /// value, its gray and the mean gray, as many as in the longest plan of the batch (jitter,
    /// grayscale and normalization: at most eight), and one turn of all hues.
    ///
    /// # Shapes
    /// - `images`: `[batch, 3, height, width]`, red, green and blue in `[0, 1]`
    /// - `keys`: one per image; `view` is replaced by the number of each view
    /// - output: for each view `[batch, 3, side, side]` with its
    ///   [`view_dims`](ViewMaker::view_dims), in single precision
    ///
    /// # Panics
    /// If the device has autodiff, there are no images, they do not have three channels, the keys
    /// are not as many as the images, or the recipe does not [`validate`](ViewMaker::validate).
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use selfsame_augment::{Normalize, Recipe, ViewKey};
    ///
    /// let recipe = Recipe::evaluation(2).with_normalize(Normalize::NONE);
    /// let top = [[0.0, 0.0, 1.0, 1.0]; 2];
    /// let bottom = [[0.5; 4]; 2];
    /// let image = [[top[0], top[1], bottom[0], bottom[1]]; 3];
    /// let images = Tensor::<4>::from_floats([image], &Device::flex());
    /// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
    /// let view = recipe.views_on_device(images, &[key]).remove(0);
    /// assert_eq!(view.dims(), [1, 3, 2, 2]);
    /// // Dark left of bright in the upper row, gray in the lower.
    /// let corners: Vec<f32> = view.into_data().try_to_vec().unwrap();
    /// assert!(corners[0] < 0.3 && corners[1] > 0.7 && corners[0] < corners[2]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn views_on_device(&self, images: Tensor<4>, keys: &[ViewKey]) -> Vec<Tensor<4>> {
        let autodiff = images.device().is_autodiff();
        assert!(!autodiff, "views have no gradient: give `images.inner()`, outside autodiff");
        let [batch, channels, height, width] = images.dims();
        assert_eq!(channels, 3, "images must be red, green and blue, got {:?}", images.dims());
        assert_eq!(keys.len(), batch, "views need one key per image");
        assert!(batch > 0, "views need 1 image or more");
        let images = images.cast(DType::F32);
        let view_of = |view: usize| {
            let mut made = Batch::new(images.clone());
            #[allow(clippy::cast_possible_truncation, reason = "views of a recipe")]
            let plan =
                |key: &ViewKey| self.plan(ViewKey { view: view as u32, ..*key }, [height, width]);
            let plans: Vec<Plan> = keys.iter().map(plan).collect();
            for steps in places(&plans) {
                made.step(&steps);
            }
            if let Some(op) = ColorOp::normalize(&self.normalize) {
                made.colors.iter_mut().for_each(|ops| ops.push_back(op));
            }
            made.finish()
        };
        (0..self.view_count()).map(view_of).collect()
    }
}

/// Returns the steps of all images, position by position. Flips come as early as possible, where
/// they become part of the cropping.
fn places(plans: &[Plan]) -> Vec<Vec<PlanStep>> {
    let mut places: Vec<Vec<PlanStep>> = Vec::new();
    for place in 0..plans[0].steps.len() {
        let steps: Vec<PlanStep> = plans.iter().map(|plan| plan.steps[place]).collect();
        let flips = |step: &PlanStep| {
            let flips = SpatialOp::HorizontalFlip.into();
            *step == PlanStep::Skip || *step == flips || *step == SpatialOp::VerticalFlip.into()
        };
        let early = if steps.iter().all(flips) {
            let fixed = |steps: &Vec<PlanStep>| !steps.iter().all(PlanStep::commutes_with_flips);
            places.iter().rposition(fixed).map_or(0, |last| last + 1)
        } else {
            places.len()
        };
        places.insert(early, steps);
    }
    places
}

/// Images, and the changes still to be applied to them: first the geometry, then the colors.
struct Batch {
    images: Tensor<4>,
    geometry: Option<Geometry>,
    colors: Vec<VecDeque<ColorOp>>,
}

impl Batch {
    fn new(images: Tensor<4>) -> Self {
        let colors = vec![VecDeque::new(); images.dims()[0]];
        Self { images, geometry: None, colors }
    }

    /// Applies one step to each image, all drawn from one operator.
    fn step(&mut self, steps: &[PlanStep]) {
        match steps.iter().find(|step| **step != PlanStep::Skip) {
            None | Some(PlanStep::Skip) => {}
            Some(PlanStep::Spatial(SpatialOp::Rotate { .. })) => {
                self.change(|images| rotate::rotate(images, steps));
            }
            Some(PlanStep::Spatial(_)) => self.defer_geometry(steps),
            Some(PlanStep::Pixels(ops)) => {
                for place in 0..ops.len() {
                    let op = |step: &PlanStep| match step {
                        PlanStep::Pixels(ops) => ops[place],
                        _ => None,
                    };
                    self.change_values(&steps.iter().map(op).collect::<Vec<_>>());
                }
            }
        }
    }

    /// Applies one change of values to each image that has one.
    fn change_values(&mut self, ops: &[Option<PixelOp>]) {
        match ops.iter().flatten().next() {
            None => {}
            Some(&PixelOp::Solarize { threshold }) => {
                self.change_some(ops, |images| levels::solarize(images, threshold));
            }
            Some(&PixelOp::Posterize { bits }) => {
                self.change_some(ops, |images| levels::posterize(images, bits));
            }
            Some(PixelOp::Equalize) => self.change_some(ops, equalize::equalize),
            Some(PixelOp::Erase { .. }) => self.change(|images| erase::erase(images, ops)),
            Some(
                PixelOp::Brightness(_)
                | PixelOp::AddBrightness(_)
                | PixelOp::Contrast(_)
                | PixelOp::ChannelContrast(_)
                | PixelOp::Saturation(_)
                | PixelOp::HsvSaturation(_)
                | PixelOp::Hue(_)
                | PixelOp::Grayscale
                | PixelOp::DropChannel { .. },
            ) => {
                for (queue, op) in self.colors.iter_mut().zip(ops) {
                    queue.extend(op.and_then(ColorOp::of));
                }
            }
        }
    }

    /// Defers a change of pixel positions.
    fn defer_geometry(&mut self, steps: &[PlanStep]) {
        if self.colors.iter().any(|ops| !ops.is_empty()) {
            self.settle();
        }
        let [.., height, width] = self.images.dims();
        let geometry = match self.geometry.take() {
            Some(geometry) => geometry.then(steps),
            None => Geometry::new(steps, [height, width]),
        };
        self.geometry = Some(geometry);
    }

    /// Applies a change to all images now.
    fn change(&mut self, change: impl FnOnce(Tensor<4>) -> Tensor<4>) {
        self.settle();
        self.images = change(self.images.clone());
    }

    /// Applies a change now to the images that have an operation.
    fn change_some(
        &mut self,
        ops: &[Option<PixelOp>],
        change: impl FnOnce(Tensor<4>) -> Tensor<4>,
    ) {
        let acting: Vec<bool> = ops.iter().map(Option::is_some).collect();
        self.change(|images| select(images.clone(), change(images), &acting));
    }

    /// Applies everything deferred.
    fn settle(&mut self) {
        if let Some(geometry) = self.geometry.take() {
            self.images = geometry.apply(self.images.clone());
        }
        self.images = color::apply_colors(self.images.clone(), &mut self.colors);
    }

    fn finish(mut self) -> Tensor<4> {
        self.settle();
        self.images
    }
}
