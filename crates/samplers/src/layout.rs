//! Which of many files are train and test pictures, and of which class.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::DynamicImage;

use crate::{DataError, Dataset, Splits, decode};

/// A picture that was found: its place as people write it, and where its bytes are.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Folders and name, from the root, with `/` between them.
    pub(crate) path: String,
    pub(crate) source: Source,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    /// The name and content of an archive's member: the encoded picture.
    Member(String, Arc<[u8]>),
}

/// Whether a file's name is that of a picture.
pub(crate) fn is_picture(path: &str) -> bool {
    const ENDINGS: [&str; 12] =
        ["jpg", "jpeg", "png", "bmp", "gif", "webp", "pnm", "ppm", "pgm", "pbm", "tif", "tiff"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    !name.starts_with('.') && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Sorts pictures into train and test, and into classes by the first folder they are in.
pub(crate) fn splits(root: &Path, mut entries: Vec<Entry>) -> Result<Splits, DataError> {
    let path = || root.to_owned();
    if entries.is_empty() {
        return Err(DataError::Empty { path: path() });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    // An archive often has one folder around everything.
    if let Some(top) = single_top(&entries)
        && entries.iter().any(|entry| part(&entry.path[top.len() + 1..], "train").is_some())
    {
        entries.iter_mut().for_each(|entry| drop(entry.path.drain(..=top.len())));
    }
    let select = |names: &[&str]| -> Vec<Entry> {
        let within = |entry: &Entry| {
            let path = names.iter().find_map(|name| part(&entry.path, name))?.to_owned();
            Some(Entry { path, ..entry.clone() })
        };
        entries.iter().filter_map(within).collect()
    };
    let (train, test) = (select(&["train"]), select(&["test", "val", "valid", "validation"]));
    let train = if train.is_empty() { entries } else { train };
    if train.len() == 1 {
        return Err(DataError::Single { path: path() });
    }
    let classes = classes(root, &train)?;
    let test_classes = self::classes(root, &test)?;
    if let Some(class) = test_classes.iter().find(|class| !classes.contains(*class)) {
        return Err(DataError::ClassOnlyInTest { path: path(), class: class.clone() });
    }
    // One class tells nothing apart: its pictures are as good as unlabelled.
    let classes: Arc<[String]> =
        if classes.len() > 1 { classes.into_iter().collect() } else { Arc::new([]) };
    let list = |entries| -> Arc<dyn Dataset> {
        Arc::new(PictureList { root: root.to_owned(), entries, classes: classes.clone() })
    };
    let test = (!test.is_empty() && !test_classes.is_empty()).then(|| list(test));
    Ok(Splits { train: list(train), test })
}

/// What follows `folder/`, if the path is in it.
fn part<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// The folder that all pictures are in, if there is one.
fn single_top(entries: &[Entry]) -> Option<String> {
    let (top, _) = entries.first()?.path.split_once('/')?;
    entries.iter().all(|entry| part(&entry.path, top).is_some()).then(|| top.to_owned())
}

/// The class folders, or none if the pictures lie side by side.
fn classes(root: &Path, entries: &[Entry]) -> Result<BTreeSet<String>, DataError> {
    let class = |entry: &Entry| entry.path.split_once('/').map(|(class, _)| class.to_owned());
    let classes: BTreeSet<String> = entries.iter().filter_map(class).collect();
    match entries.iter().find(|entry| !entry.path.contains('/')) {
        Some(beside) if !classes.is_empty() => {
            Err(DataError::Mixed { path: root.to_owned(), beside: beside.path.clone() })
        }
        _ => Ok(classes),
    }
}

/// Pictures that are decoded when they are asked for.
struct PictureList {
    root: PathBuf,
    entries: Vec<Entry>,
    classes: Arc<[String]>,
}

impl Dataset for PictureList {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn picture(&self, index: usize) -> Result<DynamicImage, DataError> {
        let decoded = match &self.entries[index].source {
            Source::File(path) => decode(&std::fs::read(path).map_err(DataError::read(path))?),
            Source::Member(_, bytes) => decode(bytes),
        };
        decoded.map_err(|reason| DataError::Picture { name: self.name(index), reason })
    }

    fn label(&self, index: usize) -> Option<usize> {
        let (class, _) = self.entries[index].path.split_once('/')?;
        self.classes.iter().position(|other| other == class)
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        match &self.entries[index].source {
            Source::File(path) => path.display().to_string(),
            Source::Member(name, _) => format!("{name} in {}", self.root.display()),
        }
    }
}
