//! Errors of reading data.

use std::path::{Path, PathBuf};

use crate::{DecodeError, Omitted};

/// An error of reading data: a file, an image or a label cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's error. Not a source of this one, whose message contains it.
        error: std::io::Error,
    },
    /// The path is a pipe, a socket or a device.
    #[error("{} is neither a file nor a folder; save its content to a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The path is a file of a format that is not supported.
    #[error(
        "{} is neither a folder, nor an archive (.tar, .tar.gz, .tar.zst, .tar.xz, .zip), a list of \
         images (.csv, .tsv, .jsonl), a Parquet, IDX, .npy or .npz file of images",
        path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// A folder, archive or file without images.
    #[error(
        "{} holds no image; put files named .jpg, .png, .bmp, .gif, .webp, .pnm or .tiff into it",
        path.display()
    )]
    Empty {
        /// The folder, archive or file.
        path: PathBuf,
    },
    /// Nothing that a folder or archive holds can be used.
    #[error(
        "{} holds no image that can be used, but {}; images are named .jpg, .png, .bmp, .gif, \
         .webp, .pnm or .tiff",
        path.display(),
        omitted.to_string().replace('\n', "; ")
    )]
    NothingUsable {
        /// The folder or archive.
        path: PathBuf,
        /// What it holds.
        omitted: Omitted,
    },
    /// An archive without images, such as CIFAR as downloaded.
    #[error(
        "{} holds no image, but files such as {member}; unpack it and give the folder {}",
        path.display(),
        member.split_once('/').map_or("it is in", |(folder, _)| folder)
    )]
    Packed {
        /// The archive.
        path: PathBuf,
        /// A file in it.
        member: String,
    },
    /// The folders are not what the options say.
    #[error("{} {problem}", path.display())]
    Folders {
        /// The folder or archive.
        path: PathBuf,
        /// The fault and the remedy.
        problem: String,
    },
    /// No [`FolderLayout`](crate::FolderLayout) has this name.
    #[error("`{name}` is not a layout of folders; the layouts are auto, splits, classes or flat")]
    UnknownLayout {
        /// The name.
        name: String,
    },
    /// A class of the test images has no training images.
    #[error(
        "the test images of {} have a class `{class}` that the training images lack; remove it or \
         add training images of it",
        path.display()
    )]
    ClassOnlyInTest {
        /// The data set.
        path: PathBuf,
        /// The class.
        class: String,
    },
    /// A file is of a kind that is known, but not read.
    #[error("{} cannot be used: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is, and the remedy.
        reason: String,
    },
    /// The content of a data file does not follow its format.
    #[error("{} is damaged: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// An image cannot be used.
    #[error("image {name} cannot be used: {reason}")]
    Image {
        /// Its name: a path, or a file and a number.
        name: String,
        /// The fault.
        reason: String,
    },
    /// No image can be used.
    #[error("none of {all} images can be used; the first is {name}: {reason}")]
    NoneDecoded {
        /// Number of images.
        all: usize,
        /// The first image that cannot be used.
        name: String,
        /// Its fault.
        reason: String,
    },
    /// A class has fewer images than labels were requested.
    #[error(
        "class {class} has only {images} labeled images, but {wanted} were asked for; ask for fewer \
         labels per class"
    )]
    FewLabels {
        /// The class, counted from 0.
        class: usize,
        /// Number of its images.
        images: usize,
        /// Number of labels requested.
        wanted: usize,
    },
    /// A share of labels is not from 0 to 1.
    #[error("`share` of the labels must be from 0 to 1, not {share}")]
    Share {
        /// The value.
        share: f64,
    },
    /// A setting of how values become pixels cannot be used.
    #[error("`{option}` {problem}")]
    PixelOption {
        /// The setting: `range` or `channels`.
        option: &'static str,
        /// The fault and the remedy.
        problem: String,
    },
    /// None of the images looked at can be used.
    #[error("none of {all} images can be used; the first: {name}: {reason}")]
    NoneUsable {
        /// Number of images looked at.
        all: usize,
        /// The first image.
        name: String,
        /// Its fault.
        reason: String,
    },
    /// Arrays of images or labels do not fit together.
    #[error("`{field}` of images in memory {problem}")]
    Array {
        /// The argument.
        field: &'static str,
        /// The fault and the remedy.
        problem: String,
    },
}

impl DataError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Read { path, error }
    }

    pub(crate) fn damaged(path: &Path) -> impl Fn(String) -> Self + use<> {
        let path = path.to_owned();
        move |reason| Self::Format { path: path.clone(), reason }
    }

    pub(crate) fn unsupported(path: &Path) -> impl Fn(String) -> Self + use<> {
        let path = path.to_owned();
        move |reason| Self::Unsupported { path: path.clone(), reason }
    }

    pub(crate) fn too_large(path: &Path) -> Self {
        let reason = "it holds more than 16 GiB, too much for memory; unpack or decompress it";
        Self::unsupported(path)(reason.to_owned())
    }

    pub(crate) fn undecoded(name: String, error: &DecodeError) -> Self {
        Self::Image { name, reason: error.to_string() }
    }

    /// Returns the fault, without the name of the image.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Image { reason, .. } => reason,
            other => other.to_string(),
        }
    }
}
