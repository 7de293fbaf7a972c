//! Images and labels that are stored as arrays.

use std::path::Path;
use std::sync::Arc;

use super::classes::Classes;
use super::samples::SEVERAL;
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
    /// 0 or 1.
    Booleans(Vec<u8>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
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
        let Self { name, shape, elements } = self;
        let bytes = elements.pixels().map_err(|reason| format!("{name} {reason}"))?;
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

    /// Converts `[images]`, `[images, 1]` or, if one of each row is 1 and the others 0,
    /// `[images, classes]` to labels; a negative value or an empty text stands for no label.
    /// Returns `None` if images have several labels.
    fn labels(self, images: usize) -> Result<Option<Vec<Option<String>>>, String> {
        let Self { name, shape, elements } = self;
        let columns = match shape[..] {
            [rows] if rows == images => 1,
            [rows, columns] if rows == images && columns > 0 => columns,
            _ => {
                return Err(format!(
                    "{name} has shape {shape:?}, but there are {images} images: it must be \
                     [{images}] or [{images}, 1]"
                ));
            }
        };
        let text = |number: i64| (number >= 0).then(|| number.to_string());
        let numbers: Vec<i64> = match elements {
            Elements::Texts(texts) => {
                let label = |text: String| Some(text).filter(|text| !text.is_empty());
                return Ok((columns == 1).then(|| texts.into_iter().map(label).collect()));
            }
            Elements::Bytes(bytes) | Elements::Booleans(bytes) => {
                bytes.into_iter().map(i64::from).collect()
            }
            Elements::Integers(numbers) => numbers,
            Elements::Floats(floats) => match floats.iter().copied().map(whole).collect() {
                Some(numbers) => numbers,
                None if columns > 1 => return Ok(None),
                None => return Err(format!("{name} holds labels that are no whole numbers")),
            },
        };
        if columns == 1 {
            return Ok(Some(numbers.into_iter().map(text).collect()));
        }
        let one = |row: &[i64]| {
            let place = row.iter().position(|&value| value == 1)?;
            (row.iter().filter(|&&value| value == 0).count() + 1 == columns)
                .then(|| Some(place.to_string()))
        };
        Ok(numbers.chunks_exact(columns).map(one).collect())
    }
}

/// Returns the whole number that a float is.
#[allow(clippy::cast_possible_truncation, reason = "checked before")]
fn whole(float: f32) -> Option<i64> {
    (float.fract() == 0.0 && float.abs() < 1e9).then_some(float as i64)
}

impl Elements {
    /// Converts to pixels from 0 to 255: whole numbers of that range as they are, floats from 0 to
    /// 255, from 0 to 1 or from -1 to 1.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "of a range that was checked"
    )]
    fn pixels(self) -> Result<Vec<u8>, String> {
        let range = |least: f64, most: f64| {
            format!(
                "has values from {least} to {most}, which are no pixels: they must be whole \
                 numbers from 0 to 255, or floats from 0 to 1; scale them before they are saved"
            )
        };
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Booleans(bytes) => Ok(bytes.into_iter().map(|it| it.min(1) * 255).collect()),
            Self::Texts(_) => Err("holds text, not images".to_owned()),
            Self::Integers(numbers) => {
                let bytes: Option<Vec<u8>> =
                    numbers.iter().map(|&number| u8::try_from(number).ok()).collect();
                let least = numbers.iter().min().copied().unwrap_or_default();
                let most = numbers.iter().max().copied().unwrap_or_default();
                bytes.ok_or_else(|| range(least as f64, most as f64))
            }
            Self::Floats(floats) => {
                if floats.iter().any(|float| !float.is_finite()) {
                    return Err("has pixels that are NaN or infinite".to_owned());
                }
                let least = floats.iter().copied().reduce(f32::min).unwrap_or_default();
                let most = floats.iter().copied().reduce(f32::max).unwrap_or_default();
                let (from, scale) = match (least, most) {
                    (0.0.., ..=1.0) => (0.0, 255.0),
                    (0.0.., ..=255.0) => (0.0, 1.0),
                    (-1.0.., ..=1.0) => (-1.0, 127.5),
                    _ => return Err(range(least.into(), most.into())),
                };
                let pixel = |float: f32| ((float - from) * scale).round() as u8;
                Ok(floats.into_iter().map(pixel).collect())
            }
        }
    }
}

/// Returns data sets of these arrays.
pub(crate) fn array_splits(
    root: &Path,
    train: SplitArrays,
    test: Option<SplitArrays>,
) -> Result<Splits, DataError> {
    let unsupported = DataError::unsupported(root);
    let mut omitted = Omitted::default();
    let mut read = |arrays: SplitArrays| -> Result<(InMemory, Vec<Option<String>>), DataError> {
        let images = arrays.pixels.images().map_err(&unsupported)?;
        let mut labels = vec![None; images.len()];
        if let Some(array) = arrays.labels {
            let name = array.name.clone();
            match array.labels(images.len()).map_err(&unsupported)? {
                Some(known) => labels = known,
                None => omitted.add_many(SEVERAL, images.len(), name),
            }
        }
        Ok((images, labels))
    };
    let (train, train_labels) = read(train)?;
    if train.is_empty() {
        return Err(DataError::Empty { path: root.to_owned() });
    }
    let test = test.map(read).transpose()?;
    let test_labels = test.as_ref().map_or(&[][..], |(_, labels)| labels);
    let classes = Classes::number(root, &train_labels, test_labels)?;
    let train: Arc<dyn Dataset> =
        Arc::new(train.with_labels(classes.train, classes.names.clone())?);
    let test = test.map(|(test, _)| test.with_labels(classes.test, classes.names)).transpose()?;
    let test = test.map(|test| Arc::new(test) as Arc<dyn Dataset>);
    Ok(Splits { train, test, found: "arrays".to_owned(), omitted })
}
