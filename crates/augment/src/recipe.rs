//! Recipes: the operators of each view of an image.

use image::DynamicImage;
use serde::{Deserialize, Serialize};

use crate::operator::{InvalidField, scaled};
use crate::plan::draw_steps;
use crate::{Normalize, Operator, Plan, PlanStep, Scratch, ViewKey, ViewMaker};

mod blocks;
mod display;
mod error;
mod published;
mod shapes;

pub use error::RecipeError;

/// A list of operators for each view of an image, then normalization.
///
/// Views are made through the trait [`ViewMaker`].
///
/// # Example
/// ```
/// use selfsame_augment::{Recipe, ViewMaker};
///
/// let recipe = Recipe::simclr_cifar();
/// assert_eq!((recipe.view_count(), recipe.view_dims(0)), (2, [3, 32, 32]));
/// let text = serde_json::to_string(&recipe).unwrap();
/// assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// A short name.
    pub name: String,
    /// The source of its parameters.
    pub source: String,
    /// The operators of each view, in order; at least one operator of each view must produce a
    /// square of fixed size.
    pub views: Vec<Vec<Operator>>,
    /// Side of an image as it is shown to the trained encoder, in pixels. Default: that of the first
    /// view. A crop enlarges what it shows, so that images larger than the views often give better
    /// features: Touvron et al., 2019, [arXiv:1906.06423](https://arxiv.org/abs/1906.06423).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<u32>,
    /// The normalization, which comes last.
    pub normalize: Normalize,
}

impl Recipe {
    /// Replaces the normalization.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Normalize, Recipe};
    ///
    /// let recipe = Recipe::simclr_cifar().with_normalize(Normalize::NONE);
    /// assert_eq!(recipe.normalize, Normalize::NONE);
    /// ```
    #[must_use]
    pub fn with_normalize(self, normalize: Normalize) -> Self {
        Self { normalize, ..self }
    }

    /// Sets the side of an image as it is shown to the trained encoder.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// let recipe = Recipe::simclr_cifar().with_side(24).with_shown(32);
    /// assert_eq!(recipe.view_dims(0), [3, 24, 24]);
    /// assert_eq!(recipe.for_evaluation().view_dims(0), [3, 32, 32]);
    /// ```
    #[must_use]
    pub fn with_shown(self, side: u32) -> Self {
        Self { shown: Some(side), ..self }
    }

    /// Resizes all views in proportion, the first to `side` pixels: crops, paddings, and the kernels
    /// of blurs that have a fixed one. Each becomes at least 1. So does the image as it is shown.
    ///
    /// # Panics
    /// If there is no view, or it has no fixed size, which [`validate`](ViewMaker::validate) finds.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// let recipe = Recipe::dino_imagenet().with_side(112);
    /// assert_eq!([0, 2].map(|view| recipe.view_dims(view)), [[3, 112, 112], [3, 48, 48]]);
    /// assert_eq!(recipe.with_side(224), Recipe::dino_imagenet());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_side(mut self, side: u32) -> Self {
        let share = f64::from(side) / self.view_dims(0)[1] as f64;
        self.views.iter_mut().flatten().for_each(|operator| operator.scale(share));
        self.shown = self.shown.map(|shown| scaled(shown, share));
        self
    }

    /// Resizes each view to the nearest side that patches of `patch` pixels cut without a rest.
    ///
    /// # Panics
    /// If `patch` is 0, or a view has no fixed size, which [`validate`](ViewMaker::validate) finds.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// let recipe = Recipe::dino_imagenet().with_side(64).for_patches(8);
    /// assert_eq!([0, 2].map(|view| recipe.view_dims(view)[1]), [64, 24]);
    /// assert_eq!(Recipe::mae_cifar().for_patches(4), Recipe::mae_cifar());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn for_patches(mut self, patch: usize) -> Self {
        for view in 0..self.views.len() {
            let side = self.view_dims(view)[1];
            if side.is_multiple_of(patch) {
                continue;
            }
            let whole = ((side + patch / 2) / patch).max(1) * patch;
            let share = whole as f64 / side as f64;
            self.views[view].iter_mut().for_each(|operator| operator.scale(share));
        }
        self
    }

    #[track_caller]
    fn draw(&self, key: ViewKey, image: [usize; 2], steps: &mut Vec<PlanStep>) {
        assert!(image[0] > 0 && image[1] > 0, "a view of an empty image, {image:?}");
        steps.clear();
        draw_steps(&self.views[key.view as usize], image, &mut key.rng(), steps);
    }
}

impl ViewMaker for Recipe {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn validate(&self) -> Result<(), RecipeError> {
        let recipe = self.name.clone();
        if self.views.is_empty() {
            return Err(RecipeError::NoView { recipe });
        }
        for (view, operators) in self.views.iter().enumerate() {
            if Operator::side_after_all(operators).is_none() {
                return Err(RecipeError::NoSize { recipe, view });
            }
            for (operator, invalid) in operators.iter().map(Operator::invalid_field).enumerate() {
                if let Some(InvalidField { name: field, must }) = invalid {
                    return Err(RecipeError::Range { recipe, view, operator, field, must });
                }
            }
        }
        if self.shown == Some(0) {
            return Err(RecipeError::NotShown { recipe });
        }
        if self.normalize.std.iter().any(|std| !(std.is_finite() && *std > 0.0)) {
            return Err(RecipeError::Normalize { recipe });
        }
        Ok(())
    }

    fn view_count(&self) -> usize {
        self.views.len()
    }

