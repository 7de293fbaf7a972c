//! An index as a folder of plain files.
//!
//! `index.json` names the two others, with their sizes and checksums, and their names hold those
//! checksums too. Data files are written first and `index.json` is replaced last, in one step, so
//! that at every moment the folder holds one whole index.

mod embeddings;
mod items;
mod manifest;

use std::fs;
use std::path::Path;

use self::manifest::{FileEntry, MANIFEST, Manifest};
use crate::{Index, IndexError};
use selfsame_files::write_atomically;

impl Index {
    /// Saves the index to `folder`, which is created if it is missing.
    ///
    /// The folder receives
    /// - `index.json`: format version, sizes, distance, classes, calibration, and the checksums
    ///   (XXH3) of itself and of the others
    /// - `embeddings-CHECKSUM.safetensors`: the rows as tensor `embeddings` of `[rows, dim]`
    /// - `items-CHECKSUM.json`: name, label and metadata of each item
    ///
    /// A crash leaves the index that was there or the new one, never a part of either. Data files of
    /// the index that was there are removed at the end.
    ///
    /// # Errors
    /// If a file cannot be written.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let mut index = Index::new(2, Distance::Cosine)?;
    /// index.add(&[1.0, 2.0], Item::named("a.jpg").with_label(3))?;
    /// index.save(folder.path())?;
    /// assert_eq!(Index::load(folder.path())?, index);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self, folder: &Path) -> Result<(), IndexError> {
        fs::create_dir_all(folder).map_err(IndexError::write(folder))?;
        let embeddings = embeddings::to_bytes(self.features())
            .map_err(IndexError::write(&folder.join("embeddings.safetensors")))?;
        let embeddings = store(folder, "embeddings", "safetensors", &embeddings)?;
        let items = store(folder, "items", "json", &items::to_bytes(self.items())?)?;
        let kept = [embeddings.file.clone(), items.file.clone()];
        let manifest = Manifest::of(self, embeddings, items);
        let path = folder.join(MANIFEST);
        write_atomically(&path, manifest.to_text()?.as_bytes())
            .and_then(|()| sync_folder(folder))
            .map_err(IndexError::write(&path))?;
        remove_others(folder, &kept);
        Ok(())
    }

    /// Loads an index that was [saved](Self::save).
    ///
    /// The rows are mapped into memory, not copied: processes that load the same index share them,
    /// and rows that no search reads may leave memory. They are copied when an item is added or
    /// removed. While the index is in use, replace its files only by [`save`](Self::save), or as
    /// whole files: a file that is shortened in place ends the program.
    ///
    /// All files are checked before anything is returned: format and version, sizes, checksums,
    /// width and number of rows, that all values are finite, and that names are unique and labels
    /// and calibration make sense. Nothing in them is executed.
    ///
    /// # Errors
    /// If a file is missing or cannot be read, or is not what was saved: then the error names the
    /// file and what is wrong with it. A newer format is refused by its version.
    ///
    /// # Example
    /// ```
    /// use selfsame_index::{Index, Item};
    /// use selfsame_metrics::Distance;
    ///
    /// let folder = tempfile::tempdir()?;
    /// Index::new(2, Distance::L2)?.save(folder.path())?;
    /// let path = folder.path().join("index.json");
    /// std::fs::write(&path, std::fs::read_to_string(&path)?.replace("l2", "l1"))?;
    /// let error = Index::load(folder.path()).unwrap_err().to_string();
    /// assert!(error.contains("index.json is damaged: its checksum is"), "{error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(folder: &Path) -> Result<Self, IndexError> {
        let manifest = Manifest::read(&folder.join(MANIFEST))?;
        let path = manifest.embeddings.path(folder);
        let features = embeddings::map(&path, &manifest)?;
        let path = manifest.items.path(folder);
        let items = items::read(&path, &manifest)?;
        let index = Self::from_features(features, items, manifest.distance)
            .and_then(|index| index.with_classes(manifest.classes))
            .map_err(|error| IndexError::damaged(&path, error.to_string()))?;
        Ok(index.with_calibration(manifest.calibration))
    }
}

/// Writes a data file under a name that holds its checksum, unless it is there already.
fn store(
    folder: &Path,
    kind: &'static str,
    ending: &'static str,
    bytes: &[u8],
) -> Result<FileEntry, IndexError> {
    let entry = FileEntry::of(kind, ending, bytes);
    let path = entry.path(folder);
    // A file in place is not replaced: some systems refuse that while it is mapped.
    let is_there = fs::read(&path).is_ok_and(|old| old == bytes);
    if !is_there {
        write_atomically(&path, bytes).map_err(IndexError::write(&path))?;
    }
    Ok(entry)
}

/// Makes the new names of a folder's files survive a loss of power, where the system can do so.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Removes data files that `index.json` no longer names; those that cannot be removed stay.
fn remove_others(folder: &Path, kept: &[String]) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if FileEntry::is_data_file(name) && !kept.iter().any(|kept| kept == name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
