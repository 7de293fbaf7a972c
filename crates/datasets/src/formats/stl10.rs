//! STL-10 as published: the binary version, whose images without labels are learned from as well.

use std::path::Path;
use std::sync::Arc;

use super::files::Files;
use crate::{DataError, Dataset, InMemory, Layout, Omitted, Splits};

const SIDE: usize = 96;
const IMAGE: usize = 3 * SIDE * SIDE;
const CLASSES: [&str; 10] =
    ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"];

/// Opens STL-10 in `folder`, or in its subfolder of the published name; `None` if neither holds it.
pub(crate) fn open_stl10_folder(folder: &Path) -> Result<Option<Splits>, DataError> {
    open_stl10(&Files::in_folder(folder))
}

/// Opens STL-10 among `files`, or in their folder of the published name; `None` if it is in neither.
pub(crate) fn open_stl10(files: &Files) -> Result<Option<Splits>, DataError> {
    for files in [files.clone(), files.within("stl10_binary")] {
        let has = |name: &str| files.has(name);
        if !has("train_X.bin") || !has("train_y.bin") {
            continue;
        }
        let unlabeled = has("unlabeled_X.bin");
        let train = load(&files, "train", unlabeled)?;
        if train.len() < 2 {
            return Err(DataError::Empty { path: files.path("train_X.bin") });
        }
        let test = (has("test_X.bin") && has("test_y.bin"))
            .then(|| load(&files, "test", false))
            .transpose()?;
        let beside = if unlabeled { ", with the images without labels" } else { "" };
        return Ok(Some(Splits {
            train: Arc::new(train),
            test: test.map(|test| Arc::new(test) as Arc<dyn Dataset>),
            found: format!("STL-10 as published{beside}"),
            omitted: Omitted::default(),
        }));
    }
    Ok(None)
}

/// Returns whether a member of an archive may be a file of STL-10.
pub(crate) fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (split, kind) = name.split_once('_').unwrap_or_default();
    ["train", "test", "unlabeled"].contains(&split) && ["X.bin", "y.bin"].contains(&kind)
}

/// Reads the images of a split with their labels and, if asked to, those without.
fn load(files: &Files, split: &str, unlabeled: bool) -> Result<InMemory, DataError> {
    let names = format!("{split}_y.bin");
    let mut labels = Vec::new();
    for label in files.read(&names)? {
        let label = usize::from(label);
        if !(1..=CLASSES.len()).contains(&label) {
            let reason = format!("a label is {label}, not from 1 to {}", CLASSES.len());
            return Err(DataError::damaged(&files.path(&names))(reason));
        }
        labels.push(Some(label - 1));
    }
    let name = format!("{split}_X.bin");
    let path = files.path(&name);
    let mut pixels = read_images(files, &name)?;
    if pixels.len() != labels.len() * IMAGE {
        let (labels, images) = (labels.len(), pixels.len() / IMAGE);
        let reason = format!("it has {images} images, but there are {labels} labels");
        return Err(DataError::damaged(&path)(reason));
    }
    let mut parts = vec![(path.display().to_string(), 0)];
    if unlabeled {
        let name = "unlabeled_X.bin";
        parts.push((files.path(name).display().to_string(), labels.len()));
        pixels.append(&mut read_images(files, name)?);
        labels.resize(pixels.len() / IMAGE, None);
    }
    let classes: Arc<[String]> = CLASSES.map(str::to_owned).into();
    let images = InMemory::new(pixels, [SIDE, SIDE, 3], Layout::Chw)?;
    Ok(images.with_labels(labels, classes)?.named_after(parts))
}

/// Reads planes of red, green and blue, whose columns are turned into rows.
fn read_images(files: &Files, name: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = files.read(name)?;
    let rest = bytes.len() % IMAGE;
    if rest > 0 {
        let reason = format!("{rest} bytes are left over after whole images");
        return Err(DataError::damaged(&files.path(name))(reason));
    }
    for plane in bytes.chunks_exact_mut(SIDE * SIDE) {
        for row in 0..SIDE {
            for column in 0..row {
                plane.swap(row * SIDE + column, column * SIDE + row);
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn columns_become_rows_and_unlabeled_images_are_learned_from() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("stl10_binary");
        fs::create_dir(&folder).unwrap();
        assert!(open_stl10_folder(root.path()).unwrap().is_none());
        let mut images = vec![0; 2 * IMAGE];
        images[1] = 200; // red, in the second row of the first column
        for (name, bytes) in [
            ("train_X.bin", &images[..]),
            ("train_y.bin", &[1, 10]),
            ("unlabeled_X.bin", &images),
            ("test_X.bin", &images[IMAGE..]),
            ("test_y.bin", &[2]),
        ] {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let splits = open_stl10_folder(root.path()).unwrap().unwrap();
        let train = splits.train;
        assert_eq!([0, 1, 2, 3].map(|i| train.label(i)), [Some(0), Some(9), None, None]);
        assert_eq!(train.image(0).unwrap().to_rgb8().get_pixel(0, 1).0, [200, 0, 0]);
        assert!(train.name(3).contains("unlabeled_X.bin"), "{}", train.name(3));
        assert_eq!(splits.test.unwrap().label(0), Some(1));
        fs::write(folder.join("train_y.bin"), [0, 1]).unwrap();
        assert!(open_stl10_folder(&folder).unwrap_err().to_string().contains("label is 0"));
    }
}
