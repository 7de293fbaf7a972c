//! The trait of a set of images.

use std::borrow::Cow;
use std::sync::Arc;

use image::DynamicImage;

use crate::{DataError, Omitted, stamp};

/// A set of images, each with or without a label.
///
/// Loaders read it from several threads at once, so it is `Send` and `Sync`. Indices are
/// always below [`len`](Self::len).
///
/// # Example
/// ```
/// use image::DynamicImage;
/// use selfsame_datasets::{DataError, Dataset};
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
    /// Returns the number of images.
    fn len(&self) -> usize;

    /// Returns the image at `index`.
    ///
    /// # Errors
    /// If it cannot be read or decoded; the error names it.
    fn image(&self, index: usize) -> Result<DynamicImage, DataError>;

    /// Returns the bytes of the file that the image at `index` is decoded from, or `None` if there
    /// is no such file.
    ///
    /// If there is one, [`image`](Self::image) must return what
    /// [`decode_image`](crate::decode_image) returns for it. With these bytes a loader can decode
    /// only a region, at a reduced scale.
    ///
    /// # Errors
    /// If it cannot be read; the error names it.
    fn encoded(&self, _index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        Ok(None)
    }

    /// Returns the class of the image at `index`, an index into [`class_names`](Self::class_names),
    /// or `None` if the image has no label. Default: `None`.
    fn label(&self, _index: usize) -> Option<usize> {
        None
    }

    /// Returns the names of the classes. Default: none.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// Returns the name of the image at `index`, for messages. Default: its number.
    fn name(&self, index: usize) -> String {
        format!("number {index}")
    }

    /// Returns a number that changes when the image does, as far as that is cheap to tell: one
    /// computed from the name and the size of its file, or from its pixels in memory.
    ///
    /// A run that is resumed compares it, so that data which has changed is noticed. Default: a
    /// checksum of the [`name`](Self::name), so override it where an image can change under the same
    /// name.
    ///
    /// # Errors
    /// If the file cannot be found; the error names it.
    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        Ok(stamp(&[self.name(index).as_bytes()]))
    }

    /// Returns whether there are no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Returns the labels of all images, in order.
///
/// # Example
/// ```
/// use selfsame_datasets::{InMemory, Layout, labels};
///
/// let images = InMemory::new(vec![0; 2 * 16], [4, 4, 1], Layout::Hwc)?
///     .with_labels(vec![Some(1), None], vec!["cat".to_owned(), "dog".to_owned()])?;
/// assert_eq!(labels(&images), [Some(1), None]);
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[must_use]
pub fn labels(dataset: &dyn Dataset) -> Vec<Option<usize>> {
    (0..dataset.len()).map(|index| dataset.label(index)).collect()
}

/// The training images of a data set and, if it separates them, its test images.
#[derive(Clone)]
pub struct Splits {
    /// The training images; all images if there is no test split.
    pub train: Arc<dyn Dataset>,
    /// The test images, with the classes of the training images.
    pub test: Option<Arc<dyn Dataset>>,
    /// How the data was understood, for a message: "class folders in train/ and test/".
    pub found: String,
    /// What was found but is in neither of them, and why.
    pub omitted: Omitted,
}

impl std::fmt::Debug for Splits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let test = self.test.as_ref().map(|test| test.len());
        f.debug_struct("Splits")
            .field("train", &self.train.len())
            .field("test", &test)
            .field("found", &self.found)
            .field("omitted", &self.omitted)
            .finish()
    }
}
