//! The files of a published data set, unpacked in a folder or in an archive as downloaded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::bytes::MemberBytes;
use super::read::read_file;
use crate::DataError;

/// The files in a folder, or those in a folder of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Files<'a> {
    root: Cow<'a, Path>,
    /// In an archive: its members by name, and the path in there with a `/` at the end.
    members: Option<(&'a HashMap<String, MemberBytes>, String)>,
}

impl<'a> Files<'a> {
    pub(crate) fn in_folder(root: &'a Path) -> Self {
        Self { root: root.into(), members: None }
    }

    pub(crate) fn in_archive(root: &'a Path, members: &'a HashMap<String, MemberBytes>) -> Self {
        Self { root: root.into(), members: Some((members, String::new())) }
    }

    /// Returns those in a folder of them.
    pub(crate) fn within(&self, folder: &str) -> Self {
        match &self.members {
            None => Self { root: self.root.join(folder).into(), members: None },
            Some((members, prefix)) => Self {
                root: self.root.clone(),
                members: Some((members, format!("{prefix}{folder}/"))),
            },
        }
    }

    /// Returns the path of a file, for messages if it is in an archive.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let prefix = self.members.as_ref().map_or("", |(_, prefix)| prefix);
        self.root.join(format!("{prefix}{name}"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match &self.members {
            None => self.root.join(name).is_file(),
            Some((members, prefix)) => members.contains_key(&format!("{prefix}{name}")),
        }
    }

    /// Reads all of a file.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, DataError> {
        let Some((members, prefix)) = &self.members else {
            return read_file(&self.root.join(name));
        };
        match members.get(&format!("{prefix}{name}")) {
            Some(bytes) => bytes.read(&self.root).map(Cow::into_owned),
            None => Err(DataError::read(&self.path(name))(std::io::ErrorKind::NotFound.into())),
        }
    }
}
