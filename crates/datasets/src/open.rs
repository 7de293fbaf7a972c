//! Opening of a path, whose format is detected.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::formats::archive::{open_archive, open_archives};
use crate::formats::compression::{Compression, unsupported};
use crate::formats::folder::{FoundImage, Location, folder_splits, image_files, is_image};
use crate::formats::published::sort;
use crate::formats::read::read_start;
use crate::formats::walk::{Listing, walk};
use crate::formats::{cifar, csv, idx, npy, parquet, stl10, tar, zip};
use crate::{Concat, DataError, Dataset, FolderLayout, Omitted, OpenOptions, Splits};

/// Opens the images at `path`, in whichever of these formats it holds.
///
/// | content | result |
/// |---|---|
/// | `train/CLASS/…`, and perhaps `test/CLASS/…` or `val/CLASS/…` | labeled images in two splits |
/// | `CLASS/…` | labeled images |
/// | images side by side, or in `unlabeled/` beside any of the former | images without labels |
/// | Food-101, CUB-200, Oxford-IIIT Pet, `ImageNet` or Tiny `ImageNet`, unpacked | labeled images, in two splits by the lists of the data set |
/// | a `.zip`, `.tar`, `.tar.gz`, `.tar.zst` or `.tar.xz` of one of these, or a folder of several | the same |
/// | a `.tar`, compressed or not, of `KEY.jpg` with `KEY.cls` or `KEY.json`, or a folder of several | a `WebDataset`; a shard with `train`, `test` or `val` in its name is of that split |
/// | a `.parquet` with a column `image` of encoded images, or a folder of several (feature `parquet`) | images as Hugging Face stores them, with `label` if there is one; splits by the names of files |
/// | a `.csv`, `.tsv` or `.txt` of lines `path[,label]`, or `.jsonl` | the images listed, in that order; columns named `path`, `label` and `split` are found by name |
/// | images with `metadata.csv` or `metadata.jsonl` of `file_name` and `label` beside them | labeled images |
/// | `data_batch_1.bin` … or `data_batch_1` … `test_batch` | CIFAR-10, binary or Python version |
/// | `train.bin`, `test.bin` or `train`, `test`, `meta` | CIFAR-100, fine classes |
/// | `train_X.bin`, `train_y.bin`, `test_X.bin` …, `unlabeled_X.bin` | STL-10; images without labels are learned from |
/// | `train-images-idx3-ubyte[.gz]` … | MNIST and its family |
/// | an IDX file, a `.npy` | images without labels |
/// | a `.npz`, or a folder of `.npy`, of `x_train`, `train_images`, `images` or `arr_0` | images, with labels in `y_train`, `train_labels`, `labels` or `arr_1` |
/// | CIFAR or STL-10 as downloaded, in its archive | the same as unpacked |
///
/// # What folders mean
/// [`Splits::found`] says how folders were understood, and [`Splits::omitted`] counts what is not
/// used. [`OpenOptions`] decide otherwise.
///
/// - Folders around everything are seen through.
/// - Splits have their usual names (`training`, `Test`, `validation`, `train2017`, `seg_train`
///   beside `seg_test`). One folder of images named so among other folders of images is a class. If `test`
///   and `val` both have labels, `val` is omitted; without `train`, they take its place.
/// - Folders are no classes if four or more hold fewer than two images in the mean, if they are
///   pieces of one numbered sequence (as img2dataset writes), or if most images are in none. A
///   single class counts as no labels.
/// - Masks are omitted: images in a folder such as `masks` beside `images`, `a_mask.png` beside
///   `a.jpg`, and folders whose images have the names of those in a folder beside, and few colors.
/// - Hidden files, `@eaDir`, `__MACOSX` and the like, the folders of runs, links to nothing or in
///   circles, folders that cannot be read and files that are no images are omitted. A file without
///   an ending is an image if it starts as one.
/// - Of shards and at most 15 images beside them, or much smaller ones, the shards are the data;
///   else archives beside images are omitted.
///
/// Images in folders and archives are sorted by path. Classes are sorted by name or, if all are
/// whole numbers, by value. Names that differ only in the composition of their characters (NFC or
/// NFD) are one class; bytes that are not UTF-8 are written `\xE9`.
///
/// # Archives, lists and arrays
/// - Archives are indexed and not unpacked. An image in a `.zip` or a `.tar` is read when it is asked
///   for, so these may be larger than memory; those in a compressed tar are kept in memory, encoded,
///   up to 16 GiB. Those in a `.parquet` are kept once they are read if all are at most 4 GiB, and
///   else read each time. The index of a tar of 10,000 images or more is saved beside it
///   as `NAME.selfsame-index`, if its folder can be written to, and used until the tar changes.
/// - Links in a tar are what they lead to. Of two members of one name the later one counts. In a
///   `WebDataset`, each sample is one image: masks and further views are omitted.
/// - Paths in a list are relative to it, with `/` or `\`. Images that are listed but not there are
///   omitted.
/// - Arrays are kept in memory, up to 16 GiB. Whole numbers from 0 to 255 are pixels as they are;
///   floats are scaled from 0 to 1, or from -1 to 1, if they are in that range. Labels may be
///   numbers, text or one-hot rows.
/// - Labels of images that have several are not used; the images are. A negative number in an array
///   or a Parquet file, and an empty text, are no label.
///
/// # Errors
/// If the path cannot be read, is encrypted, is a pipe or a device, holds no image or none of these
/// formats, or is damaged, or a class of the test images has no training images. The error names
/// the file and the remedy.
///
/// # Example
/// ```
/// let root = tempfile::tempdir()?;
/// for name in ["1.png", "2.png"] {
///     image::RgbImage::new(8, 8).save(root.path().join(name))?;
/// }
/// let splits = selfsame_datasets::open(root.path())?;
/// assert_eq!(splits.train.len(), 2);
/// assert!(splits.test.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open(path: &Path) -> Result<Splits, DataError> {
    open_with(path, &OpenOptions::default())
}

