//! Images that are files in folders, or in an archive of folders: their split and their class.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::DynamicImage;

use super::bytes::MemberBytes;
use super::classes::Classes;
use super::layout::{Part, plan};
use super::masks::omit_masks;
use super::names::{composed, is_system};
use super::read::read_file;
use super::walk::HIDDEN;
use crate::{DataError, Dataset, FolderLayout, Omitted, OpenOptions, Splits, decode_image, stamp};

pub(crate) use super::names::is_image;

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

impl FoundImage {
    pub(crate) fn bytes(&self) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.location {
            Location::File(path) => read_file(path).map(Cow::Owned),
            Location::Member { archive, bytes, .. } => bytes.read(archive),
        }
    }
}

/// Sorts images into training and test splits, and into classes: by their labels or, without any,
/// by the folders they are in. `omitted` is what was omitted before.
pub(crate) fn folder_splits(
    root: &Path,
    mut images: Vec<FoundImage>,
    mut omitted: Omitted,
    options: &OpenOptions,
) -> Result<Splits, DataError> {
    images.retain(|image| {
        let used = !image.path.split('/').any(is_system);
        if !used {
            omitted.add(HIDDEN, &image.path);
        }
        used
    });
    images.sort_by(|a, b| a.path.cmp(&b.path));
    if matches!(options.layout, FolderLayout::Auto | FolderLayout::Splits) {
        images = omit_masks(images, &mut omitted);
    }
    if images.is_empty() {
        let path = root.to_owned();
        return Err(if omitted.is_empty() {
            DataError::Empty { path }
        } else {
            DataError::NothingUsable { path, omitted }
        });
    }
    let plan = plan(&images, options)
        .map_err(|problem| DataError::Folders { path: root.to_owned(), problem })?;
    let labeled = images.iter().any(|image| image.label.is_some());
    let classes: Vec<String> = options.classes.iter().map(|name| composed(name)).collect();
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for mut image in images {
        let (part, mut class) = plan.place(&image.path);
        if !classes.is_empty() {
            let mut folders = image.path.split('/').rev().skip(1).map(composed);
            class = folders.find(|folder| classes.contains(folder));
        }
        if options.layout == FolderLayout::Flat {
            image.label = None;
        } else if !labeled {
            image.label = class;
        }
        match part {
            Part::Train(_) => train.push(image),
            Part::Test if image.label.is_none() => {
                omitted.add("test images without a class", image.path);
            }
            Part::Test => test.push(image),
            Part::Omit(reason) => omitted.add(&reason, image.path),
        }
    }
    let mut splits = labeled_splits(root, train, test)?;
    splits.found = if labeled && options.layout != FolderLayout::Flat {
        "images with labels beside them".to_owned()
    } else {
        plan.found
    };
    omitted.extend(splits.omitted);
    splits.omitted = omitted;
    Ok(splits)
}

/// Returns data sets of these images, in order, with classes numbered by their labels.
pub(crate) fn labeled_splits(
    root: &Path,
    train: Vec<FoundImage>,
    test: Vec<FoundImage>,
) -> Result<Splits, DataError> {
    if train.is_empty() {
        return Err(DataError::Empty { path: root.to_owned() });
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
    let (train, found) = (list(train, train_labels), "a list of images".to_owned());
    Ok(Splits { train, test, found, omitted: Omitted::default() })
}

/// Returns a data set of these files, without labels.
pub(crate) fn image_files(paths: &[&Path]) -> Arc<dyn Dataset> {
    let found = |path: &&Path| FoundImage {
        path: path.display().to_string(),
        label: None,
        location: Location::File(path.to_path_buf()),
    };
    let images = paths.iter().map(found).collect();
    Arc::new(ImageList { images, labels: vec![None; paths.len()], classes: Arc::new([]) })
}

/// Images that are read and decoded on each access.
struct ImageList {
    images: Vec<FoundImage>,
    labels: Vec<Option<usize>>,
    classes: Arc<[String]>,
}

impl Dataset for ImageList {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let named = |error| DataError::undecoded(self.name(index), &error);
        decode_image(&self.images[index].bytes()?).map_err(named)
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        self.images[index].bytes().map(Some)
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
