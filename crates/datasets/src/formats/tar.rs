//! Tar archives and the shards of a `WebDataset`: indexed once, read wherever an image is.
//!
//! The layout of shards is that of [WebDataset](https://github.com/webdataset/webdataset): members
//! whose names agree up to the first dot of the last part belong together.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;

use crate::files::{self, MAX_BYTES};
use crate::layout::{Entry, Source, TEST, TRAIN, is_image};
use crate::{DataError, DecodeError};

/// Bytes of a file beside an image that are looked at.
const MAX_SIDECAR: u64 = 1 << 20;

/// Where the bytes of a member are.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    /// In memory: those of a compressed archive.
    Kept(Arc<[u8]>),
    /// In the archive's file.
    At { offset: u64, length: u64 },
}

impl Bytes {
    pub(crate) fn read(&self, archive: &Path) -> Result<Cow<'_, [u8]>, DataError> {
        let (offset, length) = match self {
            Self::Kept(bytes) => return Ok(Cow::Borrowed(bytes)),
            Self::At { offset, length } => (*offset, *length),
        };
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(archive)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(DataError::read(archive))?;
        if (bytes.len() as u64) < length {
            let reason = DecodeError::Truncated.to_string();
            return Err(DataError::Format { path: archive.to_owned(), reason });
        }
        Ok(Cow::Owned(bytes))
    }
}

/// Whether a file's first 512 bytes are those of a tar archive.
pub(crate) fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// Whether a file's name is that of an archive.
pub(crate) fn is_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| path.ends_with(ending))
}

/// The images in an archive, compressed or not.
pub(crate) fn entries(path: &Path) -> Result<Vec<Entry>, DataError> {
    let compressed = files::start(path, 2)?.starts_with(&[0x1F, 0x8B]);
    let file = File::open(path).map_err(DataError::read(path))?;
    let end = file.metadata().map_err(DataError::read(path))?.len();
    let file = BufReader::with_capacity(1 << 16, file);
    let mut index = Index::new(path);
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

/// The images of several archives; the name of a shard may say that its images are to train or
/// to test with.
pub(crate) fn shards(root: &Path, mut shards: Vec<String>) -> Result<Vec<Entry>, DataError> {
    shards.sort();
    let mut all = Vec::new();
    for shard in shards {
        let split = shard.split(|c: char| !c.is_ascii_alphabetic()).find_map(|word| {
            let is = |names: &[&str]| names.contains(&word.to_ascii_lowercase().as_str());
            if is(&TRAIN) { Some("train/") } else { is(&TEST).then_some("test/") }
        });
        for mut entry in entries(&root.join(&shard))? {
            entry.path.insert_str(0, split.unwrap_or_default());
            all.push(entry);
        }
    }
    Ok(all)
}

/// What has been found in an archive so far.
struct Index {
    archive: Arc<Path>,
    images: Vec<Entry>,
    /// Labels by key.
    labels: HashMap<String, String>,
    kept: u64,
}

impl Index {
    fn new(path: &Path) -> Self {
        Self { archive: path.into(), images: Vec::new(), labels: HashMap::new(), kept: 0 }
    }

    fn damaged(&self) -> impl Fn(std::io::Error) -> DataError + use<> {
        let path = self.archive.clone();
        move |error| DataError::Format { path: path.to_path_buf(), reason: error.to_string() }
    }

    /// Adds a member, to be read from the archive if its file is `end` bytes long, or else kept.
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
            return Err(damaged(std::io::Error::other("it is cut off")));
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
            Bytes::At { offset, length }
        } else {
            self.kept = self.kept.saturating_add(length);
            if self.kept > MAX_BYTES {
                return Err(DataError::too_much(&self.archive));
            }
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).map_err(&damaged)?;
            Bytes::Kept(bytes.into())
        };
        let archive = self.archive.clone();
        let source = Source::Member { name: name.clone(), archive, bytes };
        self.images.push(Entry { path: name, label: None, source });
        Ok(())
    }

    fn finish(mut self) -> Vec<Entry> {
        for image in &mut self.images {
            image.label = self.labels.get(key(&image.path)).cloned();
        }
        self.images
    }
}

/// What belongs together: folders, and the name up to its first dot.
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

/// The label in a `.cls` (its text) or `.json` (its `label`, `cls` or `class`: a number or text).
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
