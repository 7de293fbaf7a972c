//! Recipes with custom functions.

use std::fmt;

use image::DynamicImage;
use rand_chacha::ChaCha8Rng;

use crate::plan::draw_steps;
use crate::{
    Normalize, Operator, Plan, PlanarImage, Recipe, RecipeError, Scratch, ViewKey, ViewMaker,
};

/// A recipe with custom functions between its operators.
///
/// A [`Recipe`] can be saved and functions cannot, so they are kept apart. The operators before the
/// first function of a view run as fast as in the recipe.
///
/// # Example
/// ```
/// use image::DynamicImage;
/// use selfsame_augment::{CustomRecipe, Normalize, Recipe, Scratch, ViewKey, ViewMaker};
///
/// let recipe = Recipe::supervised_cifar().with_normalize(Normalize::NONE);
/// let inverted = CustomRecipe::new(recipe).with_last(0, |image, _| {
///     image.data.iter_mut().for_each(|x| *x = 1.0 - *x);
/// });
/// let mut view = vec![0.0; 3 * 32 * 32];
/// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
/// inverted.write_view(&DynamicImage::new_rgb8(40, 40), key, &mut Scratch::default(), &mut view);
/// assert_eq!(view, vec![1.0; 3 * 32 * 32]);
/// ```
pub struct CustomRecipe {
    recipe: Recipe,
    functions: Vec<Function>,
}

type Change = dyn Fn(&mut PlanarImage, &mut ChaCha8Rng) + Send + Sync;

struct Function {
    view: usize,
    /// The index of the operator it precedes.
    place: usize,
    change: Box<Change>,
}

impl CustomRecipe {
    /// Wraps a recipe; no functions are added yet.
    #[must_use]
    pub fn new(recipe: Recipe) -> Self {
        Self { recipe, functions: Vec::new() }
    }

    /// Returns the recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Calls `change` in a view before the operator at index `place`, after earlier functions
    /// there.
    ///
    /// Each function has a separate generator for each view, so its draws affect no others. It may
    /// change the size of the image if a later operator sets the size.
    ///
    /// # Panics
    /// If the recipe has no such view, or the view fewer than `place` operators.
    #[must_use]
    #[track_caller]
    pub fn with(
        mut self,
        view: usize,
        place: usize,
        change: impl Fn(&mut PlanarImage, &mut ChaCha8Rng) + Send + Sync + 'static,
    ) -> Self {
        let (views, name) = (self.recipe.views.len(), &self.recipe.name);
        assert!(view < views, "recipe `{name}` has {views} views, but no view {view}");
        let operators = self.recipe.views[view].len();
        assert!(place <= operators, "a view of {operators} operators has no place {place}");
        self.functions.push(Function { view, place, change: Box::new(change) });
        self.functions.sort_by_key(|function| (function.view, function.place));
        self
    }

    /// Calls `change` in a view after all operators, before the view is normalized.
    ///
    /// # Panics
    /// As [`with`](Self::with).
    #[must_use]
    #[track_caller]
    pub fn with_last(
        self,
        view: usize,
        change: impl Fn(&mut PlanarImage, &mut ChaCha8Rng) + Send + Sync + 'static,
    ) -> Self {
        let last = self.recipe.views.get(view).map_or(0, Vec::len);
        self.with(view, last, change)
    }

    /// Returns the functions of a view, in order.
    fn of_view(&self, view: usize) -> impl Iterator<Item = &Function> {
        self.functions.iter().filter(move |function| function.view == view)
    }

    /// Returns the operators of a view before its first function.
    fn first(&self, view: usize) -> &[Operator] {
        let operators = &self.recipe.views[view];
        self.of_view(view).next().map_or(operators, |function| &operators[..function.place])
    }
}

impl ViewMaker for CustomRecipe {
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn validate(&self) -> Result<(), RecipeError> {
        self.recipe.validate()
    }

    fn view_count(&self) -> usize {
        self.recipe.view_count()
    }

    fn view_dims(&self, view: usize) -> [usize; 3] {
        self.recipe.view_dims(view)
    }

    /// Plans only the operators before the first function; later ones depend on its output.
    fn plan(&self, key: ViewKey, image: [usize; 2]) -> Plan {
        let mut steps = Vec::new();
        draw_steps(self.first(key.view as usize), image, &mut key.rng(), &mut steps);
        Plan { key, image, steps }
    }

