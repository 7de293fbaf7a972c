//! The views of images.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use selfsame_augment::{CropBox, Plan, Scratch, ViewKey, ViewMaker};
use selfsame_datasets::{DataError, Dataset, DecodeError, EncodedImage, Region};

use crate::{LoaderError, ViewSource};

/// The views that a recipe makes of the images of a data set.
///
/// A JPEG is decoded no further than the crops of its views reach, and at 1/2, 1/4 or 1/8 of its
/// size where all crops stay as large as their views.
pub struct ImageViews {
    dataset: Arc<dyn Dataset>,
    recipe: Box<dyn ViewMaker>,
    /// Memory for making views, one for each image in progress.
    scratches: Mutex<Vec<Scratch>>,
}

impl std::fmt::Debug for ImageViews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageViews({} images, {})", self.dataset.len(), self.recipe.describe())
    }
}

impl ImageViews {
    /// Joins images and the recipe of their views.
    ///
    /// # Errors
    /// If the recipe is not valid.
    pub fn new(
        dataset: Arc<dyn Dataset>,
        recipe: impl ViewMaker + 'static,
    ) -> Result<Self, LoaderError> {
        recipe.validate()?;
        Ok(Self { dataset, recipe: Box::new(recipe), scratches: Mutex::default() })
    }

    fn scratches(&self) -> MutexGuard<'_, Vec<Scratch>> {
        // Nothing panics while it is locked.
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ViewSource for ImageViews {
    fn samples(&self) -> usize {
        self.dataset.len()
    }

    fn view_count(&self) -> usize {
        self.recipe.view_count()
    }

    fn view_dims(&self, view: usize) -> Vec<usize> {
        self.recipe.view_dims(view).to_vec()
    }

    fn write_views(
        &self,
        index: usize,
        key: ViewKey,
        views: &mut [&mut [f32]],
    ) -> Result<Option<usize>, DataError> {
        let mut scratch = self.scratches().pop().unwrap_or_default();
        let key = |view| ViewKey { view, ..key };
        if let Some(bytes) = self.dataset.encoded(index)? {
            let named = |error: DecodeError| DataError::Image {
                name: self.dataset.name(index),
                reason: error.to_string(),
            };
            let image = EncodedImage::open(&bytes).map_err(named)?;
            let [width, height] = image.size().map(|side| side as usize);
            let plan = |view| self.recipe.plan(key(view), [height, width]);
            let plans: Vec<Plan> = (0..).take(views.len()).map(plan).collect();
            let scale = plans.iter().map(Plan::smallest_scale).min().unwrap_or(1);
            let scale = u32::try_from(scale).unwrap_or(1);
            let part = plans.iter().map(Plan::part).reduce(CropBox::with);
            let CropBox { top, left, height, width } =
                part.unwrap_or(CropBox::whole([height, width]));
            let region = Region { top, left, height, width };
            let image = image.decode_region(scale, region).map_err(named)?;
            for (plan, view) in plans.iter().zip(views) {
                self.recipe.write_planned(&image, plan, &mut scratch, view);
            }
        } else {
            let image = self.dataset.image(index)?;
            for (number, view) in (0..).zip(views) {
                self.recipe.write_view(&image, key(number), &mut scratch, view);
            }
        }
        self.scratches().push(scratch);
        Ok(self.dataset.label(index))
    }

    fn name(&self, index: usize) -> String {
        self.dataset.name(index)
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        self.dataset.stamp(index)
    }

    fn describe(&self) -> String {
        self.recipe.describe()
    }
}
