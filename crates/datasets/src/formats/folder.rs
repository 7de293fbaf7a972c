//! Images that are files in folders, or in an archive of folders: their split and their class.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::DynamicImage;

use super::bytes::MemberBytes;
use super::classes::Classes;
use super::read::read_file;
use crate::{DataError, Dataset, Omitted, Splits, decode_image, stamp};

/// An image that was found, not yet read.
#[derive(Clone, Debug)]
pub(crate) struct FoundImage {
    /// Folders and name from the root, separated by `/`.
    pub(crate) path: String,
    /// The class that a list, or a file beside the image, assigns to it.
    pub(crate) label: Option<String>,
    pub(crate) location: Location,
}

/// The place of an image's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    File(PathBuf),
    Member {
        /// Its name in the archive.
        name: String,
        archive: Arc<Path>,
        bytes: MemberBytes,
    },
}

/// Returns whether a file is named as an image.
pub(crate) fn is_image(path: &str) -> bool {
    const ENDINGS: [&str; 12] =
        ["jpg", "jpeg", "png", "bmp", "gif", "webp", "pnm", "ppm", "pgm", "pbm", "tif", "tiff"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    !name.starts_with('.') && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Folder names of the training and test splits.
pub(crate) const TRAIN: [&str; 1] = ["train"];
pub(crate) const TEST: [&str; 4] = ["test", "val", "valid", "validation"];

/// Sorts images into training and test splits, and into classes: by their labels or, without any,
/// by the first folder they are in.
pub(crate) fn folder_splits(root: &Path, mut images: Vec<FoundImage>) -> Result<Splits, DataError> {
    if images.is_empty() {
        return Err(DataError::Empty { path: root.to_owned() });
    }
    images.sort_by(|a, b| a.path.cmp(&b.path));
    // An archive often has one folder around everything.
    if let Some(top) = single_top(&images)
        && images.iter().any(|image| within(&image.path[top.len() + 1..], "train").is_some())
    {
        for image in &mut images {
            image.path.drain(..=top.len());
        }
    }
    let select = |folders: &[&str]| -> Vec<FoundImage> {
        let selected = |image: &FoundImage| {
            let path = folders.iter().find_map(|folder| within(&image.path, folder))?.to_owned();
            Some(FoundImage { path, ..image.clone() })
        };
        images.iter().filter_map(selected).collect()
    };
    let (mut train, mut test) = (select(&TRAIN), select(&TEST));
    if train.is_empty() {
        train = images;
    }
    if train.iter().all(|image| image.label.is_none()) {
        label_by_folder(root, &mut train)?;
        if !label_by_folder(root, &mut test)? {
            test.clear(); // without labels there is nothing to test
        }
    }
    labeled_splits(root, train, test)
}

/// Returns data sets of these images, in order, with classes numbered by their labels.
pub(crate) fn labeled_splits(
    root: &Path,
    train: Vec<FoundImage>,
    test: Vec<FoundImage>,
) -> Result<Splits, DataError> {
    match train.len() {
        0 => return Err(DataError::Empty { path: root.to_owned() }),
        1 => return Err(DataError::Single { path: root.to_owned() }),
        _ => {}
    }
    let names = |images: &[FoundImage]| -> Vec<Option<String>> {
        images.iter().map(|image| image.label.clone()).collect()
    };
    let Classes { names: classes, train: train_labels, test: test_labels } =
        Classes::number(root, &names(&train), &names(&test))?;
    let list = |images, labels| -> Arc<dyn Dataset> {
        Arc::new(ImageList { images, labels, classes: classes.clone() })
    };
    let test = (!test.is_empty()).then(|| list(test, test_labels));
    Ok(Splits { train: list(train, train_labels), test, omitted: Omitted::default() })
}

/// Returns the path within `folder`, if it is in there.
fn within<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// Returns the folder that all images are in, if there is one.
fn single_top(images: &[FoundImage]) -> Option<String> {
    let (top, _) = images.first()?.path.split_once('/')?;
    images.iter().all(|image| within(&image.path, top).is_some()).then(|| top.to_owned())
}

/// Labels images by the folder they are in; returns false if they are in none.
fn label_by_folder(root: &Path, images: &mut [FoundImage]) -> Result<bool, DataError> {
    for image in &mut *images {
        image.label = image.path.split_once('/').map(|(class, _)| class.to_owned());
    }
    let labeled = images.iter().any(|image| image.label.is_some());
    match images.iter().find(|image| image.label.is_none()) {
        Some(beside) if labeled => {
            Err(DataError::Mixed { path: root.to_owned(), beside: beside.path.clone() })
        }
        _ => Ok(labeled),
    }
}

/// Images that are read and decoded on each access.
struct ImageList {
    images: Vec<FoundImage>,
    labels: Vec<Option<usize>>,
    classes: Arc<[String]>,
}

impl ImageList {
    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.images[index].location {
            Location::File(path) => read_file(path).map(Cow::Owned),
            Location::Member { archive, bytes, .. } => bytes.read(archive),
        }
    }
}

impl Dataset for ImageList {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let named = |error| DataError::undecoded(self.name(index), &error);
        decode_image(&self.bytes(index)?).map_err(named)
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        self.bytes(index).map(Some)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels[index]
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        match &self.images[index].location {
            Location::File(path) => path.display().to_string(),
            Location::Member { name, archive, .. } => format!("{name} in {}", archive.display()),
        }
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        let FoundImage { path, location, .. } = &self.images[index];
        let size = match location {
            Location::File(file) => std::fs::metadata(file).map_err(DataError::read(file))?.len(),
            Location::Member { bytes, .. } => bytes.len(),
        };
        Ok(stamp(&[path.as_bytes(), &size.to_le_bytes()]))
    }
}