/// Opens the images at `path` as [`open`] does, with options for folders.
///
/// # Errors
/// As [`open`], and if the folders are not what the options say.
pub fn open_with(path: &Path, options: &OpenOptions) -> Result<Splits, DataError> {
    let about = fs::metadata(path).map_err(DataError::read(path))?;
    if about.is_dir() {
        open_folder(path, options)
    } else if about.is_file() {
        open_file(path, options)
    } else {
        Err(DataError::NotAFile { path: path.to_owned() })
    }
}

/// Opens the images at all `paths`, one after the other.
///
/// A path may be that of an image. Classes of the same name are one class. Images of a path without
/// labels have none.
///
/// # Errors
/// As [`open_with`].
///
/// # Panics
/// If `paths` is empty.
///
/// # Example
/// ```
/// use selfsame_datasets::{Dataset, OpenOptions, open_all};
///
/// let root = tempfile::tempdir()?;
/// for name in ["a/cat/1.png", "a/dog/1.png", "b/1.png", "b/2.png"] {
///     let path = root.path().join(name);
///     std::fs::create_dir_all(path.parent().unwrap_or(root.path()))?;
///     image::RgbImage::new(8, 8).save(path)?;
/// }
/// let [a, b] = ["a", "b"].map(|name| root.path().join(name));
/// let train = open_all(&[a, b], &OpenOptions::default())?.train;
/// assert_eq!([0, 1, 2, 3].map(|i| train.label(i)), [Some(0), Some(1), None, None]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn open_all<P: AsRef<Path>>(paths: &[P], options: &OpenOptions) -> Result<Splits, DataError> {
    assert!(!paths.is_empty(), "there must be a path");
    if let [path] = paths {
        return open_with(path.as_ref(), options);
    }
    // As a shell passes `photos/*.jpg`.
    let is_given = |path: &Path| path.is_file() && is_image(&path.to_string_lossy());
    let (given, sets): (Vec<&Path>, Vec<&Path>) =
        paths.iter().map(AsRef::as_ref).partition(|path| is_given(path));
    let (mut train, mut test, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut omitted = Omitted::default();
    for path in sets {
        let splits = open_with(path, options)?;
        train.push(splits.train);
        test.extend(splits.test);
        found.push(format!("{}: {}", path.display(), splits.found));
        omitted.extend(splits.omitted);
    }
    if !given.is_empty() {
        found.push(format!("{} images without labels", given.len()));
        train.push(image_files(&given));
    }
    let train = Concat::new(train);
    let classes = train.class_names().to_vec();
    let test = (!test.is_empty()).then(|| Concat::with_classes(test, classes));
    let test = test.map(|test| Arc::new(test) as Arc<dyn Dataset>);
    Ok(Splits { train: Arc::new(train), test, found: found.join("; "), omitted })
}

