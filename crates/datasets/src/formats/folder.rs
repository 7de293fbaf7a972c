//! Which of many files are train and test images, and of which class.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::DynamicImage;

use crate::archive::Bytes;
use crate::labels::Classes;
use crate::{DataError, Dataset, Splits, decode, files};

/// An image that was found: its place as people write it, and where its bytes are.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Folders and name, from the root, with `/` between them.
    pub(crate) path: String,
    /// The class that stands beside the image, in a list or in a file of its name.
    pub(crate) label: Option<String>,
    pub(crate) source: Source,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    /// A member of an archive: its name, the archive, and its bytes.
    Member {
        name: String,
        archive: Arc<Path>,
        bytes: Bytes,
    },
}

/// Whether a file's name is that of an image.
pub(crate) fn is_image(path: &str) -> bool {
    const ENDINGS: [&str; 12] =
        ["jpg", "jpeg", "png", "bmp", "gif", "webp", "pnm", "ppm", "pgm", "pbm", "tif", "tiff"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    !name.starts_with('.') && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Names of what is to learn from and of what is to test with.
pub(crate) const TRAIN: [&str; 1] = ["train"];
pub(crate) const TEST: [&str; 4] = ["test", "val", "valid", "validation"];

/// Sorts images into train and test, and into classes by what stands beside them or else by the
/// first folder they are in.
pub(crate) fn splits(root: &Path, mut entries: Vec<Entry>) -> Result<Splits, DataError> {
    if entries.is_empty() {
        return Err(DataError::Empty { path: root.to_owned() });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    // An archive often has one folder around everything.
    if let Some(top) = single_top(&entries)
        && entries.iter().any(|entry| part(&entry.path[top.len() + 1..], "train").is_some())
    {
        for entry in &mut entries {
            entry.path.drain(..=top.len());
        }
    }
    let select = |names: &[&str]| -> Vec<Entry> {
        let within = |entry: &Entry| {
            let path = names.iter().find_map(|name| part(&entry.path, name))?.to_owned();
            Some(Entry { path, ..entry.clone() })
        };
        entries.iter().filter_map(within).collect()
    };
    let (mut train, mut test) = (select(&TRAIN), select(&TEST));
    if train.is_empty() {
        train = entries;
    }
    if train.iter().all(|entry| entry.label.is_none()) {
        by_folder(root, &mut train)?;
        if !by_folder(root, &mut test)? {
            test.clear(); // without labels there is nothing to test
        }
    }
    labeled(root, train, test)
}

/// Images in the order given, with the labels they have.
pub(crate) fn labeled(
    root: &Path,
    train: Vec<Entry>,
    test: Vec<Entry>,
) -> Result<Splits, DataError> {
    match train.len() {
        0 => return Err(DataError::Empty { path: root.to_owned() }),
        1 => return Err(DataError::Single { path: root.to_owned() }),
        _ => {}
    }
    let names = |entries: &[Entry]| -> Vec<Option<String>> {
        entries.iter().map(|entry| entry.label.clone()).collect()
    };
    let Classes { names: classes, train: of_train, test: of_test } =
        Classes::of(root, &names(&train), &names(&test))?;
    let list = |entries, labels| -> Arc<dyn Dataset> {
        Arc::new(ImageList { entries, labels, classes: classes.clone() })
    };
    let test = (!test.is_empty()).then(|| list(test, of_test));
    Ok(Splits { train: list(train, of_train), test })
}

/// What follows `folder/`, if the path is in it.
fn part<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// The folder that all images are in, if there is one.
fn single_top(entries: &[Entry]) -> Option<String> {
    let (top, _) = entries.first()?.path.split_once('/')?;
    entries.iter().all(|entry| part(&entry.path, top).is_some()).then(|| top.to_owned())
}

/// Labels images by the folder they are in; false if they lie side by side.
fn by_folder(root: &Path, entries: &mut [Entry]) -> Result<bool, DataError> {
    for entry in &mut *entries {
        entry.label = entry.path.split_once('/').map(|(class, _)| class.to_owned());
    }
    let labeled = entries.iter().any(|entry| entry.label.is_some());
    match entries.iter().find(|entry| entry.label.is_none()) {
        Some(beside) if labeled => {
            Err(DataError::Mixed { path: root.to_owned(), beside: beside.path.clone() })
        }
        _ => Ok(labeled),
    }
}

/// Images that are decoded when they are asked for.
struct ImageList {
    entries: Vec<Entry>,
    labels: Vec<Option<usize>>,
    classes: Arc<[String]>,
}

impl ImageList {
    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.entries[index].source {
            Source::File(path) => files::read(path).map(Cow::Owned),
            Source::Member { archive, bytes, .. } => bytes.read(archive),
        }
    }
}

impl Dataset for ImageList {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let named = |error| DataError::undecoded(self.name(index), &error);
        decode(&self.bytes(index)?).map_err(named)
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
        match &self.entries[index].source {
            Source::File(path) => path.display().to_string(),
            Source::Member { name, archive, .. } => format!("{name} in {}", archive.display()),
        }
    }
}
