//! CIFAR-10 and CIFAR-100 as published: the binary version and the Python version.

use std::path::Path;
use std::sync::Arc;

use super::files::Files;
use super::pickle::{self, Value};
use crate::{DataError, Dataset, InMemory, Layout, Omitted, Splits};

const SIZE: [usize; 3] = [32, 32, 3];
const IMAGE: usize = 32 * 32 * 3;

/// One of the two data sets in one of its two versions.
struct Version {
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    /// Bytes before an image in the binary version, the last of which is its class; 0 in the Python
    /// version.
    header: usize,
    /// The key of the labels in the Python version's dictionary.
    labels: &'static str,
    classes: usize,
}

const VERSIONS: [Version; 4] = [
    Version {
        folder: "cifar-10-batches-bin",
        train: &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
        test: "test_batch.bin",
        header: 1,
        labels: "labels",
        classes: 10,
    },
    Version {
        folder: "cifar-10-batches-py",
        train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        test: "test_batch",
        header: 0,
        labels: "labels",
        classes: 10,
    },
    // Coarse class, fine class, image.
    Version {
        folder: "cifar-100-binary",
        train: &["train.bin"],
        test: "test.bin",
        header: 2,
        labels: "fine_labels",
        classes: 100,
    },
    Version {
        folder: "cifar-100-python",
        train: &["train"],
        test: "test",
        header: 0,
        labels: "fine_labels",
        classes: 100,
    },
];

/// Opens CIFAR in `folder`, or in its subfolder of the published name; `None` if neither holds it.
pub(crate) fn open_cifar_folder(folder: &Path) -> Result<Option<Splits>, DataError> {
    open_cifar(&Files::in_folder(folder))
}

/// Opens CIFAR among `files`, or in their folder of the published name; `None` if it is in neither.
pub(crate) fn open_cifar(files: &Files) -> Result<Option<Splits>, DataError> {
    for version in &VERSIONS {
        for files in [files.clone(), files.within(version.folder)] {
            let there = |names: &[&'static str]| -> Vec<&'static str> {
                names.iter().copied().filter(|name| files.has(name)).collect()
            };
            let train = there(version.train);
            // A file `train` alone may hold anything.
            if train.is_empty() || (version.folder.ends_with("python") && !files.has("meta")) {
                continue;
            }
            let classes = version.class_names(&files)?;
            let load = |names: &[&str]| -> Result<Arc<dyn Dataset>, DataError> {
                Ok(Arc::new(version.load(&files, names, &classes)?))
            };
            let test = there(&[version.test]);
            let test = (!test.is_empty()).then(|| load(&test)).transpose()?;
            let (found, omitted) = ("CIFAR as published".to_owned(), Omitted::default());
            return Ok(Some(Splits { train: load(&train)?, test, found, omitted }));
        }
    }
    Ok(None)
}

/// Returns whether a member of an archive may be a file of CIFAR.
pub(crate) fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["meta", "fine_label_names.txt"].contains(&name)
        || VERSIONS.iter().any(|version| version.test == name || version.train.contains(&name))
}

/// Labels, and planes of red, green and blue, one image after the other.
type Batch = (Vec<usize>, Vec<u8>);

impl Version {
    fn load(
        &self,
        files: &Files,
        names: &[&str],
        classes: &Arc<[String]>,
    ) -> Result<InMemory, DataError> {
        let (mut labels, mut pixels, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let path = files.path(name);
            let damaged = DataError::damaged(&path);
            let bytes = files.read(name)?;
            let batch = if self.header > 0 { self.binary(&bytes) } else { self.python(&bytes) };
            let (more, planes) = batch.map_err(&damaged)?;
            if let Some(label) = more.iter().find(|&&label| label >= self.classes) {
                return Err(damaged(format!(
                    "a label is {label}, but there are {} classes",
                    self.classes
                )));
            }
            if planes.len() != more.len() * IMAGE {
                let (labels, bytes) = (more.len(), planes.len());
                return Err(damaged(format!(
                    "{labels} labels do not match {bytes} bytes of images"
                )));
            }
            parts.push((path.display().to_string(), labels.len()));
            labels.extend(more.into_iter().map(Some));
            pixels.extend(planes);
        }
        if let ([name, ..], 0 | 1) = (names, labels.len()) {
            return Err(DataError::Empty { path: files.path(name) });
        }
        let images = InMemory::new(pixels, SIZE, Layout::Chw)?;
        Ok(images.with_labels(labels, classes.clone())?.named_after(parts))
    }

    /// Reads records of one or two labels and an image.
    fn binary(&self, bytes: &[u8]) -> Result<Batch, String> {
        let records = bytes.chunks_exact(self.header + IMAGE);
        if !records.remainder().is_empty() {
            let rest = records.remainder().len();
            return Err(format!("{rest} bytes are left over after whole records"));
        }
        let labels = records.clone().map(|record| record[self.header - 1].into()).collect();
        Ok((labels, records.flat_map(|record| &record[self.header..]).copied().collect()))
    }

    /// Reads a pickled dictionary with `data` and labels.
    fn python(&self, bytes: &[u8]) -> Result<Batch, String> {
        let value = pickle::load(bytes)?;
        let labels =
            value.get(self.labels).ok_or_else(|| format!("it has no `{}`", self.labels))?;
        let Value::List(labels) = labels else {
            return Err(format!("`{}` is not a list", self.labels));
        };
        let label = |value: &Value| match value {
            Value::Int(label) => usize::try_from(*label).ok(),
            _ => None,
        };
        let labels: Option<Vec<usize>> = labels.iter().map(label).collect();
        let labels = labels.ok_or("a label is not a whole number from 0 on")?;
        let data = value.get("data").and_then(Value::bytes).ok_or("it has no `data`")?;
        Ok((labels, data.to_vec()))
    }

