//! Which operators make which view.

use std::fmt;

use image::DynamicImage;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{Normalize, Operator, Plan, Scratch, ViewKey, ViewPlan};

/// How the views of an image are made: for each view a list of operators, then normalization.
///
/// # Example
/// ```
/// use selfsame_augment::Recipe;
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
    /// Where the numbers come from.
    pub source: String,
    /// The operators of each view, in order; the first may see any image, and one of each view
    /// must leave a square of fixed size.
    pub views: Vec<Vec<Operator>>,
    /// What is done last.
    pub normalize: Normalize,
}

/// A recipe that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// There is no view.
    #[error("recipe `{recipe}` makes no view; give `views` at least one list of operators")]
    NoView {
        /// The recipe's name.
        recipe: String,
    },
    /// A view's size depends on the image, so views could not be batched.
    #[error(
        "view {view} of recipe `{recipe}` has no fixed size; add `random_resized_crop` or `center_crop`"
    )]
    NoSize {
        /// The recipe's name.
        recipe: String,
        /// The view, from 0.
        view: usize,
    },
    /// A parameter is out of its range.
    #[error("`{field}` of operator {operator} of view {view} of recipe `{recipe}` must be {must}")]
    Range {
        /// The recipe's name.
        recipe: String,
        /// The view, from 0.
        view: usize,
        /// The operator's place in it, from 0.
        operator: usize,
        /// The parameter's name.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// The normalization divides by a number that is not above 0.
    #[error("`std` of `normalize` of recipe `{recipe}` must be above 0")]
    Normalize {
        /// The recipe's name.
        recipe: String,
    },
    /// There is no recipe of this name.
    #[error("there is no recipe `{name}`; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl Recipe {
    /// The same with another normalization.
    #[must_use]
    pub fn with_normalize(self, normalize: Normalize) -> Self {
        Self { normalize, ..self }
    }

    /// Number of views of an image.
    #[must_use]
    pub fn view_count(&self) -> usize {
        self.views.len()
    }

    /// `[channels, height, width]` of a view.
    ///
    /// # Panics
    /// If there is no such view, or it has no fixed size, which [`validate`](Self::validate) finds.
    #[must_use]
    #[track_caller]
    pub fn view_dims(&self, view: usize) -> [usize; 3] {
        let Some(side) = side_of(&self.views[view]) else {
            panic!("view {view} of `{}` has no fixed size", self.name)
        };
        [3, side, side]
    }

    /// # Errors
    /// If there is no view, a view has no fixed size, or a parameter is out of its range.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let recipe = self.name.clone();
        if self.views.is_empty() {
            return Err(RecipeError::NoView { recipe });
        }
        for (view, operators) in self.views.iter().enumerate() {
            if side_of(operators).is_none() {
                return Err(RecipeError::NoSize { recipe, view });
            }
            for (operator, problem) in operators.iter().map(Operator::problem).enumerate() {
                if let Some((field, must)) = problem {
                    return Err(RecipeError::Range { recipe, view, operator, field, must });
                }
            }
        }
        if self.normalize.std.iter().any(|std| !(std.is_finite() && *std > 0.0)) {
            return Err(RecipeError::Normalize { recipe });
        }
        Ok(())
    }

    /// Draws all that is random about one view of an image of `[height, width]`.
    ///
    /// # Panics
    /// If the recipe does not [`validate`](Self::validate), has no such view, or the image is empty.
    #[must_use]
    #[track_caller]
    pub fn plan(&self, key: ViewKey, image: [usize; 2]) -> ViewPlan {
        let mut steps = Vec::new();
        self.draw(key, image, &mut steps);
        ViewPlan { key, image, steps }
    }

    /// Makes one view of `image`: red, green and blue planes, normalized, into `out`.
    ///
    /// Gray images become three equal planes, alpha is dropped, samples of any depth are brought to
    /// `[0, 1]`. Eight-bit images are read as they are, others are converted as a whole first.
    /// Nothing is allocated once `scratch` has made a view of this size. Cutting, resizing, flips and
    /// changes of color are one pass, contrast and blur begin another.
    ///
    /// # Panics
    /// If `out` does not hold [`view_dims`](Self::view_dims) numbers, the recipe does not
    /// [`validate`](Self::validate), or the image is empty.
    #[track_caller]
    pub fn write_view(
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

    /// Carries out a [`plan`](Self::plan) of this recipe, as [`write_view`](Self::write_view) does.
    ///
    /// `image` is the one the plan was drawn for, or the same decoded at up to its
    /// [`smallest_scale`](ViewPlan::smallest_scale): a side of `n` pixels has become one of
    /// `n / scale`, rounded up.
    ///
    /// # Panics
    /// As [`write_view`](Self::write_view), and if `image` is larger than planned, or smaller where
    /// the plan cannot be carried out on a smaller one.
    #[track_caller]
    pub fn write_planned(
        &self,
        image: &DynamicImage,
        plan: &ViewPlan,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        scratch.write(image, plan.image, &plan.steps, &self.normalize, out);
    }

    #[track_caller]
    fn draw(&self, key: ViewKey, image: [usize; 2], steps: &mut Vec<Plan>) {
        assert!(image[0] > 0 && image[1] > 0, "a view of an empty image, {image:?}");
        steps.clear();
        draw_steps(&self.views[key.view as usize], image, &mut key.rng(), steps);
    }
}

