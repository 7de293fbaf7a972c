//! Tar archives: indexed once, then read at the offset of an image.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::archive::{Archive, Content, Members, member_path};
use super::bytes::MemberBytes;
use super::compression::Compression;
use super::names::text;
use super::walk::{no_image, starts_as_image};
use super::{cifar, samples, stl10, tar_index};
use crate::DataError;

/// The most bytes read of a file that labels an image.
const MAX_LABEL: u64 = 1 << 20;
/// Links to links that are followed.
const MAX_LINKS: usize = 8;

/// Returns whether a file's first 512 bytes are those of a tar archive.
pub(crate) fn is_tar(start: &[u8]) -> bool {
    if start.get(257..262) == Some(b"ustar") {
        return true;
    }
    // The oldest form has nothing but a checksum, over a header whose checksum is blank.
    let Some(header) = start.first_chunk::<512>() else { return false };
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    let stored: u32 = header[148..156].iter().map(|&byte| u32::from(byte)).sum();
    let mut parsed = tar::Header::new_old();
    parsed.as_mut_bytes().copy_from_slice(header);
    header[0] != 0 && parsed.cksum().is_ok_and(|checksum| checksum == sum - stored + 8 * 32)
}

/// Reads what an archive holds; the images of a compressed one are kept in memory.
pub(crate) fn read(
    path: &Path,
    compression: Option<Compression>,
    kept: &Arc<AtomicU64>,
) -> Result<Archive, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    let about = file.metadata().map_err(DataError::read(path))?;
    let mut scan = Scan { members: Members::new(path, kept), links: Vec::new(), end: 0 };
    if let Some(compression) = compression {
        let stream = BufReader::with_capacity(1 << 16, file);
        scan.members(tar::Archive::new(compression.reader(stream)), None)?;
        return Ok(scan.finish());
    }
    if let Some(archive) = tar_index::load(path, &about) {
        return Ok(archive);
    }
    // Not buffered, for what is read of each member are a few bytes, and then comes a seek.
    scan.members(tar::Archive::new(file), Some(about.len()))?;
    if scan.end >= about.len() {
        let reason = "tar archives without an end mark, perhaps cut off";
        scan.members.omitted.add(reason, path.display().to_string());
    }
    let archive = scan.finish();
    tar_index::save(path, &about, &archive);
    Ok(archive)
}

/// An archive being read.
struct Scan {
    members: Members,
    /// Names of links and of their targets that were not there yet.
    links: Vec<(String, String)>,
    /// The place behind the last member.
    end: u64,
}

/// An archive whose members are skipped by a seek, if its length is known.
trait Entries<'a, R: Read> {
    fn all(&'a mut self) -> io::Result<tar::Entries<'a, R>>;
}

impl<'a> Entries<'a, File> for tar::Archive<File> {
    fn all(&'a mut self) -> io::Result<tar::Entries<'a, File>> {
        self.entries_with_seek()
    }
}

impl<'a, 'b> Entries<'a, Box<dyn Read + 'b>> for tar::Archive<Box<dyn Read + 'b>> {
    fn all(&'a mut self) -> io::Result<tar::Entries<'a, Box<dyn Read + 'b>>> {
        self.entries()
    }
}

impl Scan {
    /// Adds all members. Their bytes stay in the archive, a file of `length` bytes, or are kept in
    /// memory if `length` is `None`.
    fn members<R: Read>(
        &mut self,
        mut archive: tar::Archive<R>,
        length: Option<u64>,
    ) -> Result<(), DataError>
    where
        for<'a> tar::Archive<R>: Entries<'a, R>,
    {
        // What was joined of several archives is read to the end of the last.
        archive.set_ignore_zeros(true);
        let path = self.members.archive.clone();
        let damaged = |end: u64, error: io::Error| {
            let fault = match length {
                Some(length) if length < end + 512 => {
                    "it is truncated in the head of a member".into()
                }
                _ => error.to_string(),
            };
            DataError::damaged(&path)(format!("{fault}, behind byte {end}"))
        };
        for member in archive.all().map_err(|error| damaged(0, error))? {
            let end = self.end;
            let member = member.map_err(|error| damaged(end, error))?;
            let (offset, size) = (member.raw_file_position(), member.size());
            let last = offset.saturating_add(size);
            if length.is_some_and(|length| last > length) {
                let error = format!(
                    "it is truncated: a member ends at byte {last}, the file at byte {}",
                    length.unwrap_or_default()
                );
                return Err(DataError::damaged(&path)(error));
            }
            let place = length.map(|_| MemberBytes::At { offset, length: size });
            self.add(member, place)?.map_err(|error| damaged(end, error))?;
            self.end = last.next_multiple_of(512).max(last);
        }
        Ok(())
    }

