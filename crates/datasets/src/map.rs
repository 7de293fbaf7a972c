//! A data set with a function applied to every image.

use std::sync::Arc;

use image::DynamicImage;

use crate::{DataError, Dataset};

/// A data set with a custom function applied to every image, on each access.
///
/// Labels, classes and names are unchanged. A panic of the function in a loader becomes an error
/// with the image's name. The function sees whole images, so none is decoded at a reduced scale.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_datasets::{Dataset, InMemory, Layout, Map};
///
/// let images = InMemory::new(vec![7; 4 * 6], [4, 6, 1], Layout::Hwc)?;
/// let turned = Map::new(Arc::new(images), |image| Ok(image.rotate90()));
/// assert_eq!(turned.image(0)?.width(), 4);
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone)]
pub struct Map<F> {
    dataset: Arc<dyn Dataset>,
    function: F,
}

impl<F> std::fmt::Debug for Map<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Map({} images)", self.dataset.len())
    }
}

impl<F> Map<F>
where
    F: Fn(DynamicImage) -> Result<DynamicImage, String> + Send + Sync,
{
    /// Applies `function`, which returns another image or the reason why it cannot.
    #[must_use]
    pub fn new(dataset: Arc<dyn Dataset>, function: F) -> Self {
        Self { dataset, function }
    }
}

impl<F> Dataset for Map<F>
where
    F: Fn(DynamicImage) -> Result<DynamicImage, String> + Send + Sync,
{
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let named = |reason| DataError::Image { name: self.name(index), reason };
        (self.function)(self.dataset.image(index)?).map_err(named)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.dataset.label(index)
    }

    fn class_names(&self) -> &[String] {
        self.dataset.class_names()
    }

    fn name(&self, index: usize) -> String {
        self.dataset.name(index)
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        self.dataset.stamp(index)
    }
}
