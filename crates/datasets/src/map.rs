//! A data set with every image changed.

use std::sync::Arc;

use image::DynamicImage;

use crate::{DataError, Dataset};

/// The images of a data set, each after a function of the user's own.
///
/// Labels, classes and names stay. A panic of the function in the loader becomes an error with the
/// image's name. The function sees whole images, so none is decoded at reduced scale.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_samplers::{Dataset, InMemory, Layout, Map};
///
/// let images = InMemory::new(vec![7; 4 * 6], [4, 6, 1], Layout::Hwc)?;
/// let turned = Map::new(Arc::new(images), |image| Ok(image.rotate90()));
/// assert_eq!(turned.image(0)?.width(), 4);
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[derive(Clone)]
pub struct Map<F> {
    dataset: Arc<dyn Dataset>,
    change: F,
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
    /// `change` is given each image and gives another, or says why it cannot.
    #[must_use]
    pub fn new(dataset: Arc<dyn Dataset>, change: F) -> Self {
        Self { dataset, change }
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
        (self.change)(self.dataset.image(index)?).map_err(named)
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
}
