//! What keeps images from being had.

use std::path::{Path, PathBuf};

use selfsame_augment::RecipeError;

use crate::DecodeError;

/// Why images could not be found, read or batched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The path is a file of a kind that holds no images.
    #[error(
        "{} is neither a folder, nor a .tar or .tar.gz archive, a .csv list, an IDX, .npy or .npz file of \
         images",
        path.display()
    )]
    Unknown {
        /// The path.
        path: PathBuf,
    },
    /// A folder or archive without images.
    #[error(
        "{} holds no image; put files named .jpg, .png, .bmp, .gif, .webp, .pnm or .tiff into it",
        path.display()
    )]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// A folder or archive with a single image.
    #[error("{} holds only one image; learning needs others to compare it with", path.display())]
    Single {
        /// The path.
        path: PathBuf,
    },
    /// Some images lie in class folders and others beside them.
    #[error(
        "{} holds images such as {beside} beside class folders; move them into a class folder, or \
         all into one folder",
        path.display()
    )]
    Mixed {
        /// The path.
        path: PathBuf,
        /// An image beside the folders.
        beside: String,
    },
    /// The test images have a class that the training images lack.
    #[error(
        "the test images of {} have a class `{class}` that the training images lack; remove it or \
         add training images of it",
        path.display()
    )]
    ClassOnlyInTest {
        /// The path.
        path: PathBuf,
        /// The class.
        class: String,
    },
    /// A data file is not as its format says.
    #[error("{} is damaged: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An image cannot be used.
    #[error("image {name} cannot be used: {reason}")]
    Image {
        /// Its name: a path, or a file and a number.
        name: String,
        /// Why.
        reason: String,
    },
    /// No image, or only one, can be used.
    #[error(
        "only {usable} of {all} images can be used, and at least 2 are needed; the first that cannot: \
         {name}: {reason}"
    )]
    TooFewUsable {
        /// Images that can be used.
        usable: usize,
        /// Images there are.
        all: usize,
        /// An image that cannot.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A batch needs more images than there are.
    #[error(
        "a batch of {batch_size} needs as many images, but there are only {images}; give a smaller \
         batch size"
    )]
    Batch {
        /// Images in a batch.
        batch_size: usize,
        /// Images there are.
        images: usize,
    },
    /// A class has fewer images than labels were asked for.
    #[error("class {class} has only {images} labeled images, but {wanted} were asked for")]
    FewLabels {
        /// The class, counted from 0.
        class: usize,
        /// Its images.
        images: usize,
        /// Labels asked for.
        wanted: usize,
    },
    /// Images or labels in memory do not fit together.
    #[error("`{field}` of images in memory: {problem}")]
    Array {
        /// Which part of them.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A setting of a sampler makes no sense.
    #[error("`{field}` of the sampler {problem}")]
    Sampler {
        /// The setting.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A saved place is not one of this loader.
    #[error("`{field}` was {saved} where the place was saved, and is {here} here")]
    State {
        /// What differs.
        field: &'static str,
        /// Its value in the saved place.
        saved: u64,
        /// Its value in the loader.
        here: u64,
    },
    /// The system gives no threads.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
    /// A setting of the loader makes no sense.
    #[error("`{key}` must be 1 or more")]
    Zero {
        /// The setting.
        key: &'static str,
    },
    /// The recipe cannot be followed.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

impl DataError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn damaged(path: &Path) -> impl Fn(String) -> Self + use<> {
        let path = path.to_owned();
        move |reason| Self::Format { path: path.clone(), reason }
    }

    pub(crate) fn too_much(path: &Path) -> Self {
        let reason = "it holds more than 16 GiB, too much for memory".to_owned();
        Self::Format { path: path.to_owned(), reason }
    }

    /// Why, without the name of the image.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Image { reason, .. } => reason,
            other => other.to_string(),
        }
    }

    pub(crate) fn undecoded(name: String, error: &DecodeError) -> Self {
        Self::Image { name, reason: error.to_string() }
    }
}
