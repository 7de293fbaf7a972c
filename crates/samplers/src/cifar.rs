//! CIFAR-10 as it is published: the binary version and the Python version.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{DynamicImage, RgbImage};

use crate::pickle::{self, Value};
use crate::{DataError, Dataset, Splits};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const PICTURE: usize = 3 * PLANE;
const CLASSES: [&str; 10] = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
];

/// CIFAR-10 in `folder` or in the folder of the published name within, or `None` if there is none.
pub(crate) fn open(folder: &Path) -> Result<Option<Splits>, DataError> {
    let inner = ["cifar-10-batches-bin", "cifar-10-batches-py"].map(|name| folder.join(name));
    for folder in [&[folder.to_owned()][..], &inner].concat() {
        for (ending, read) in [(".bin", binary as Reader), ("", python as Reader)] {
            let file = |name: String| folder.join(name + ending);
            let train: Vec<PathBuf> = (1..=5).map(|n| file(format!("data_batch_{n}"))).collect();
            let train: Vec<PathBuf> = train.into_iter().filter(|path| path.is_file()).collect();
            if train.is_empty() {
                continue;
            }
            let test = file("test_batch".to_owned());
            let load = |paths: &[PathBuf]| -> Result<Arc<dyn Dataset>, DataError> {
                Ok(Arc::new(Cifar::load(paths, read)?))
            };
            let test = test.is_file().then(|| load(&[test])).transpose()?;
            return Ok(Some(Splits { train: load(&train)?, test }));
        }
    }
    Ok(None)
}

/// Labels, and planes of red, green and blue, one picture after the other.
type Batch = (Vec<u8>, Vec<u8>);
type Reader = fn(&[u8]) -> Result<Batch, String>;

struct Cifar {
    labels: Vec<u8>,
    planes: Vec<u8>,
    /// File, and the number of its first picture.
    files: Vec<(String, usize)>,
    classes: Vec<String>,
}

impl Cifar {
    fn load(paths: &[PathBuf], read: Reader) -> Result<Self, DataError> {
        let classes = CLASSES.map(str::to_owned).to_vec();
        let mut all = Self { labels: Vec::new(), planes: Vec::new(), files: Vec::new(), classes };
        for path in paths {
            let damaged = |reason| DataError::Format { path: path.clone(), reason };
            let (labels, planes) =
                read(&fs::read(path).map_err(DataError::read(path))?).map_err(damaged)?;
            if let Some(label) = labels.iter().find(|&&label| label > 9) {
                return Err(damaged(format!("a label is {label}, but CIFAR-10 has 0 to 9")));
            }
            if planes.len() != labels.len() * PICTURE {
                let (labels, bytes) = (labels.len(), planes.len());
                return Err(damaged(format!("{labels} labels do not go with {bytes} bytes of pictures")));
            }
            all.files.push((path.display().to_string(), all.labels.len()));
            all.labels.extend(labels);
            all.planes.extend(planes);
        }
        match (all.labels.len(), paths) {
            (0 | 1, [path, ..]) => Err(DataError::Empty { path: path.clone() }),
            _ => Ok(all),
        }
    }
}

impl Dataset for Cifar {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn picture(&self, index: usize) -> Result<DynamicImage, DataError> {
        let planes = &self.planes[index * PICTURE..][..PICTURE];
        let pixel = |place: usize| [planes[place], planes[PLANE + place], planes[2 * PLANE + place]];
        let pixels: Vec<u8> = (0..PLANE).flat_map(pixel).collect();
        let side = SIDE as u32;
        let image = RgbImage::from_raw(side, side, pixels).map(DynamicImage::ImageRgb8);
        image.ok_or_else(|| DataError::Picture {
            name: self.name(index),
            reason: "it has too few pixels".to_owned(),
        })
    }

    fn label(&self, index: usize) -> Option<usize> {
        Some(self.labels[index].into())
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        let file = self.files.iter().rfind(|(_, first)| *first <= index);
        file.map_or_else(String::new, |(file, first)| format!("number {} of {file}", index - first))
    }
}

/// Records of a label and a picture.
fn binary(bytes: &[u8]) -> Result<Batch, String> {
    let records = bytes.chunks_exact(1 + PICTURE);
    if !records.remainder().is_empty() {
        return Err(format!("{} bytes are left over after whole records", records.remainder().len()));
    }
    let labels = records.clone().map(|record| record[0]).collect();
    Ok((labels, records.flat_map(|record| &record[1..]).copied().collect()))
}

/// A pickled dictionary with `data` and `labels`.
fn python(bytes: &[u8]) -> Result<Batch, String> {
    let value = pickle::load(bytes)?;
    let labels = value.get("labels").ok_or("it has no `labels`")?;
    let Value::List(labels) = labels else { return Err("`labels` is no list".to_owned()) };
    let label = |value: &Value| match value {
        Value::Int(label) => u8::try_from(*label).ok(),
        _ => None,
    };
    let labels: Option<Vec<u8>> = labels.iter().map(label).collect();
    let labels = labels.ok_or("a label is no small number")?;
    let data = value.get("data").and_then(Value::bytes).ok_or("it has no `data`")?;
    Ok((labels, data.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_version_is_read_picture_by_picture() {
        let root = tempfile::tempdir().unwrap();
        let record = |label: u8| {
            let mut record = vec![label];
            record.extend([10, 20, 30].into_iter().flat_map(|x| vec![x + label; PLANE]));
            record
        };
        fs::write(root.path().join("data_batch_1.bin"), [record(3), record(9)].concat()).unwrap();
        fs::write(root.path().join("data_batch_2.bin"), record(1)).unwrap();
        fs::write(root.path().join("test_batch.bin"), [record(0), record(2)].concat()).unwrap();
        let splits = open(root.path()).unwrap().unwrap();
        assert_eq!((splits.train.len(), splits.train.label(1)), (3, Some(9)));
        assert_eq!(splits.train.class_names()[9], "truck");
        assert_eq!(splits.train.picture(2).unwrap().to_rgb8().get_pixel(5, 6).0, [11, 21, 31]);
        assert!(splits.train.name(2).starts_with("number 0 of ") && splits.train.name(2).contains("_2"));
        fs::write(root.path().join("test_batch.bin"), &record(0)[..99]).unwrap();
        assert!(open(root.path()).unwrap_err().to_string().contains("left over"));
        fs::write(root.path().join("test_batch.bin"), record(10)).unwrap();
        assert!(open(root.path()).unwrap_err().to_string().contains("label is 10"));
    }

    #[test]
    fn other_folders_are_none_of_ours() {
        assert!(open(tempfile::tempdir().unwrap().path()).unwrap().is_none());
    }
}
