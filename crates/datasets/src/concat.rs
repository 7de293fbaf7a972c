//! Several data sets joined into one.

use std::borrow::Cow;
use std::sync::Arc;

use image::DynamicImage;

use crate::{DataError, Dataset};

/// The images of several data sets, one after the other.
///
/// Classes of the same name are one class. Classes are ordered by their first occurrence.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use selfsame_datasets::{Concat, Dataset, InMemory, Layout};
///
/// let part = |label, class: &str| -> Result<Arc<dyn Dataset>, selfsame_datasets::DataError> {
///     let images = InMemory::new(vec![0; 16], [4, 4, 1], Layout::Hwc)?;
///     Ok(Arc::new(images.with_labels(vec![label], vec![class.to_owned()])?))
/// };
/// let all = Concat::new(vec![part(Some(0), "cat")?, part(Some(0), "dog")?, part(None, "cat")?]);
/// assert_eq!(all.class_names(), ["cat", "dog"]);
/// assert_eq!([0, 1, 2].map(|index| all.label(index)), [Some(0), Some(1), None]);
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone)]
pub struct Concat {
    members: Vec<Member>,
    classes: Vec<String>,
    len: usize,
}

#[derive(Clone)]
struct Member {
    dataset: Arc<dyn Dataset>,
    /// The joint index of its first image.
    first: usize,
    /// The joint class of each of its classes.
    classes: Vec<usize>,
}

impl std::fmt::Debug for Concat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Concat({} images of {} data sets)", self.len, self.members.len())
    }
}

impl Concat {
    /// Joins all images of all `datasets`.
    #[must_use]
    pub fn new(datasets: Vec<Arc<dyn Dataset>>) -> Self {
        Self::with_classes(datasets, Vec::new())
    }

    /// Joins all images of all `datasets`, whose classes come after `classes`.
    pub(crate) fn with_classes(datasets: Vec<Arc<dyn Dataset>>, classes: Vec<String>) -> Self {
        let mut all = Self { members: Vec::new(), classes, len: 0 };
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
            all.members.push(Member { dataset, first, classes });
        }
        all
    }

    /// Returns the data set with the image at `index`, and the index there.
    #[track_caller]
    fn member(&self, index: usize) -> (&Member, usize) {
        assert!(index < self.len, "there is no image {index} among {}", self.len);
        let member = &self.members[self.members.partition_point(|it| it.first <= index) - 1];
        (member, index - member.first)
    }
}

impl Dataset for Concat {
    fn len(&self) -> usize {
        self.len
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let (member, index) = self.member(index);
        member.dataset.image(index)
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        let (member, index) = self.member(index);
        member.dataset.encoded(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        let (member, index) = self.member(index);
        member.classes.get(member.dataset.label(index)?).copied()
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        let (member, index) = self.member(index);
        member.dataset.name(index)
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        let (member, index) = self.member(index);
        member.dataset.stamp(index)
    }
}
