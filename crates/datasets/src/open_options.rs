//! How folders are read.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// How the folders of a data set are read, for [`open_with`](crate::open_with).
///
/// The default detects what folders mean and uses all of them.
///
/// # Example
/// ```
/// use selfsame_datasets::{FolderLayout, OpenOptions, open_with};
///
/// let root = tempfile::tempdir()?;
/// for name in ["bus/1.png", "train/1.png"] {
///     let path = root.path().join(name);
///     std::fs::create_dir_all(path.parent().unwrap_or(root.path()))?;
///     image::RgbImage::new(8, 8).save(path)?;
/// }
/// let flat = OpenOptions { layout: FolderLayout::Flat, ..OpenOptions::default() };
/// assert!(open_with(root.path(), &flat)?.train.class_names().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// What folders mean. Default: [`FolderLayout::Auto`].
    pub layout: FolderLayout,
    /// Names of the folders that are classes, wherever they are; images in no such folder have no
    /// label. Default: none, the classes are those of `layout`.
    pub classes: Vec<String>,
    /// Folders whose files do not belong to the data, such as the folder of a run inside it. Those
    /// that do not exist are ignored. Default: none.
    pub exclude: Vec<PathBuf>,
}

/// What folders of images mean, in a folder or in an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderLayout {
    /// `auto`: detected by names and structure.
    #[default]
    Auto,
    /// `splits`: folders named `train`, `test`, `val`, `unlabeled` and the like are splits.
    Splits,
    /// `classes`: each folder is a class, whatever its name.
    Classes,
    /// `flat`: folders mean nothing; all images are used, without labels.
    Flat,
}

impl FolderLayout {
    /// All layouts, by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("auto", Self::Auto),
        ("splits", Self::Splits),
        ("classes", Self::Classes),
        ("flat", Self::Flat),
    ];
}

impl FromStr for FolderLayout {
    type Err = DataError;

    /// Returns the layout of this name.
    ///
    /// # Errors
    /// If there is none.
    fn from_str(name: &str) -> Result<Self, DataError> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known
            .map(|&(_, layout)| layout)
            .ok_or_else(|| DataError::UnknownLayout { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_have_names() {
        assert_eq!("flat".parse::<FolderLayout>().unwrap(), FolderLayout::Flat);
        let error = "folders".parse::<FolderLayout>().unwrap_err().to_string();
        assert!(error.contains("auto, splits, classes or flat"), "{error}");
    }
}