/// Draws operators one after the other, each for the size the one before leaves; returns the last.
pub(crate) fn draw_steps(
    operators: &[Operator],
    image: [usize; 2],
    rng: &mut impl Rng,
    steps: &mut Vec<Plan>,
) -> [usize; 2] {
    operators.iter().fold(image, |size, operator| {
        let step = operator.draw(size, rng);
        steps.push(step);
        step.size(size)
    })
}

/// Side of the square a view always is: a later `resize` would change it.
fn side_of(operators: &[Operator]) -> Option<usize> {
    operators.iter().fold(None, |side, operator| match *operator {
        Operator::Resize { size, .. } => side.map(|_| size as usize),
        _ => operator.side().or(side),
    })
}

impl fmt::Display for Recipe {
    /// The recipe for people: a line per operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.name, self.source)?;
        let mut view = 0;
        for same in self.views.chunk_by(|a, b| a == b) {
            let last = view + same.len() - 1;
            match view {
                _ if view == last => writeln!(f, "view {view}:")?,
                _ => writeln!(f, "views {view} to {last}:")?,
            }
            view = last + 1;
            for operator in &same[0] {
                writeln!(f, "  {operator}")?;
            }
        }
        write!(f, "normalized by mean {:?} and std {:?}", self.normalize.mean, self.normalize.std)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    /// The operators one by one, as their pure functions have it.
    fn slowly(recipe: &Recipe, image: &DynamicImage, key: ViewKey) -> Vec<f32> {
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
    fn the_fast_way_makes_the_view_the_operators_make() {
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
                    let want = slowly(&recipe, &image(), key);
                    let worst =
                        out.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    // Rounding, which hue divides by the range of a pixel and normalization by 0.25.
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
    fn the_evaluation_of_a_image_of_the_right_size_is_the_image() {
        let square: DynamicImage =
            ImageBuffer::from_fn(32, 32, |x, y| Rgb([x as u8, y as u8, 7])).into();
        let recipe = Recipe::evaluation(32).with_normalize(Normalize::NONE);
        let mut out = vec![0.0; 3 * 32 * 32];
        recipe.write_view(&square, key(0, 0), &mut Scratch::default(), &mut out);
        assert_eq!(out, PlanarImage::from_image(&square).data);
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let mut recipe = Recipe::simclr_cifar();
        recipe.views[1][0] = Operator::HorizontalFlip { probability: 0.5 };
        let error = recipe.validate().unwrap_err().to_string();
        assert!(error.contains("view 1") && error.contains("random_resized_crop"), "{error}");
        recipe.views[1][0] = Operator::RandomResizedCrop {
            size: 32,
            area: [0.9, 0.1],
            aspect: [1.0; 2],
            resampling: Resampling::default(),
        };
        assert!(recipe.validate().unwrap_err().to_string().contains("`area`"));
        recipe.views.clear();
        assert!(recipe.validate().is_err());
        assert!(Recipe::by_name("magic").unwrap_err().to_string().contains("simclr_cifar"));
        let text =
            serde_json::to_string(&Recipe::shapes(8)).unwrap().replace("\"size\"", "\"side\"");
        assert!(serde_json::from_str::<Recipe>(&text).is_err());
    }

    #[test]
    fn a_recipe_reads_as_text() {
        let text = Recipe::simclr_cifar().to_string();
        assert!(
            text.contains("2002.05709") && text.contains("random resized crop to 32 px"),
            "{text}"
        );
        assert!(text.contains("views 0 to 1:"), "{text}");
    }
}