fn open_folder(path: &Path, options: &OpenOptions) -> Result<Splits, DataError> {
    for known in [
        cifar::open_cifar_folder,
        stl10::open_stl10_folder,
        idx::open_idx_folder,
        npy::open_npy_folder,
    ] {
        if let Some(splits) = known(path)? {
            return Ok(splits);
        }
    }
    let Listing { mut images, archives, lists, metadata, mut omitted } =
        walk(path, &options.exclude)?;
    if are_shards(path, &archives, &images)? {
        for image in std::mem::take(&mut images) {
            omitted.add("images beside the shards, which hold the data", image.path);
        }
        return open_archives(path, archives, omitted, options);
    }
    for archive in archives {
        omitted.add("archives beside images", archive);
    }
    let published = match options.layout {
        FolderLayout::Auto | FolderLayout::Splits => sort(path, &lists, &mut images)?,
        FolderLayout::Classes | FolderLayout::Flat => Vec::new(),
    };
    if published.is_empty() {
        for list in lists {
            omitted.add("lists of no known data set", list);
        }
    }
    for list in metadata {
        if !csv::label_images(&path.join(&list), &mut images) {
            omitted.add("lists that label no image here", list);
        }
    }
    let mut splits = folder_splits(path, images, omitted, options)?;
    if !published.is_empty() {
        let _ = write!(splits.found, ", sorted by the lists of {}", published.join(" and "));
    }
    Ok(splits)
}

/// Returns whether the archives in a folder are the data, not the images beside them: these are
/// few, such as a preview. An archive that was unpacked beside itself has as many as it holds.
fn are_shards(root: &Path, archives: &[String], images: &[FoundImage]) -> Result<bool, DataError> {
    const FEW: usize = 16;
    if archives.is_empty() || images.len() < FEW {
        return Ok(!archives.is_empty());
    }
    let size = |path: &Path| fs::metadata(path).map(|about| about.len());
    let mut bytes = 0;
    for archive in archives {
        let path = root.join(archive);
        bytes += size(&path).map_err(DataError::read(&path))?;
    }
    let loose: u64 = images
        .iter()
        .filter_map(|image| match &image.location {
            Location::File(path) => size(path).ok(),
            Location::Member { .. } => None,
        })
        .sum();
    Ok(bytes / 4 > loose)
}

