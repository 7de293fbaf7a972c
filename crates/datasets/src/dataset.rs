//! What a set of images offers.

use std::borrow::Cow;
use std::sync::Arc;

use image::DynamicImage;

use crate::DataError;

/// A set of images, some or all of which may have a label.
///
/// # Example
/// ```
/// use image::DynamicImage;
/// use selfsame_samplers::{DataError, Dataset};
///
/// struct Black(usize);
///
/// impl Dataset for Black {
///     fn len(&self) -> usize {
///         self.0
///     }
///     fn image(&self, _index: usize) -> Result<DynamicImage, DataError> {
///         Ok(DynamicImage::new_rgb8(32, 32))
///     }
/// }
/// assert_eq!(Black(3).label(0), None);
/// ```
pub trait Dataset: Send + Sync {
    /// Number of images.
    fn len(&self) -> usize;

    /// The image at `index`.
    ///
    /// # Errors
    /// If it cannot be read or decoded; the error names it.
    fn image(&self, index: usize) -> Result<DynamicImage, DataError>;

    /// The file that the image at `index` is decoded from, or `None` if it is not kept as one.
    ///
    /// Where there is a file, [`image`](Self::image) must give what [`decode`](crate::decode)
    /// makes of it. The loader asks for the file, so that it can decode a large image at reduced
    /// scale.
    ///
    /// # Errors
    /// If it cannot be read; the error names it.
    fn encoded(&self, _index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        Ok(None)
    }

    /// The class of the image at `index`, an index into [`class_names`](Self::class_names), or
    /// `None` if it has none.
    fn label(&self, _index: usize) -> Option<usize> {
        None
    }

    /// The classes; none where there are no labels.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// What people call the image at `index`.
    fn name(&self, index: usize) -> String {
        format!("number {index}")
    }

    /// Whether there is no image.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The labels of all images, in order.
#[must_use]
pub fn labels(dataset: &dyn Dataset) -> Vec<Option<usize>> {
    (0..dataset.len()).map(|index| dataset.label(index)).collect()
}

/// Images to learn from, and images to test with if they were told apart.
#[derive(Clone)]
pub struct Splits {
    /// To learn from.
    pub train: Arc<dyn Dataset>,
    /// To test with.
    pub test: Option<Arc<dyn Dataset>>,
}

impl std::fmt::Debug for Splits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let test = self.test.as_ref().map(|test| test.len());
        f.debug_struct("Splits").field("train", &self.train.len()).field("test", &test).finish()
    }
}
