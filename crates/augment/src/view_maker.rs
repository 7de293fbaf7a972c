//! Whatever makes views.

use image::DynamicImage;

use crate::{Recipe, RecipeError, Scratch, ViewKey, ViewPlan};

/// Makes the views of pictures: a [`Recipe`], an [`Extended`](crate::Extended), or a type of one's own.
///
/// A view is drawn first and made later, so that its picture need not be decoded in between larger than
/// the view needs it.
pub trait ViewMaker: Send + Sync {
    /// # Errors
    /// If views cannot be made.
    fn validate(&self) -> Result<(), RecipeError>;

    /// Number of views of a picture.
    fn view_count(&self) -> usize;

    /// `[channels, height, width]` of a view.
    fn view_dims(&self, view: usize) -> [usize; 3];

    /// Draws all that is random about one view of a picture of `[height, width]`.
    fn plan(&self, key: ViewKey, picture: [usize; 2]) -> ViewPlan;

    /// Makes a view that is drawn: `view_dims` numbers, into `out`.
    ///
    /// `picture` is the one the plan was drawn for, or the same decoded at up to the plan's
    /// [`smallest_scale`](ViewPlan::smallest_scale).
    fn write_planned(
        &self,
        picture: &DynamicImage,
        plan: &ViewPlan,
        scratch: &mut Scratch,
        out: &mut [f32],
    );

    /// Draws a view and makes it.
    fn write_view(
        &self,
        picture: &DynamicImage,
        key: ViewKey,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let plan = self.plan(key, [picture.height() as usize, picture.width() as usize]);
        self.write_planned(picture, &plan, scratch, out);
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

    fn plan(&self, key: ViewKey, picture: [usize; 2]) -> ViewPlan {
        self.plan(key, picture)
    }

    fn write_planned(
        &self,
        picture: &DynamicImage,
        plan: &ViewPlan,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.write_planned(picture, plan, scratch, out);
    }

    /// Without allocating.
    fn write_view(
        &self,
        picture: &DynamicImage,
        key: ViewKey,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.write_view(picture, key, scratch, out);
    }
}
