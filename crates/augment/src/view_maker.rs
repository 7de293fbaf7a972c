//! The interface of everything that makes views.

use image::DynamicImage;

use crate::{Plan, RecipeError, Scratch, ViewKey};

/// Makes the views of images: a [`Recipe`](crate::Recipe), a [`CustomRecipe`](crate::CustomRecipe),
/// or a custom type.
///
/// A view is planned first and made later: in between, its image is decoded no larger than the view
/// needs.
///
/// # Example
/// ```
/// use image::DynamicImage;
/// use selfsame_augment::{Recipe, Scratch, ViewKey, ViewMaker};
///
/// let recipe = Recipe::simclr_cifar();
/// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 1 };
/// // The file's header says 400 × 400; half of that is decoded.
/// let plan = recipe.plan(key, [400, 400]);
/// assert!(plan.smallest_scale() >= 2);
/// let half = DynamicImage::new_rgb8(200, 200);
/// let mut view = vec![0.0; recipe.view_dims(1).iter().product()];
/// recipe.write_planned(&half, &plan, &mut Scratch::default(), &mut view);
/// assert!(view.iter().all(|x| x.is_finite()));
/// ```
pub trait ViewMaker: Send + Sync {
    /// Checks that views can be made.
    ///
    /// # Errors
    /// If there is no view, a view has no fixed size, or a parameter is out of its range.
    fn validate(&self) -> Result<(), RecipeError>;

    /// Returns everything that decides the views besides their keys, as text. A run that is resumed
    /// compares it. Default: the name of the type.
    fn describe(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }

    /// Returns the number of views of an image.
    fn view_count(&self) -> usize;

    /// Returns `[channels, height, width]` of a view.
    ///
    /// # Panics
    /// If there is no such view, or it has no fixed size, which [`validate`](Self::validate) finds.
    fn view_dims(&self, view: usize) -> [usize; 3];

    /// Draws all random choices of one view of an image of `[height, width]`.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails, there is no such view, or the image is empty.
    fn plan(&self, key: ViewKey, image: [usize; 2]) -> Plan;

    /// Writes a planned view to `out`: red, green and blue planes, normalized.
    ///
    /// `image` is the one the plan was drawn for, or the same decoded at up to its
    /// [`smallest_scale`](Plan::smallest_scale): a side of `n` pixels has become one of `n /
    /// scale`, rounded up. Gray images become three equal planes, alpha is dropped, values of any
    /// depth are scaled to `[0, 1]`. Eight-bit images are read directly, others are converted as a
    /// whole first.
    ///
    /// # Panics
    /// If `out` does not hold [`view_dims`](Self::view_dims) values, [`validate`](Self::validate)
    /// fails, or `image` is larger than planned, or smaller where the plan does not begin with a
    /// crop.
    fn write_planned(
        &self,
        image: &DynamicImage,
        plan: &Plan,
        scratch: &mut Scratch,
        out: &mut [f32],
    );

    /// Draws a view and writes it to `out`.
    ///
    /// # Panics
    /// As [`plan`](Self::plan) and [`write_planned`](Self::write_planned).
    fn write_view(
        &self,
        image: &DynamicImage,
        key: ViewKey,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let plan = self.plan(key, [image.height() as usize, image.width() as usize]);
        self.write_planned(image, &plan, scratch, out);
    }
}