    /// Returns the published classes of CIFAR-10; for CIFAR-100, those in the file beside the
    /// images, or else numbers.
    fn class_names(&self, files: &Files) -> Result<Arc<[String]>, DataError> {
        const TEN: [&str; 10] = [
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ];
        if self.classes == TEN.len() {
            return Ok(TEN.map(str::to_owned).into());
        }
        let (text, meta) = ("fine_label_names.txt", files.path("meta"));
        let names: Vec<String> = if files.has(text) {
            let text = String::from_utf8_lossy(&files.read(text)?).into_owned();
            text.lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect()
        } else if files.has("meta") {
            let value = pickle::load(&files.read("meta")?).map_err(DataError::damaged(&meta))?;
            let Some(Value::List(names)) = value.get("fine_label_names") else {
                return Err(DataError::damaged(&meta)("it has no `fine_label_names`".to_owned()));
            };
            names.iter().filter_map(Value::text).collect()
        } else {
            (0..self.classes).map(|class| class.to_string()).collect()
        };
        if names.len() != self.classes {
            let reason = format!("there are {} names for {} classes", names.len(), self.classes);
            return Err(DataError::damaged(&files.path(""))(reason));
        }
        Ok(names.into())
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use std::fs;

    const PLANE: usize = 32 * 32;

    fn record(labels: &[u8]) -> Vec<u8> {
        let shade = labels[labels.len() - 1];
        let mut record = labels.to_vec();
        record.extend([10, 20, 30].into_iter().flat_map(|x| vec![x + shade; PLANE]));
        record
    }

    #[test]
    fn the_binary_version_is_read_image_by_image() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("data_batch_1.bin"), [record(&[3]), record(&[9])].concat())
            .unwrap();
        fs::write(root.path().join("data_batch_2.bin"), record(&[1])).unwrap();
        fs::write(root.path().join("test_batch.bin"), [record(&[0]), record(&[2])].concat())
            .unwrap();
        let splits = open_cifar_folder(root.path()).unwrap().unwrap();
        assert_eq!((splits.train.len(), splits.train.label(1)), (3, Some(9)));
        assert_eq!(splits.train.class_names()[9], "truck");
        assert_eq!(splits.train.image(2).unwrap().to_rgb8().get_pixel(5, 6).0, [11, 21, 31]);
        assert!(
            splits.train.name(2).starts_with("number 0 of ") && splits.train.name(2).contains("_2")
        );
        fs::write(root.path().join("test_batch.bin"), &record(&[0])[..99]).unwrap();
        assert!(open_cifar_folder(root.path()).unwrap_err().to_string().contains("left over"));
        fs::write(root.path().join("test_batch.bin"), record(&[10])).unwrap();
        assert!(open_cifar_folder(root.path()).unwrap_err().to_string().contains("label is 10"));
    }

    #[test]
    fn cifar_100_has_its_fine_classes() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cifar-100-binary");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("train.bin"), [record(&[3, 70]), record(&[4, 99])].concat()).unwrap();
        let names: Vec<String> = (0..100).map(|n| format!("class-{n:02}")).collect();
        fs::write(folder.join("fine_label_names.txt"), names.join("\n") + "\n\n").unwrap();
        let splits = open_cifar_folder(root.path()).unwrap().unwrap();
        assert!(splits.test.is_none());
        assert_eq!((splits.train.label(0), splits.train.label(1)), (Some(70), Some(99)));
        assert_eq!(splits.train.class_names()[70], "class-70");
        assert_eq!(splits.train.image(0).unwrap().to_rgb8().get_pixel(0, 0).0, [80, 90, 100]);
    }

    #[test]
    fn the_python_version_of_cifar_100_takes_its_names_from_meta() {
        // Protocol 2 with byte strings, as published.
        fn text(text: &str) -> Vec<u8> {
            [&[b'U', text.len() as u8], text.as_bytes()].concat()
        }
        let image = &record(&[5])[1..];
        let mut train = b"\x80\x02}(".to_vec();
        train.extend([text("fine_labels"), b"](K\x05K\x07e".to_vec(), text("data")].concat());
        train.extend(b"T".iter().copied().chain((2 * IMAGE as u32).to_le_bytes()));
        train.extend([image, image, b"u."].concat());
        let names: Vec<u8> = (0..100).flat_map(|n| text(&format!("n{n}"))).collect();
        let meta = [
            b"\x80\x02}".to_vec(),
            text("fine_label_names"),
            b"](".to_vec(),
            names,
            b"es.".to_vec(),
        ];

        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("train"), train).unwrap();
        assert!(
            open_cifar_folder(root.path()).unwrap().is_none(),
            "without `meta` it may be anything"
        );
        fs::write(root.path().join("meta"), meta.concat()).unwrap();
        let train = open_cifar_folder(root.path()).unwrap().unwrap().train;
        assert_eq!(
            (train.len(), train.label(1), train.class_names()[7].as_str()),
            (2, Some(7), "n7")
        );
        assert_eq!(train.image(1).unwrap().to_rgb8().get_pixel(31, 31).0, [15, 25, 35]);
    }

    #[test]
    fn other_folders_are_not_cifar() {
        assert!(open_cifar_folder(tempfile::tempdir().unwrap().path()).unwrap().is_none());
    }
}