/// Opens a file by its first bytes or, if these decide nothing, by its name.
fn open_file(path: &Path, options: &OpenOptions) -> Result<Splits, DataError> {
    let start = read_start(path, 512)?;
    let compression = Compression::of(&start);
    let inside = match compression {
        Some(compression) => compression.start(&read_start(path, 1 << 16)?, 512),
        None => start,
    };
    if parquet::is_parquet(&inside) && compression.is_none() {
        parquet::open(path, &[String::new()], Omitted::default())
    } else if let Some(reason) = unsupported(&inside) {
        Err(DataError::unsupported(path)(reason))
    } else if idx::is_idx(&inside) {
        idx::open_idx(path)
    } else if npy::is_npy(&inside) && compression.is_none() {
        npy::open_npy(path)
    } else if zip::is_zip(path, &inside) && compression.is_none() {
        match npy::open_npz(path)? {
            Some(splits) => Ok(splits),
            None => open_archive(path, options),
        }
    } else if tar::is_tar(&inside) || (compression.is_some() && inside.len() < 512) {
        open_archive(path, options)
    } else if compression.is_some() {
        let reason = "what is compressed in it is no tar archive; decompress it".to_owned();
        Err(DataError::unsupported(path)(reason))
    } else if csv::is_list(path, &inside) {
        csv::open_list(path)
    } else if is_image(&path.to_string_lossy()) {
        let (found, omitted) = ("1 image without a label".to_owned(), Omitted::default());
        Ok(Splits { train: image_files(&[path]), test: None, found, omitted })
    } else {
        Err(DataError::Unknown { path: path.to_owned() })
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use image::RgbImage;
    use std::io::Cursor;

    fn png(side: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::new(side, side).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (number, file) in files.iter().enumerate() {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, png(number as u32 + 1)).unwrap();
        }
        root
    }

    fn tar(files: &[&str]) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (number, file) in files.iter().enumerate() {
            let bytes = png(number as u32 + 1);
            let mut header = ::tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, file, &bytes[..]).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn message(files: &[&str]) -> String {
        open(folder(files).path()).unwrap_err().to_string()
    }

    #[test]
    fn class_folders_with_and_without_a_test_split() {
        let root = folder(&["b/1.png", "a/2.PNG", "a/deep/3.jpg", "a/notes.txt", ".git/4.png"]);
        let splits = open(root.path()).unwrap();
        assert!(splits.test.is_none());
        assert_eq!(splits.train.class_names(), ["a", "b"]);
        let labels: Vec<_> = (0..splits.train.len()).map(|i| splits.train.label(i)).collect();
        assert_eq!(labels, [Some(0), Some(0), Some(1)]);
        assert_eq!(splits.train.image(2).unwrap().width(), 1, "the image of b");

        let root = folder(&["train/a/1.png", "train/b/1.png", "val/b/1.png"]);
        let splits = open(root.path()).unwrap();
        assert_eq!((splits.train.len(), splits.test.unwrap().label(0)), (2, Some(1)));
    }

    #[test]
    fn images_side_by_side_or_of_one_class_have_no_labels() {
        for files in
            [["1.png", "2.png"], ["only/1.png", "only/2.png"], ["train/1.png", "train/2.png"]]
        {
            let splits = open(folder(&files).path()).unwrap();
            assert!(splits.train.class_names().is_empty() && splits.train.label(0).is_none());
        }
    }

    #[test]
    fn archives_are_read_compressed_or_not_and_with_a_folder_around() {
        let files = ["./top/train/a/1.png", "top/train/b/2.png", "top/test/a/3.png"];
        let plain = tar(&files);
        let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut zipped, &plain).unwrap();
        for bytes in [plain, zipped.finish().unwrap()] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("images");
            fs::write(&path, &bytes).unwrap();
            let splits = open(&path).unwrap();
            assert_eq!((splits.train.len(), splits.test.unwrap().len()), (2, 1));
            assert_eq!(splits.train.image(1).unwrap().width(), 2);
            assert!(splits.train.name(1).contains("train/b/2.png in "));
            fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
            assert!(open(&path).unwrap_err().to_string().contains("damaged"));
        }
    }

    #[test]
    fn what_holds_no_images_is_said_to() {
        assert!(message(&[]).contains("holds no image"));
        let strange = ["train/a/1.png", "train/b/1.png", "test/c/1.png"];
        assert!(message(&strange).contains("class `c`"));
        let root = folder(&["a/1.png"]);
        let error = open(&root.path().join("missing")).unwrap_err().to_string();
        assert!(error.contains("missing"), "{error}");
        let file = root.path().join("text.txt");
        fs::write(&file, "hello").unwrap();
        assert!(open(&file).unwrap_err().to_string().contains("neither a folder"));
    }
}
