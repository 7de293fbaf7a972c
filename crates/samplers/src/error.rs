//! What keeps pictures from being had.

use std::path::{Path, PathBuf};

use selfsame_augment::RecipeError;

use crate::DecodeError;

/// Why pictures could not be found, read or batched.
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
    /// The path is a file of a kind that holds no pictures.
    #[error(
        "{} is neither a folder, nor a .tar or .tar.gz archive, a .csv list, an IDX, .npy or .npz file of \
         pictures",
        path.display()
    )]
    Unknown {
        /// The path.
        path: PathBuf,
    },
    /// A folder or archive without pictures.
    #[error(
        "{} holds no picture; put files named .jpg, .png, .bmp, .gif, .webp, .pnm or .tiff into it",
        path.display()
    )]
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// A folder or archive with a single picture.
    #[error("{} holds only one picture; learning needs others to compare it with", path.display())]
    Single {
        /// The path.
        path: PathBuf,
    },
    /// Some pictures lie in class folders and others beside them.
    #[error(
        "{} holds pictures such as {beside} beside class folders; move them into a class folder, or \
         all into one folder",
        path.display()
    )]
    Mixed {
        /// The path.
        path: PathBuf,
        /// A picture beside the folders.
        beside: String,
    },
    /// The test pictures have a class that the training pictures lack.
    #[error(
        "the test pictures of {} have a class `{class}` that the training pictures lack; remove it or \
         add training pictures of it",
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
    /// A picture cannot be used.
    #[error("picture {name} cannot be used: {reason}")]
    Picture {
        /// Its name: a path, or a file and a number.
        name: String,
        /// Why.
        reason: String,
    },
    /// No picture, or only one, can be used.
    #[error(
        "only {usable} of {all} pictures can be used, and at least 2 are needed; the first that cannot: \
         {name}: {reason}"
    )]
    TooFewUsable {
        /// Pictures that can be used.
        usable: usize,
        /// Pictures there are.
        all: usize,
        /// A picture that cannot.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A batch needs more pictures than there are.
    #[error(
        "a batch of {batch_size} needs as many pictures, but there are only {pictures}; give a smaller \
         batch size"
    )]
    Batch {
        /// Pictures in a batch.
        batch_size: usize,
        /// Pictures there are.
        pictures: usize,
    },
    /// A class has fewer pictures than labels were asked for.
    #[error("class {class} has only {pictures} labelled pictures, but {wanted} were asked for")]
    FewLabels {
        /// The class, counted from 0.
        class: usize,
        /// Its pictures.
        pictures: usize,
        /// Labels asked for.
        wanted: usize,
    },
    /// Pictures or labels in memory do not fit together.
    #[error("`{field}` of pictures in memory: {problem}")]
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

    /// Why, without the name of the picture.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Picture { reason, .. } => reason,
            other => other.to_string(),
        }
    }

    pub(crate) fn undecoded(name: String, error: &DecodeError) -> Self {
        Self::Picture { name, reason: error.to_string() }
    }
}
