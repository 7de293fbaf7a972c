//! Several data sets as one.

use std::borrow::Cow;
use std::sync::Arc;

use image::DynamicImage;

use crate::{DataError, Dataset};

/// The images of several data sets, one after the other.
///
/// Classes of the same name are the same class; they are in the order in which they first come.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_samplers::{Concat, Dataset, InMemory, Layout};
///
/// let part = |label, class: &str| -> Result<Arc<dyn Dataset>, selfsame_samplers::DataError> {
///     let images = InMemory::new(vec![0; 16], [4, 4, 1], Layout::Hwc)?;
///     Ok(Arc::new(images.with_labels(vec![label], vec![class.to_owned()])?))
/// };
/// let all = Concat::new(vec![part(Some(0), "cat")?, part(Some(0), "dog")?, part(None, "cat")?]);
/// assert_eq!(all.class_names(), ["cat", "dog"]);
/// assert_eq!([0, 1, 2].map(|index| all.label(index)), [Some(0), Some(1), None]);
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[derive(Clone)]
pub struct Concat {
    parts: Vec<Part>,
    classes: Vec<String>,
    len: usize,
}

#[derive(Clone)]
struct Part {
    dataset: Arc<dyn Dataset>,
    /// Number of its first image.
    first: usize,
    /// The class here of each class there.
    classes: Vec<usize>,
}

impl std::fmt::Debug for Concat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Concat({} images of {} data sets)", self.len, self.parts.len())
    }
}

impl Concat {
    /// All images of all `datasets`.
    #[must_use]
    pub fn new(datasets: Vec<Arc<dyn Dataset>>) -> Self {
        let mut all = Self { parts: Vec::new(), classes: Vec::new(), len: 0 };
        for dataset in datasets {
            let place = |name: &String| {
                let known = all.classes.iter().position(|class| class == name);
                known.unwrap_or_else(|| {
                    all.classes.push(name.clone());
                    all.classes.len() - 1
                })
            };
            let classes = dataset.class_names().iter().map(place).collect();
            let first = all.len;
            all.len += dataset.len();
            all.parts.push(Part { dataset, first, classes });
        }
        all
    }

    /// The data set with the image at `index`, and its number there.
    #[track_caller]
    fn part(&self, index: usize) -> (&Part, usize) {
        assert!(index < self.len, "there is no image {index} among {}", self.len);
        let part = &self.parts[self.parts.partition_point(|part| part.first <= index) - 1];
        (part, index - part.first)
    }
}

impl Dataset for Concat {
    fn len(&self) -> usize {
        self.len
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let (part, index) = self.part(index);
        part.dataset.image(index)
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        let (part, index) = self.part(index);
        part.dataset.encoded(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        let (part, index) = self.part(index);
        part.classes.get(part.dataset.label(index)?).copied()
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        let (part, index) = self.part(index);
        part.dataset.name(index)
    }
}
