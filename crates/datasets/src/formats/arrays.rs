//! Images and labels that are stored as arrays.

use std::path::Path;
use std::sync::Arc;

use super::classes::Classes;
use crate::{DataError, Dataset, InMemory, Layout, Omitted, Splits};

/// An array from a file.
pub(crate) struct Array {
    /// The file, or the array's name in it.
    pub(crate) name: String,
    /// Its dimensions, the slowest first.
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

/// The elements of an array, in row-major order.
pub(crate) enum Elements {
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
}

/// The images of one split, and their labels.
pub(crate) struct SplitArrays {
    pub(crate) pixels: Array,
    pub(crate) labels: Option<Array>,
}

impl Array {
    /// Returns an array of the bytes from `start` on.
    pub(crate) fn bytes(name: String, shape: Vec<usize>, mut bytes: Vec<u8>, start: usize) -> Self {
        bytes.drain(..start);
        Self { name, shape, elements: Elements::Bytes(bytes) }
    }

    /// Converts to images. Three dimensions are gray images; of four, the last holds the channels
    /// if there are 1, 3 or 4 of them, else the second.
    fn images(self) -> Result<InMemory, String> {
        let Self { name, shape, elements: Elements::Bytes(bytes) } = self else {
            return Err(format!("{} does not hold bytes, which images must be", self.name));
        };
        let (size, layout) = match shape[..] {
            [_, height, width] => ([height, width, 1], Layout::Hwc),
            [_, height, width, channels @ (1 | 3 | 4)] => ([height, width, channels], Layout::Hwc),
            [_, channels @ (1 | 3 | 4), height, width] => ([height, width, channels], Layout::Chw),
            _ => {
                return Err(format!("{name} has shape {shape:?}, which is not that of images"));
            }
        };
        let images =
            InMemory::new(bytes, size, layout).map_err(|error| format!("{name}: {error}"))?;
        Ok(images.named_after(vec![(name, 0)]))
    }

    /// Converts `[images]` or `[images, 1]` to labels; a negative value stands for no label.
    fn labels(self, images: usize) -> Result<Vec<Option<String>>, String> {
        if self.shape != [images] && self.shape != [images, 1] {
            let Self { name, shape, .. } = self;
            return Err(format!("{name} has shape {shape:?}, but there are {images} images"));
        }
        let text = |number: i64| (number >= 0).then(|| number.to_string());
        Ok(match self.elements {
            Elements::Bytes(bytes) => bytes.into_iter().map(|byte| text(byte.into())).collect(),
            Elements::Integers(numbers) => numbers.into_iter().map(text).collect(),
        })
    }
}

/// Returns data sets of these arrays.
pub(crate) fn array_splits(
    root: &Path,
    train: SplitArrays,
    test: Option<SplitArrays>,
) -> Result<Splits, DataError> {
    let damaged = DataError::damaged(root);
    let read = |arrays: SplitArrays| -> Result<(InMemory, Vec<Option<String>>), DataError> {
        let images = arrays.pixels.images().map_err(&damaged)?;
        let labels = arrays.labels.map(|labels| labels.labels(images.len())).transpose();
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
    let classes = Classes::number(root, &train_labels, test_labels)?;
    let train: Arc<dyn Dataset> =
        Arc::new(train.with_labels(classes.train, classes.names.clone())?);
    let test = test.map(|(test, _)| test.with_labels(classes.test, classes.names)).transpose()?;
    let test = test.map(|test| Arc::new(test) as Arc<dyn Dataset>);
    Ok(Splits { train, test, found: "arrays".to_owned(), omitted: Omitted::default() })
}
