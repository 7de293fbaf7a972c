//! The saved index of a tar archive: what it holds and where, in `NAME.tar.selfsame-index` beside
//! it, so that an archive of many members is not searched again.
//!
//! It counts only if it was made by this version for a file of the same size and time of change.
//! That it cannot be written is no error.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use selfsame_files::write_atomically;
use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::bytes::MemberBytes;
use super::folder::{FoundImage, Location};
use crate::{Omitted, stamp};

/// Images from which on an index is saved. Fewer are found in a moment.
const MANY: usize = 10_000;

const ENDING: &str = ".selfsame-index";

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Index {
    version: String,
    size: u64,
    changed: u64,
    /// Path, offset, length, label.
    images: Vec<(String, u64, u64, Option<String>)>,
    /// Path, offset, length.
    files: Vec<(String, u64, u64)>,
    /// Reason, count, example.
    omitted: Vec<(String, usize, String)>,
}

/// Returns whether a file is an index.
pub(crate) fn is_index(path: &str) -> bool {
    path.ends_with(ENDING)
}

/// Returns the content of the archive at `path` by its index, if there is a valid one.
pub(crate) fn load(path: &Path, about: &Metadata) -> Option<Archive> {
    let bytes = fs::read(place(path)).ok()?;
    let (checksum, text) = bytes.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*checksum) != stamp(&[text]) {
        return None;
    }
    let index: Index = serde_json::from_slice(text).ok()?;
    if (index.version.as_str(), index.size, index.changed)
        != (VERSION, about.len(), changed(about)?)
    {
        return None;
    }
    let archive = path.into();
    let image = |(path, offset, length, label): (String, u64, u64, Option<String>)| {
        let bytes = MemberBytes::At { offset, length };
        let location =
            Location::Member { name: path.clone(), archive: Clone::clone(&archive), bytes };
        FoundImage { path, label, location }
    };
    let file = |(name, offset, length)| (name, MemberBytes::At { offset, length });
    let mut omitted = Omitted::default();
    for (reason, count, example) in index.omitted {
        omitted.add_many(&reason, count, example);
    }
    let images = index.images.into_iter().map(image).collect();
    Some(Archive { images, files: index.files.into_iter().map(file).collect(), omitted })
}

/// Saves the index of an archive of many images, if the folder can be written to.
pub(crate) fn save(path: &Path, about: &Metadata, archive: &Archive) {
    if archive.images.len() >= MANY
        && let Some(index) = Index::of(about, archive)
    {
        index.write(path);
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Index {
    fn of(about: &Metadata, Archive { images, files, omitted }: &Archive) -> Option<Self> {
        let at = |bytes: &MemberBytes| match bytes {
            MemberBytes::At { offset, length } => Some((*offset, *length)),
            MemberBytes::Kept(_) | MemberBytes::Zipped(_) => None,
        };
        let image = |image: &FoundImage| {
            let Location::Member { bytes, .. } = &image.location else { return None };
            let (offset, length) = at(bytes)?;
            Some((image.path.clone(), offset, length, image.label.clone()))
        };
        let file = |(name, bytes): (&String, &MemberBytes)| {
            at(bytes).map(|(offset, length)| (name.clone(), offset, length))
        };
        let sorted: BTreeMap<_, _> = files.iter().collect();
        let entries = omitted.entries().iter();
        Some(Self {
            version: VERSION.to_owned(),
            size: about.len(),
            changed: changed(about)?,
            images: images.iter().map(image).collect::<Option<_>>()?,
            files: sorted.into_iter().map(file).collect::<Option<_>>()?,
            omitted: entries.map(|it| (it.reason.clone(), it.count, it.example.clone())).collect(),
        })
    }

    fn write(&self, path: &Path) {
        let Ok(text) = serde_json::to_vec(self) else { return };
        let bytes = [&stamp(&[&text]).to_le_bytes()[..], &text].concat();
        let _ = write_atomically(&place(path), &bytes); // nothing is lost but time
    }
}

fn place(path: &Path) -> PathBuf {
    let mut place = OsString::from(path);
    place.push(ENDING);
    place.into()
}

/// Nanoseconds since 1970 of the last change.
fn changed(about: &Metadata) -> Option<u64> {
    about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn archive() -> Archive {
        let bytes = MemberBytes::At { offset: 512, length: 9 };
        let location = Location::Member {
            name: "a.png".to_owned(),
            archive: Path::new("x").into(),
            bytes: bytes.clone(),
        };
        let label = Some("cat".to_owned());
        let images = vec![FoundImage { path: "a.png".to_owned(), label, location }];
        let mut omitted = Omitted::default();
        omitted.add("files ending in .txt", "a.txt");
        Archive { images, files: HashMap::from([("a.txt".to_owned(), bytes)]), omitted }
    }

    #[test]
    fn an_index_counts_until_the_archive_or_the_index_changes() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.tar");
        fs::write(&path, "some bytes").unwrap();
        let about = fs::metadata(&path).unwrap();
        assert!(load(&path, &about).is_none());
        Index::of(&about, &archive()).unwrap().write(&path);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
        let loaded = load(&path, &about).unwrap();
        assert_eq!(Index::of(&about, &loaded), Index::of(&about, &archive()));
        let saved = fs::read(place(&path)).unwrap();
        let mut flipped = saved.clone();
        flipped[40] ^= 1;
        fs::write(place(&path), flipped).unwrap();
        assert!(load(&path, &about).is_none());
        fs::write(place(&path), saved).unwrap();
        fs::write(&path, "some more bytes").unwrap();
        assert!(load(&path, &fs::metadata(&path).unwrap()).is_none());
    }
}