    fn add<R: Read>(
        &mut self,
        mut member: tar::Entry<'_, R>,
        place: Option<MemberBytes>,
    ) -> Result<io::Result<()>, DataError> {
        let name = member_path(&os_text(&member.path_bytes()));
        let kind = member.header().entry_type();
        let sparse = kind.is_gnu_sparse()
            || match member.pax_extensions() {
                Ok(Some(mut fields)) => fields.any(|field| {
                    field.is_ok_and(|field| field.key_bytes().starts_with(b"GNU.sparse"))
                }),
                _ => false,
            };
        if kind.is_hard_link() || kind.is_symlink() {
            let Some(target) = member.link_name_bytes().map(|target| os_text(&target).into_owned())
            else {
                return Ok(Ok(()));
            };
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let target = if kind.is_symlink() && !target.starts_with('/') {
                member_path(&format!("{folder}/{target}"))
            } else {
                member_path(&target)
            };
            // A hard link is to what the name stands for here, a symbolic one to what it will.
            if kind.is_symlink() || !self.members.link(&name, &target) {
                self.links.push((name, target));
            }
        } else if sparse {
            self.members.omitted.add("sparse files", name);
        } else if kind.is_file() || kind.is_contiguous() {
            return self.add_file(name, member, place);
        } else if !kind.is_dir() && !kind.is_pax_global_extensions() {
            self.members.omitted.add("entries that are neither files nor folders", name);
        }
        Ok(Ok(()))
    }

    fn add_file<R: Read>(
        &mut self,
        name: String,
        mut member: tar::Entry<'_, R>,
        place: Option<MemberBytes>,
    ) -> Result<io::Result<()>, DataError> {
        if samples::is_label(&name) {
            let mut bytes = Vec::new();
            return Ok(member.take(MAX_LABEL).read_to_end(&mut bytes).map(|_| {
                self.members.add(name.clone(), Content::Label(samples::label(&name, &bytes)));
            }));
        }
        let mut bytes = Vec::new();
        let start = || {
            let read = (&mut member).take(32).read_to_end(&mut bytes);
            read.is_ok() && starts_as_image(&bytes)
        };
        let image = no_image(&name, start).is_none();
        let place = match place {
            Some(place) => Some(place),
            None if image || cifar::is_file(&name) || stl10::is_file(&name) => {
                self.members.keep(member.size())?;
                if let Err(error) = member.read_to_end(&mut bytes) {
                    return Ok(Err(error));
                }
                Some(MemberBytes::Kept(Arc::new(bytes)))
            }
            None => None,
        };
        let content = match place {
            Some(place) if image => Content::Image(place),
            place => Content::File(place),
        };
        self.members.add(name, content);
        Ok(Ok(()))
    }

    fn finish(mut self) -> Archive {
        for _ in 0..MAX_LINKS {
            let links = std::mem::take(&mut self.links);
            let before = links.len();
            for (name, target) in links {
                if !self.members.link(&name, &target) {
                    self.links.push((name, target));
                }
            }
            if self.links.len() == before {
                break;
            }
        }
        for (name, _) in self.links {
            self.members.omitted.add("links to what the archive does not hold", name);
        }
        samples::archive(self.members)
    }
}

/// Returns a name as text.
fn os_text(name: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(name) {
        Ok(name) => name.into(),
        // Any bytes are a name where archives with such names are made; elsewhere they are replaced.
        #[cfg(unix)]
        Err(_) => text(std::os::unix::ffi::OsStrExt::from_bytes(name)).into(),
        #[cfg(not(unix))]
        Err(_) => text(String::from_utf8_lossy(name).as_ref().as_ref()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_without_a_magic_number_is_told_by_its_checksum() {
        let mut header = tar::Header::new_old();
        header.set_path("a.png").unwrap();
        header.set_size(5);
        header.set_cksum();
        assert!(is_tar(header.as_bytes()));
        let mut other = *header.as_bytes();
        other[0] = b'b';
        assert!(!is_tar(&other) && !is_tar(&[0; 512]) && !is_tar(b"short"));
    }
}