    #[track_caller]
    fn view_dims(&self, view: usize) -> [usize; 3] {
        let Some(side) = Operator::side_after_all(&self.views[view]) else {
            panic!("view {view} of `{}` has no fixed size", self.name)
        };
        [3, side, side]
    }

    #[track_caller]
    fn plan(&self, key: ViewKey, image: [usize; 2]) -> Plan {
        let mut steps = Vec::new();
        self.draw(key, image, &mut steps);
        Plan { key, image, steps }
    }

    /// Writes a planned view: cropping, resizing, flips and changes of color take one pass;
    /// contrast and blur begin another. Nothing is allocated once `scratch` has made a view of this
    /// size.
    #[track_caller]
    fn write_planned(
        &self,
        image: &DynamicImage,
        plan: &Plan,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        scratch.write(image, plan.image, &plan.steps, &self.normalize, out);
    }

    /// Draws a view and writes it, as [`write_planned`](ViewMaker::write_planned) does, without
    /// allocating for the plan.
    #[track_caller]
    fn write_view(
        &self,
        image: &DynamicImage,
        key: ViewKey,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let size = [image.height() as usize, image.width() as usize];
        let mut steps = std::mem::take(&mut scratch.steps);
        self.draw(key, size, &mut steps);
        scratch.write(image, size, &steps, &self.normalize, out);
        scratch.steps = steps;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::{HorizontalFlip, RandomResizedCrop};
    use crate::{PlanarImage, Resampling};
    use image::{ImageBuffer, Rgb};

    fn image() -> DynamicImage {
        ImageBuffer::from_fn(41, 29, |x, y| {
            Rgb([(x * 6) as u8, (y * 8) as u8, ((x * y) % 251) as u8])
        })
        .into()
    }

    fn key(sample: u64, view: u32) -> ViewKey {
        ViewKey { seed: 1, epoch: 2, sample, view }
    }

    /// Applies the operators one by one.
    fn one_by_one(recipe: &Recipe, image: &DynamicImage, key: ViewKey) -> Vec<f32> {
        let mut planar = PlanarImage::from_image(image);
        let mut rng = key.rng();
        for operator in &recipe.views[key.view as usize] {
            let plan = operator.draw([planar.height, planar.width], &mut rng);
            plan.apply(&mut planar, &mut Scratch::default());
        }
        let mut out = vec![0.0; planar.data.len()];
        recipe.normalize.write(&planar, &mut out);
        out
    }

    #[test]
    fn fused_passes_make_the_view_the_operators_make() {
        let mut scratch = Scratch::default();
        for recipe in Recipe::all() {
            recipe.validate().unwrap();
            let name = &recipe.name;
            let images = if name.contains("imagenet") { 2 } else { 40 };
            for sample in 0..images {
                for view in 0..recipe.view_count() {
                    let key = key(sample, view as u32);
                    let mut out = vec![f32::NAN; recipe.view_dims(view).iter().product()];
                    recipe.write_view(&image(), key, &mut scratch, &mut out);
                    let want = one_by_one(&recipe, &image(), key);
                    let worst =
                        out.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    // Rounding errors: hue divides them by the range of a pixel, normalization by
                    // 0.25.
                    assert!(out.len() == want.len() && worst < 5e-5, "{name} {key:?}: {worst}");
                }
            }
        }
    }

    #[test]
    fn views_differ_by_every_part_of_their_key() {
        let recipe = Recipe::simclr_cifar();
        let make = |key| {
            let mut out = vec![0.0; 3 * 32 * 32];
            recipe.write_view(&image(), key, &mut Scratch::default(), &mut out);
            out
        };
        let base = key(3, 0);
        assert_eq!(make(base), make(base));
        for other in [
            ViewKey { seed: 9, ..base },
            ViewKey { epoch: 9, ..base },
            ViewKey { sample: 9, ..base },
            ViewKey { view: 1, ..base },
        ] {
            assert_ne!(make(base), make(other), "{other:?}");
        }
    }

    #[test]
    fn the_evaluation_of_an_image_of_the_right_size_is_the_image() {
        let square: DynamicImage =
            ImageBuffer::from_fn(32, 32, |x, y| Rgb([x as u8, y as u8, 7])).into();
        let recipe = Recipe::evaluation(32).with_normalize(Normalize::NONE);
        let mut out = vec![0.0; 3 * 32 * 32];
        recipe.write_view(&square, key(0, 0), &mut Scratch::default(), &mut out);
        assert_eq!(out, PlanarImage::from_image(&square).data);
    }

    #[test]
    fn errors_name_the_view_and_the_operator_it_lacks() {
        let mut recipe = Recipe::simclr_cifar();
        recipe.views[1][0] = HorizontalFlip { probability: 0.5 }.into();
        let error = recipe.validate().unwrap_err().to_string();
        assert!(error.contains("view 1") && error.contains("random_resized_crop"), "{error}");
        recipe.views[1][0] = RandomResizedCrop {
            size: 32,
            area: [0.9, 0.1],
            aspect: [1.0; 2],
            resampling: Resampling::default(),
        }
        .into();
        assert!(recipe.validate().unwrap_err().to_string().contains("`area`"));
        recipe.views.clear();
        assert!(recipe.validate().is_err());
        assert!(Recipe::by_name("magic").unwrap_err().to_string().contains("simclr_cifar"));
        let text =
            serde_json::to_string(&Recipe::shapes(8)).unwrap().replace("\"size\"", "\"side\"");
        assert!(serde_json::from_str::<Recipe>(&text).is_err());
    }
}