    fn write_planned(
        &self,
        image: &DynamicImage,
        plan: &Plan,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let view = plan.key.view as usize;
        let (operators, mut done) = (&self.recipe.views[view], self.first(view).len());
        if self.of_view(view).next().is_none() {
            return self.recipe.write_planned(image, plan, scratch, out);
        }
        // Draws the planned steps again, so that the generator continues after them.
        let mut rng = plan.key.rng();
        let [height, width] = draw_steps(&operators[..done], plan.image, &mut rng, &mut Vec::new());
        let mut made = PlanarImage::black(height, width);
        scratch.write(image, plan.image, &plan.steps, &Normalize::NONE, &mut made.data);
        let mut apply = |range: std::ops::Range<usize>, made: &mut PlanarImage| {
            for operator in &operators[range] {
                operator.draw([made.height, made.width], &mut rng).apply(made, scratch);
            }
        };
        for (number, function) in (1..).zip(self.of_view(view)) {
            apply(done..function.place, &mut made);
            done = function.place;
            let mut own = plan.key.rng();
            own.set_stream(number);
            (function.change)(&mut made, &mut own);
        }
        apply(done..operators.len(), &mut made);
        self.recipe.normalize.write(&made, out);
    }
}

impl fmt::Debug for CustomRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<_> = self.functions.iter().map(|own| (own.view, own.place)).collect();
        f.debug_struct("CustomRecipe")
            .field("recipe", &self.recipe)
            .field("functions", &places)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn views(custom: &CustomRecipe, view: u32) -> Vec<f32> {
        let image = image::RgbImage::from_fn(50, 40, |x, y| image::Rgb([x as u8, y as u8, 90]));
        let mut out = vec![0.0; 3 * 32 * 32];
        let key = ViewKey { seed: 4, epoch: 0, sample: 2, view };
        custom.write_view(&image.into(), key, &mut Scratch::default(), &mut out);
        out
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
    }

    #[test]
    fn a_function_that_does_nothing_changes_nothing_wherever_it_is() {
        let plain = CustomRecipe::new(Recipe::simclr_cifar());
        for place in 0..=4 {
            let idle = CustomRecipe::new(Recipe::simclr_cifar()).with(1, place, |_, rng| {
                rng.random::<u64>();
            });
            assert!(close(&views(&plain, 0), &views(&idle, 0)), "{place}");
            assert!(close(&views(&plain, 1), &views(&idle, 1)), "{place}");
        }
    }

    #[test]
    fn a_view_is_drawn_before_its_image_is_decoded() {
        let idle = CustomRecipe::new(Recipe::simclr_cifar()).with(0, 1, |_, _| {});
        let key = ViewKey { seed: 4, epoch: 0, sample: 2, view: 0 };
        let plan = idle.plan(key, [400, 500]);
        assert_eq!(plan.steps, Recipe::simclr_cifar().plan(key, [400, 500]).steps[..1]);
        assert!(plan.smallest_scale() > 1);
        let half = DynamicImage::new_rgb8(250, 200);
        let mut out = vec![0.0; 3 * 32 * 32];
        idle.write_planned(&half, &plan, &mut Scratch::default(), &mut out);
        assert!(out.iter().all(|x| *x < 0.0)); // black, normalized
        // A function that comes first may read every pixel.
        let early = CustomRecipe::new(Recipe::simclr_cifar()).with(0, 0, |_, _| {});
        assert_eq!(early.plan(key, [400, 500]).smallest_scale(), 1);
    }

    #[test]
    fn functions_act_in_their_places_with_draws_of_their_own() {
        let shifted = |image: &mut PlanarImage, rng: &mut ChaCha8Rng| {
            let shift: f32 = rng.random();
            image.data.fill(shift);
        };
        let recipe = || Recipe::supervised_cifar().with_normalize(Normalize::NONE);
        let late = CustomRecipe::new(recipe()).with_last(0, |image, _| image.data[0] = 2.0);
        let both = late.with(0, 0, shifted);
        let found = views(&both, 0);
        assert_eq!(found[0], 2.0);
        assert!(found[1..].iter().all(|x| (x - found[1]).abs() < 1e-6));
        assert_eq!(found, views(&both, 0));
    }
}
