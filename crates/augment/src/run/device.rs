//! Views of a whole batch on one device.

mod equalize;
mod erase;
mod frame;
mod levels;
mod paint;
mod turn;

use std::collections::VecDeque;

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};

use crate::{Plan, Recipe, ViewKey, ViewPlan};
use frame::Frame;
use paint::Tone;

impl Recipe {
    /// All views of a batch of images, made on the device they are on, normalized.
    ///
    /// Every random choice is drawn on the host by [`plan`](Self::plan), so the view of a key is the one
    /// [`write_view`](Self::write_view) makes. They differ by rounding: by less than 10⁻⁴ after
    /// normalization, for every resampling, on a device with IEEE single precision. Where a change
    /// jumps (posterize, equalize, solarize at another threshold than 0.5), rounding may put a sample
    /// on the other side. A device that multiplies matrices less exactly (TF32) cuts, resizes and
    /// blurs less exactly. Which images share a batch changes nothing but rounding.
    ///
    /// What takes the time: all cutting, resizing, mirroring and moving up to the next other change is
    /// two products with matrices that are made on the host, a blur two more. Changes of color are
    /// weighted sums of a sample, its gray and the mean gray, as many as the image with most has in
    /// its plan (jitter, grayscale and normalization: at most eight), and one turn of all hues.
    ///
    /// # Shapes
    /// - `images`: `[batch, 3, height, width]`, red, green and blue in `[0, 1]`
    /// - `keys`: one per image; each view puts its own number in place of `view`
    /// - output: for each view `[batch, 3, side, side]` with its [`view_dims`](Self::view_dims), in
    ///   single precision
    ///
    /// # Panics
    /// If the device has autodiff, the images have other than three channels or are none, there is
    /// not one key per image, or the recipe does not [`validate`](Self::validate).
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
    /// // Of the left half above, the middle below.
    /// let corners: Vec<f32> = view.into_data().try_to_vec().unwrap();
    /// assert!(corners[0] < 0.3 && corners[1] > 0.7 && corners[0] < corners[2]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn views_on_device(&self, images: Tensor<4>, keys: &[ViewKey]) -> Vec<Tensor<4>> {
        let autodiff = images.device().is_autodiff();
        assert!(!autodiff, "views have no gradient: give `images.inner()`, outside autodiff");
        let [batch, channels, height, width] = images.dims();
        assert_eq!(channels, 3, "images of red, green and blue, got {:?}", images.dims());
        assert_eq!(keys.len(), batch, "one key per image");
        assert!(batch > 0, "views of no images");
        let images = images.cast(DType::F32);
        let view_of = |view: usize| {
            let mut made = Batch::new(images.clone());
            #[allow(clippy::cast_possible_truncation, reason = "views of a recipe")]
            let plan =
                |key: &ViewKey| self.plan(ViewKey { view: view as u32, ..*key }, [height, width]);
            let plans: Vec<ViewPlan> = keys.iter().map(plan).collect();
            for steps in places(&plans) {
                made.step(&steps);
            }
            if let Some(tone) = Tone::normalize(&self.normalize) {
                made.colors.iter_mut().for_each(|tones| tones.push_back(tone));
            }
            made.finish()
        };
        (0..self.view_count()).map(view_of).collect()
    }
}

/// The steps of all images, place by place. Mirroring comes as early as it can, where it is part of
/// cutting.
fn places(plans: &[ViewPlan]) -> Vec<Vec<Plan>> {
    let mut places: Vec<Vec<Plan>> = Vec::new();
    for place in 0..plans[0].steps.len() {
        let steps: Vec<Plan> = plans.iter().map(|plan| plan.steps[place]).collect();
        let flips =
            |step: &Plan| matches!(step, Plan::Skip | Plan::HorizontalFlip | Plan::VerticalFlip);
        let early = if steps.iter().all(flips) {
            let fixed = |steps: &Vec<Plan>| !steps.iter().all(Plan::mirrors);
            places.iter().rposition(fixed).map_or(0, |last| last + 1)
        } else {
            places.len()
        };
        places.insert(early, steps);
    }
    places
}

/// Images, and what is still to be done to them: first the frame, then the colors.
struct Batch {
    images: Tensor<4>,
    frame: Option<Frame>,
    colors: Vec<VecDeque<Tone>>,
}

impl Batch {
    fn new(images: Tensor<4>) -> Self {
        let colors = vec![VecDeque::new(); images.dims()[0]];
        Self { images, frame: None, colors }
    }

    /// One step of each image, all drawn from one operator.
    fn step(&mut self, steps: &[Plan]) {
        let Some(acting) = steps.iter().find(|step| **step != Plan::Skip) else { return };
        match *acting {
            Plan::Skip => {}
            Plan::Crop { .. }
            | Plan::Window { .. }
            | Plan::HorizontalFlip
            | Plan::VerticalFlip
            | Plan::Blur { .. } => self.place(steps),
            Plan::Jitter(_) | Plan::Grayscale | Plan::DropChannel { .. } => self.paint(steps),
            Plan::Rotate { .. } => self.change(|images| turn::turn(images, steps)),
            Plan::Erase { .. } => self.change(|images| erase::erase(images, steps)),
            Plan::Solarize { threshold } => {
                self.change_some(steps, |images| levels::solarize(images, threshold));
            }
            Plan::Posterize { bits } => {
                self.change_some(steps, |images| levels::posterize(images, bits));
            }
            Plan::Equalize => self.change_some(steps, equalize::equalize),
        }
    }

    /// Puts off a change of where pixels are.
    fn place(&mut self, steps: &[Plan]) {
        if self.colors.iter().any(|tones| !tones.is_empty()) {
            self.settle();
        }
        let [.., height, width] = self.images.dims();
        let frame = match self.frame.take() {
            Some(frame) => frame.then(steps),
            None => Frame::new(steps, [height, width]),
        };
        self.frame = Some(frame);
    }

    /// Puts off changes of color.
    fn paint(&mut self, steps: &[Plan]) {
        for (tones, step) in self.colors.iter_mut().zip(steps) {
            tones.extend(Tone::of(step));
        }
    }

    /// Changes the images now.
    fn change(&mut self, change: impl FnOnce(Tensor<4>) -> Tensor<4>) {
        self.settle();
        self.images = change(self.images.clone());
    }

    /// Changes those images now whose step is not skipped.
    fn change_some(&mut self, steps: &[Plan], change: impl FnOnce(Tensor<4>) -> Tensor<4>) {
        let acting: Vec<bool> = steps.iter().map(|step| *step != Plan::Skip).collect();
        self.change(|images| choose(images.clone(), change(images), &acting));
    }

    /// Does all that was put off.
    fn settle(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.images = frame.apply(self.images.clone());
        }
        self.images = paint::paint(self.images.clone(), &mut self.colors);
    }

    fn finish(mut self) -> Tensor<4> {
        self.settle();
        self.images
    }
}

/// `changed` where an image is `acting`, otherwise `images`.
fn choose(images: Tensor<4>, changed: Tensor<4>, acting: &[bool]) -> Tensor<4> {
    if acting.iter().all(|acting| *acting) {
        return changed;
    }
    let mask = TensorData::new(acting.to_vec(), [acting.len(), 1, 1, 1]);
    let mask = Tensor::<4, Bool>::from_data(mask, &images.device());
    let dims = images.dims();
    images.mask_where(mask.expand(dims), changed)
}

/// Single-precision numbers from the host.
fn numbers<const D: usize>(values: Vec<f32>, dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, dims), (device, DType::F32))
}
