//! Files that are replaced as a whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes `bytes` to `path` such that a reader sees the old content or the new, never a part.
///
/// # Errors
/// As [`replace_file`].
///
/// # Example
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("result.json");
/// selfsame_files::write_atomically(&path, b"{}")?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_file(path, |file| file.write_all(bytes))
}

/// Replaces the file at `path` by what `write` writes, as a whole.
///
/// The bytes go to a temporary file in the same folder, reach the disk, and take the place of the
/// old file. The new file has the permissions that any new file has.
///
/// # Errors
/// If `write` returns an error, the folder does not exist or cannot be written to, the disk is
/// full, or there is something at `path` that is no ordinary file: a folder, a device or a pipe. The old
/// file is unchanged then, and no temporary file is left.
///
/// # Example
/// ```
/// use std::io::{Error, Write};
///
/// use selfsame_files::replace_file;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("table.csv");
/// replace_file(&path, |file| writeln!(file, "epoch,loss"))?;
/// let failed = replace_file(&path, |_| Err(Error::other("there is no more")));
/// assert!(failed.is_err());
/// assert_eq!(std::fs::read_to_string(&path)?, "epoch,loss\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    // Renaming would put a plain file in the place of, say, /dev/null.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("there is a folder or a device of this name"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private by default; the umask is subtracted from these.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    let mut writer = BufWriter::new(file.as_file_mut());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let failed = replace_file(&path, |file| {
            write!(file, "half of three")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_atomically(&folder.path().join("no/b.txt"), b"").is_err());
    }

    #[test]
    fn a_folder_is_not_replaced_and_no_draft_stays() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(write_atomically(&taken, b"one").is_err(), "a folder is in the way");
        assert!(taken.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced_and_a_dangling_link_is() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("device");
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        assert!(write_atomically(&device, b"one").is_err());
        assert!(fs::symlink_metadata(&device).unwrap().is_symlink());
        let dangling = folder.path().join("dangling");
        std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
        write_atomically(&dangling, b"one").unwrap();
        assert_eq!(fs::read(&dangling).unwrap(), b"one");
    }

    #[cfg(unix)]
    #[test]
    fn has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode =
            |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        fs::write(folder.path().join("plain"), b"").unwrap();
        write_atomically(&folder.path().join("atomic"), b"").unwrap();
        assert_eq!(mode("atomic"), mode("plain"));
    }
}
