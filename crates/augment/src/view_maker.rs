//! Whatever makes views.

use image::DynamicImage;

use crate::{Recipe, RecipeError, Scratch, ViewKey, ViewPlan};

/// Makes the views of images: a [`Recipe`], an [`CustomRecipe`](crate::CustomRecipe), or a type of one's own.
///
/// A view is drawn first and made later, so that its image need not be decoded in between larger than
/// the view needs it.
pub trait ViewMaker: Send + Sync {
    /// # Errors
    /// If views cannot be made.
    fn validate(&self) -> Result<(), RecipeError>;

    /// Number of views of an image.
    fn view_count(&self) -> usize;

    /// `[channels, height, width]` of a view.
    fn view_dims(&self, view: usize) -> [usize; 3];

    /// Draws all that is random about one view of an image of `[height, width]`.
    fn plan(&self, key: ViewKey, image: [usize; 2]) -> ViewPlan;

    /// Makes a view that is drawn: `view_dims` numbers, into `out`.
    ///
    /// `image` is the one the plan was drawn for, or the same decoded at up to the plan's
    /// [`smallest_scale`](ViewPlan::smallest_scale).
    fn write_planned(
        &self,
        image: &DynamicImage,
        plan: &ViewPlan,
        scratch: &mut Scratch,
        out: &mut [f32],
    );

    /// Draws a view and makes it.
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

impl ViewMaker for Recipe {
    fn validate(&self) -> Result<(), RecipeError> {
        self.validate()
    }

    fn view_count(&self) -> usize {
        self.view_count()
    }

    fn view_dims(&self, view: usize) -> [usize; 3] {
        self.view_dims(view)
    }

    fn plan(&self, key: ViewKey, image: [usize; 2]) -> ViewPlan {
        self.plan(key, image)
    }

    fn write_planned(
        &self,
        image: &DynamicImage,
        plan: &ViewPlan,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.write_planned(image, plan, scratch, out);
    }

    /// Without allocating.
    fn write_view(
        &self,
        image: &DynamicImage,
        key: ViewKey,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.write_view(image, key, scratch, out);
    }
}
