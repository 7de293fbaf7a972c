//! Archives of images: which files are archives, and what is in them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::bytes::MemberBytes;
use super::compression::{Compression, unsupported};
use super::folder::{FoundImage, folder_splits};
use super::layout::{Role, role};
use super::names::is_system;
use super::read::{MAX_BYTES, read_start};
use super::walk::{no_image, starts_as_image};
use super::{cifar, files::Files, parquet, samples, stl10, tar, zip};
use crate::{DataError, Omitted, OpenOptions, Splits};

/// What an archive holds.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) images: Vec<FoundImage>,
    /// The files that are no images, by name.
    pub(crate) files: HashMap<String, MemberBytes>,
    pub(crate) omitted: Omitted,
}

/// The members of an archive found so far. Of two that have the same name, the later one counts, as
/// when it is unpacked.
pub(crate) struct Members {
    pub(crate) archive: Arc<Path>,
    pub(crate) list: Vec<Member>,
    places: HashMap<String, usize>,
    pub(crate) omitted: Omitted,
    /// Bytes in memory, of all archives that are opened together.
    kept: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its path in the archive, without `.` and `..`.
    pub(crate) name: String,
    pub(crate) content: Content,
}

/// What a member is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Image(MemberBytes),
    /// A file that may label an image.
    Label(Label),
    /// Another file; `None` if its bytes are neither in memory nor at a place in the archive.
    File(Option<MemberBytes>),
}

/// The label in a file beside an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    One(String),
    Several,
    None,
}

impl Members {
    pub(crate) fn new(archive: &Path, kept: &Arc<AtomicU64>) -> Self {
        Self {
            archive: archive.into(),
            list: Vec::new(),
            places: HashMap::new(),
            omitted: Omitted::default(),
            kept: kept.clone(),
        }
    }

    pub(crate) fn add(&mut self, name: String, content: Content) {
        if let Some(&place) = self.places.get(&name) {
            self.omitted.add("members replaced by a later one of the same name", &name);
            self.list[place].content = content;
        } else {
            self.places.insert(name.clone(), self.list.len());
            self.list.push(Member { name, content });
        }
    }

    /// Adds a link to an earlier member, under its own name; returns whether that member is there.
    pub(crate) fn link(&mut self, name: &str, target: &str) -> bool {
        let Some(&place) = self.places.get(target) else { return false };
        let content = match (&self.list[place].content, samples::is_label(name)) {
            (Content::Image(bytes) | Content::File(Some(bytes)), false) => {
                let start = || bytes.read(&self.archive).is_ok_and(|it| starts_as_image(&it));
                match no_image(name, start) {
                    None => Content::Image(bytes.clone()),
                    Some(_) => Content::File(Some(bytes.clone())),
                }
            }
            (Content::Label(label), _) => Content::Label(label.clone()),
            (Content::File(_) | Content::Image(_), _) => return false,
        };
        self.add(name.to_owned(), content);
        true
    }

    /// Counts bytes that are to be kept in memory.
    pub(crate) fn keep(&self, length: u64) -> Result<(), DataError> {
        let before = self.kept.fetch_add(length, Ordering::Relaxed);
        match before.checked_add(length) {
            Some(0..=MAX_BYTES) => Ok(()),
            _ => Err(DataError::too_large(&self.archive)),
        }
    }
}

/// Returns whether a file is named as an archive of images.
pub(crate) fn is_archive(path: &str) -> bool {
    const ENDINGS: [&str; 11] = [
        ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2",
        ".zip", ".parquet",
    ];
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
        && !is_system(path.rsplit('/').next().unwrap_or_default())
}

/// Returns the path of a member with `/` between folders, without `.`, `..` and a `/` at the start.
pub(crate) fn member_path(name: &str) -> String {
    let name = name.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Opens one archive.
pub(crate) fn open_archive(path: &Path, options: &OpenOptions) -> Result<Splits, DataError> {
    let Archive { images, files, omitted } = read(path, &Arc::default())?;
    if images.is_empty() {
        return open_files(path, &files, omitted);
    }
    folder_splits(path, images, omitted, options)
}

/// Opens several archives in the folder `root` as one data set. One that is named after a split is
/// of that split.
pub(crate) fn open_archives(
    root: &Path,
    mut names: Vec<String>,
    mut omitted: Omitted,
    options: &OpenOptions,
) -> Result<Splits, DataError> {
    names.sort();
    let (parquet, names): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| parquet::is_parquet_name(name));
    if !parquet.is_empty() {
        for name in names {
            omitted.add("archives beside Parquet files", name);
        }
        return parquet::open(root, &parquet, omitted);
    }
    let kept = Arc::default();
    let archives: Result<Vec<Archive>, DataError> =
        names.par_iter().map(|name| read(&root.join(name), &kept)).collect();
    let archives = archives?;
    if archives.iter().all(|archive| archive.images.is_empty())
        && let Some((name, archive)) =
            names.iter().zip(&archives).find(|(_, archive)| !archive.files.is_empty())
    {
        return open_files(&root.join(name), &archive.files, omitted);
    }
    let mut images = Vec::new();
    for (name, archive) in names.iter().zip(archives) {
        let split = split_of(name).map(|role| match role {
            Role::Train => "train/",
            Role::Val => "val/",
            Role::Test => "test/",
            Role::Unlabeled => "unlabeled/",
        });
        omitted.extend(archive.omitted);
        for mut image in archive.images {
            image.path.insert_str(0, split.unwrap_or_default());
            images.push(image);
        }
    }
    folder_splits(root, images, omitted, options)
}

/// Returns the split that the path of an archive names, in any of its words.
pub(crate) fn split_of(path: &str) -> Option<Role> {
    path.split(|c: char| !c.is_ascii_alphabetic()).find_map(role)
}

/// Opens a published data set that is no images but other files.
fn open_files(
    path: &Path,
    files: &HashMap<String, MemberBytes>,
    omitted: Omitted,
) -> Result<Splits, DataError> {
    let known = Files::in_archive(path, files);
    for open in [cifar::open_cifar, stl10::open_stl10] {
        if let Some(splits) = open(&known)? {
            return Ok(splits);
        }
    }
    let path = path.to_owned();
    Err(match files.keys().min() {
        Some(member) => DataError::Packed { path, member: member.clone() },
        None if omitted.is_empty() => DataError::Empty { path },
        None => DataError::NothingUsable { path, omitted },
    })
}

fn read(path: &Path, kept: &Arc<AtomicU64>) -> Result<Archive, DataError> {
    let start = read_start(path, 512)?;
    if let Some(reason) = unsupported(&start) {
        return Err(DataError::Unsupported { path: path.to_owned(), reason });
    }
    if zip::is_zip(path, &start) {
        let mut members = Members::new(path, kept);
        zip::read(path, &mut members)?;
        return Ok(samples::archive(members));
    }
    tar::read(path, Compression::of(&start), kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_within_the_archive() {
        assert_eq!(member_path("./a/../../b//c.png"), "b/c.png");
        assert_eq!(member_path("/root\\x.png"), "root/x.png");
    }

    #[test]
    fn archives_are_told_by_their_endings() {
        for name in ["a.tar", "b/c.TAR.zst", "d.zip", "e.tgz"] {
            assert!(is_archive(name), "{name}");
        }
        assert!(!is_archive("a.npz") && !is_archive("x/._a.tar") && !is_archive("a.gz"));
        assert_eq!(split_of("data/test-00000-of-00001.parquet"), Some(Role::Test));
        assert_eq!(split_of("imagenet-a-000.tar"), None);
    }
}
