//! Published data sets whose splits or classes are in lists: sorted as if they were in folders.
//!
//! | list | data set | images |
//! |---|---|---|
//! | `meta/train.txt`, `meta/test.txt` | Food-101 | `images/CLASS/NAME` |
//! | `val/val_annotations.txt` | Tiny `ImageNet` | `val/images/NAME` |
//! | `LOC_val_solution.csv` | `ImageNet` | `…/val/NAME` |
//! | `annotations/trainval.txt`, `annotations/test.txt` | Oxford-IIIT Pet | `images/CLASS_NUMBER` |
//! | `images.txt`, `train_test_split.txt` | CUB-200 | `images/CLASS/NAME` |

use std::collections::HashMap;
use std::path::Path;

use super::folder::FoundImage;
use super::read::read_start;
use crate::DataError;

/// The most bytes read of a list.
const MAX_LIST: u64 = 64 << 20;

const LISTS: [&str; 8] = [
    "meta/train.txt",
    "meta/test.txt",
    "val/val_annotations.txt",
    "LOC_val_solution.csv",
    "annotations/trainval.txt",
    "annotations/test.txt",
    "images.txt",
    "train_test_split.txt",
];

/// Returns whether a file can be one of the lists.
pub(crate) fn is_list(path: &str) -> bool {
    LISTS.iter().any(|list| around(path, list).is_some())
}

/// Returns the folder that the list is in, with a `/` at the end unless it is the root.
fn around<'a>(path: &'a str, list: &str) -> Option<&'a str> {
    let around = path.strip_suffix(list)?;
    (around.is_empty() || around.ends_with('/')).then_some(around)
}

/// Moves the images at `root` to the folders of the split and the class that a list assigns.
/// Returns the names of the data sets.
pub(crate) fn sort(
    root: &Path,
    lists: &[String],
    images: &mut [FoundImage],
) -> Result<Vec<&'static str>, DataError> {
    let read = |list: &str| -> Result<String, DataError> {
        let bytes = read_start(&root.join(list), MAX_LIST)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let mut found = Vec::new();
    for list in lists {
        let has = |other: &str| lists.iter().any(|list| list == other);
        let mut moves = Moves::default();
        let name = if let Some(set) = around(list, "meta/train.txt") {
            let test = format!("{set}meta/test.txt");
            if !has(&test) {
                continue;
            }
            for (text, split) in [(read(list)?, "train"), (read(&test)?, "test")] {
                for line in text.lines() {
                    moves.add(set, "images", line.trim(), split, None);
                }
            }
            "Food-101"
        } else if let Some(set) = around(list, "val/val_annotations.txt") {
            for line in read(list)?.lines() {
                if let [name, class, ..] = line.split('\t').collect::<Vec<_>>()[..] {
                    moves.add(set, "val/images", name, "", Some(class));
                }
            }
            "Tiny ImageNet"
        } else if let Some(set) = around(list, "LOC_val_solution.csv") {
            for line in read(list)?.lines() {
                let mut words = line.split([',', ' ']);
                if let (Some(name), Some(class)) = (words.next(), words.next()) {
                    moves.add(set, "ILSVRC/Data/CLS-LOC/val", name, "", Some(class));
                }
            }
            "ImageNet"
        } else if let Some(set) = around(list, "annotations/trainval.txt") {
            let test = format!("{set}annotations/test.txt");
            if !has(&test) {
                continue;
            }
            for (text, split) in [(read(list)?, "train"), (read(&test)?, "test")] {
                let names = text.lines().filter_map(|line| line.split_whitespace().next());
                for name in names {
                    let class = name.rsplit_once('_').map(|(class, _)| class);
                    moves.add(set, "images", name, split, class);
                }
            }
            "Oxford-IIIT Pet"
        } else if let Some(set) = around(list, "train_test_split.txt") {
            let names = format!("{set}images.txt");
            if !has(&names) {
                continue;
            }
            let (names, splits) = (read(&names)?, read(list)?);
            let names: HashMap<&str, &str> =
                names.lines().filter_map(|line| line.trim().split_once(' ')).collect();
            for (number, train) in splits.lines().filter_map(|line| line.trim().split_once(' ')) {
                if let Some(name) = names.get(number) {
                    let split = if train == "1" { "train" } else { "test" };
                    moves.add(set, "images", name, split, None);
                }
            }
            "CUB-200"
        } else {
            continue;
        };
        if moves.apply(images) {
            found.push(name);
        }
    }
    Ok(found)
}

/// New paths of images, by their paths without the endings.
#[derive(Default)]
struct Moves(HashMap<String, String>);

impl Moves {
    /// Moves the image `name` in `set/folder` to `set/folder/split/class`.
    fn add(&mut self, set: &str, folder: &str, name: &str, split: &str, class: Option<&str>) {
        let split = if split.is_empty() { String::new() } else { format!("{split}/") };
        let class = class.map(|class| format!("{class}/")).unwrap_or_default();
        let folder = format!("{set}{folder}/");
        let name = stem(name);
        self.0.insert(format!("{folder}{name}"), format!("{folder}{split}{class}{name}"));
    }

    fn apply(&self, images: &mut [FoundImage]) -> bool {
        let mut moved = false;
        for image in images {
            let ending = image.path.len() - stem(&image.path).len();
            let (key, ending) = image.path.split_at(image.path.len() - ending);
            if let Some(path) = self.0.get(key) {
                image.path = format!("{path}{ending}");
                moved = true;
            }
        }
        moved
    }
}

/// Returns a path without the ending of an image.
fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, _)) if super::names::is_image(path) => stem,
        _ => path,
    }
}
