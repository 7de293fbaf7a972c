//! Tar archives and the shards of a `WebDataset`: indexed once, then read at the offset of an
//! image.
//!
//! In a shard of [WebDataset](https://github.com/webdataset/webdataset), members whose paths are
//! the same up to the first dot of the file name belong together.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;

use super::bytes::MemberBytes;
use super::folder::{FoundImage, Location, is_image};
use super::layout::{Role, role};
use super::read::{MAX_BYTES, read_start};
use crate::DataError;

/// The most bytes read of a file that labels an image.
const MAX_SIDECAR: u64 = 1 << 20;

/// Returns whether a file's first 512 bytes are those of a tar archive.
pub(crate) fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// Returns whether a file is named as an archive.
pub(crate) fn is_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| path.ends_with(ending))
}

/// Returns the images in an archive, compressed or not.
pub(crate) fn archive_images(path: &Path) -> Result<Vec<FoundImage>, DataError> {
    let compressed = read_start(path, 2)?.starts_with(&[0x1F, 0x8B]);
    let file = File::open(path).map_err(DataError::read(path))?;
    let end = file.metadata().map_err(DataError::read(path))?.len();
    let file = BufReader::with_capacity(1 << 16, file);
    let mut index = TarIndex::new(path);
    if compressed {
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        for member in archive.entries().map_err(index.damaged())? {
            index.add(member, None)?;
        }
    } else {
        let mut archive = tar::Archive::new(file);
        for member in archive.entries_with_seek().map_err(index.damaged())? {
            index.add(member, Some(end))?;
        }
    }
    Ok(index.finish())
}

/// Returns the images of several archives; a shard named after a split is of that split.
pub(crate) fn shard_images(
    root: &Path,
    mut shards: Vec<String>,
) -> Result<Vec<FoundImage>, DataError> {
    shards.sort();
    let mut all = Vec::new();
    for shard in shards {
        let split = shard.split(|c: char| !c.is_ascii_alphabetic()).find_map(role);
        let split = split.map(|role| match role {
            Role::Train => "train/",
            Role::Val => "val/",
            Role::Test => "test/",
            Role::Unlabeled => "unlabeled/",
        });
        for mut image in archive_images(&root.join(&shard))? {
            image.path.insert_str(0, split.unwrap_or_default());
            all.push(image);
        }
    }
    Ok(all)
}

/// The images and labels found in an archive so far.
struct TarIndex {
    archive: Arc<Path>,
    images: Vec<FoundImage>,
    /// Labels by key.
    labels: HashMap<String, String>,
    /// Bytes of images in memory.
    kept: u64,
}

impl TarIndex {
    fn new(path: &Path) -> Self {
        Self { archive: path.into(), images: Vec::new(), labels: HashMap::new(), kept: 0 }
    }

    fn damaged(&self) -> impl Fn(std::io::Error) -> DataError + use<> {
        let path = self.archive.clone();
        move |error| DataError::Format { path: path.to_path_buf(), reason: error.to_string() }
    }

    /// Adds a member. Its bytes stay in the archive, a file of `end` bytes, or are kept in memory
    /// if `end` is `None`.
    fn add<R: Read>(
        &mut self,
        member: std::io::Result<tar::Entry<'_, R>>,
        end: Option<u64>,
    ) -> Result<(), DataError> {
        let damaged = self.damaged();
        let mut member = member.map_err(&damaged)?;
        let name = member.path().map_err(&damaged)?.to_string_lossy().replace('\\', "/");
        let name = name.trim_start_matches("./").trim_start_matches('/').to_owned();
        let length = member.size();
        let image = is_image(&name);
        if !member.header().entry_type().is_file() || !(image || is_sidecar(&name)) {
            return Ok(());
        }
        let offset = member.raw_file_position();
        if end.is_some_and(|end| offset.checked_add(length).is_none_or(|last| last > end)) {
            return Err(damaged(std::io::Error::other("it is truncated")));
        }
        if !image {
            let mut bytes = Vec::new();
            member.take(MAX_SIDECAR).read_to_end(&mut bytes).map_err(&damaged)?;
            if let Some(label) = sidecar(&name, &bytes) {
                self.labels.insert(key(&name).to_owned(), label);
            }
            return Ok(());
        }
        let bytes = if end.is_some() {
            MemberBytes::At { offset, length }
        } else {
            self.kept = self.kept.saturating_add(length);
            if self.kept > MAX_BYTES {
                return Err(DataError::too_large(&self.archive));
            }
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).map_err(&damaged)?;
            MemberBytes::Kept(bytes.into())
        };
        let archive = self.archive.clone();
        let location = Location::Member { name: name.clone(), archive, bytes };
        self.images.push(FoundImage { path: name, label: None, location });
        Ok(())
    }

    fn finish(mut self) -> Vec<FoundImage> {
        for image in &mut self.images {
            image.label = self.labels.get(key(&image.path)).cloned();
        }
        self.images
    }
}

/// Returns the key of a member: its folders, and its name up to the first dot.
fn key(name: &str) -> &str {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[start..].find('.').map_or(name.len(), |dot| start + dot);
    &name[..dot]
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn is_sidecar(name: &str) -> bool {
    matches!(ending(name), "cls" | "json")
}

/// Reads the label in a `.cls` (its text) or `.json` (its `label`, `cls` or `class`: a number or
/// text).
fn sidecar(name: &str, bytes: &[u8]) -> Option<String> {
    if ending(name) == "cls" {
        let text = std::str::from_utf8(bytes).ok()?.trim();
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    match ["label", "cls", "class"].iter().find_map(|name| value.get(name))? {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_name() {
        assert_eq!(key("a.b/000.left.jpg"), "a.b/000");
        assert_eq!(key("000"), "000");
    }

    #[test]
    fn labels_are_text_or_numbers() {
        assert_eq!(sidecar("x.cls", b" 12\n").as_deref(), Some("12"));
        assert_eq!(sidecar("x.json", br#"{"label": 3}"#).as_deref(), Some("3"));
        assert_eq!(
            sidecar("x.json", br#"{"class": "cat", "text": "a cat"}"#).as_deref(),
            Some("cat")
        );
        assert_eq!(sidecar("x.json", br#"{"caption": "a cat"}"#), None);
        assert_eq!(sidecar("x.json", b"{"), None);
    }
}
