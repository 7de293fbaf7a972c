//! Images and labels that are stored as whole arrays.

use std::path::Path;
use std::sync::Arc;

use crate::labels::Classes;
use crate::{DataError, Dataset, InMemory, Layout, Splits};

/// An array of a file.
pub(crate) struct Array {
    /// What people call it.
    pub(crate) name: String,
    /// Its dimensions, the slowest first.
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers,
}

pub(crate) enum Numbers {
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
}

/// Images that belong to one split, and their labels.
pub(crate) struct Part {
    pub(crate) pixels: Array,
    pub(crate) labels: Option<Array>,
}

impl Array {
    /// An array of the bytes from `start` on.
    pub(crate) fn bytes(name: String, shape: Vec<usize>, mut bytes: Vec<u8>, start: usize) -> Self {
        bytes.drain(..start);
        Self { name, shape, numbers: Numbers::Bytes(bytes) }
    }

    /// `[images]`, `[images, height, width]`, … as images: gray of three dimensions; of four,
    /// the last has the channels if it can, or else the second.
    fn images(self) -> Result<InMemory, String> {
        let Self { name, shape, numbers: Numbers::Bytes(bytes) } = self else {
            return Err(format!("{} holds no bytes, as images must", self.name));
        };
        let (size, layout) = match shape[..] {
            [_, height, width] => ([height, width, 1], Layout::Hwc),
            [_, height, width, channels @ (1 | 3 | 4)] => ([height, width, channels], Layout::Hwc),
            [_, channels @ (1 | 3 | 4), height, width] => ([height, width, channels], Layout::Chw),
            _ => {
                return Err(format!(
                    "{name} has dimensions {shape:?}, which are not those of images"
                ));
            }
        };
        let images =
            InMemory::new(bytes, size, layout).map_err(|error| format!("{name}: {error}"))?;
        Ok(images.named_after(vec![(name, 0)]))
    }

    /// `[images]` or `[images, 1]` as labels; a negative number is none.
    fn labels(self, images: usize) -> Result<Vec<Option<String>>, String> {
        if self.shape != [images] && self.shape != [images, 1] {
            let Self { name, shape, .. } = self;
            return Err(format!("{name} has dimensions {shape:?}, and there are {images} images"));
        }
        let text = |number: i64| (number >= 0).then(|| number.to_string());
        Ok(match self.numbers {
            Numbers::Bytes(bytes) => bytes.into_iter().map(|byte| text(byte.into())).collect(),
            Numbers::Integers(numbers) => numbers.into_iter().map(text).collect(),
        })
    }
}

/// Train and perhaps test images with the labels they have.
pub(crate) fn splits(root: &Path, train: Part, test: Option<Part>) -> Result<Splits, DataError> {
    let damaged = DataError::damaged(root);
    let read = |part: Part| -> Result<(InMemory, Vec<Option<String>>), DataError> {
        let images = part.pixels.images().map_err(&damaged)?;
        let labels = part.labels.map(|labels| labels.labels(images.len())).transpose();
        let labels = labels.map_err(&damaged)?.unwrap_or_else(|| vec![None; images.len()]);
        Ok((images, labels))
    };
    let (train, train_labels) = read(train)?;
    match train.len() {
        0 => return Err(DataError::Empty { path: root.to_owned() }),
        1 => return Err(DataError::Single { path: root.to_owned() }),
        _ => {}
    }
    let test = test.map(read).transpose()?;
    let test_labels = test.as_ref().map_or(&[][..], |(_, labels)| labels);
    let classes = Classes::of(root, &train_labels, test_labels)?;
    let train: Arc<dyn Dataset> =
        Arc::new(train.with_labels(classes.train, classes.names.clone())?);
    let test = test.map(|(test, _)| test.with_labels(classes.test, classes.names)).transpose()?;
    Ok(Splits { train, test: test.map(|test| Arc::new(test) as Arc<dyn Dataset>) })
}
