//! Zip archives: the directory is read, then each image at its place.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zip::CompressionMethod;
use zip::read::ZipArchive;
use zip::result::ZipError;

use super::archive::{Content, Members, member_path};
use super::bytes::{MemberBytes, Zipped};
use super::samples;
use super::walk::{no_image, starts_as_image};
use crate::DataError;

/// Returns whether a file starts as a zip archive does: with a member, without any, or as the first
/// of several parts. One that unpacks itself starts as a program, and is known by its name.
pub(crate) fn is_zip(path: &Path, start: &[u8]) -> bool {
    let named = || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|it| start.starts_with(*it)) || named()
}

/// Opens the directory of an archive.
pub(crate) fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            DataError::read(path)(error)
        }
        ZipError::UnsupportedArchive(reason) => {
            let reason = format!("it is a zip archive of a kind that is not read ({reason})");
            DataError::Unsupported { path: path.to_owned(), reason }
        }
        // The directory is at the end, so most often the end is missing.
        error => {
            let reason = "is it complete? The directory at the end of a zip archive cannot be read";
            DataError::damaged(path)(format!("{reason} ({error})"))
        }
    })
}

/// Adds the members of an archive.
pub(crate) fn read(path: &Path, members: &mut Members) -> Result<(), DataError> {
    let archive = open(path)?;
    let damaged = |error: ZipError| DataError::damaged(path)(error.to_string());
    let mut encrypted = 0;
    for index in 0..archive.len() {
        let member = archive.by_index_data(index).map_err(damaged)?;
        // Many programs write UTF-8 without saying so.
        let name = match str::from_utf8(member.name_raw()) {
            Ok(name) => member_path(name),
            Err(_) => member_path(&member.name().map_err(damaged)?),
        };
        if member.is_dir() {
            continue;
        }
        if member.is_symlink() {
            members.omitted.add("links", name);
            continue;
        }
        if member.encrypted() {
            members.omitted.add("encrypted files", name);
            encrypted += 1;
            continue;
        }
        let deflated = match member.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => {
                let method = other.to_string().to_lowercase();
                let reason = format!("files compressed in a way that is not read ({method})");
                members.omitted.add(&reason, name);
                continue;
            }
        };
        let bytes = MemberBytes::Zipped(Zipped {
            header: member.header_start(),
            deflated,
            packed: member.compressed_size(),
            length: member.size(),
            checksum: member.crc32(),
        });
        let content = if samples::is_label(&name) {
            let bytes = bytes.read(path)?;
            Content::Label(samples::label(&name, &bytes))
        } else if no_image(&name, || bytes.read(path).is_ok_and(|it| starts_as_image(&it)))
            .is_none()
        {
            Content::Image(bytes)
        } else {
            Content::File(Some(bytes))
        };
        members.add(name, content);
    }
    if encrypted > 0 && members.list.is_empty() {
        let reason = "it is encrypted; unpack it with its password (`unzip FILE`) and give the \
                      folder"
            .to_owned();
        return Err(DataError::Unsupported { path: path.to_owned(), reason });
    }
    Ok(())
}
