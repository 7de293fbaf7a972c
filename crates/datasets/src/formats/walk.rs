//! The files in a folder and in the folders below it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use image::ImageFormat;
use rayon::prelude::*;

use super::folder::{FoundImage, Location};
use super::names::{Named, is_system, named, text};
use super::published::is_list;
use super::read::read_start;
use super::{archive, csv, tar_index};
use crate::{DataError, Omitted};

/// Links to folders that are followed on the way to one file. Folders that link to each other would
/// else be read in every order.
const MAX_LINKS: usize = 3;

/// What a folder and those below it hold.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) images: Vec<FoundImage>,
    /// Paths from the root.
    pub(crate) archives: Vec<String>,
    /// Paths of the lists by which published data sets are sorted, from the root.
    pub(crate) lists: Vec<String>,
    /// Paths of the lists beside images that may label them, from the root.
    pub(crate) metadata: Vec<String>,
    pub(crate) omitted: Omitted,
}

/// A folder to be read.
struct Folder {
    place: PathBuf,
    /// Its path from the root, with a `/` at the end unless it is the root.
    path: String,
    /// The folder itself, where `place` leads through links.
    real: PathBuf,
    /// The folders on the way to this one: from where a link led to where the next one starts.
    ways: Vec<[PathBuf; 2]>,
    /// The start of the last way.
    start: PathBuf,
}

impl Folder {
    /// Returns whether the folder at `real` is on the way to a folder in this one.
    fn is_reached_through(&self, real: &Path) -> bool {
        let on = |start: &Path, end: &Path| real.starts_with(start) && end.starts_with(real);
        on(&self.start, &self.real) || self.ways.iter().any(|[start, end]| on(start, end))
    }
}

/// Lists `root`, level by level and each level on all cores, except for the folders `exclude`.
pub(crate) fn walk(root: &Path, exclude: &[PathBuf]) -> Result<Listing, DataError> {
    let real = fs::canonicalize(root).map_err(DataError::read(root))?;
    let exclude: HashSet<PathBuf> =
        exclude.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let top = Folder {
        place: root.to_owned(),
        path: String::new(),
        start: real.clone(),
        real,
        ways: Vec::new(),
    };
    let mut all = Listing::default();
    let mut level = vec![top];
    while !level.is_empty() {
        let results: Vec<_> = level.par_iter().map(|folder| list(folder, &exclude)).collect();
        let mut next = Vec::new();
        for (folder, result) in level.iter().zip(results) {
            match result {
                Ok((listing, folders)) => {
                    all.images.extend(listing.images);
                    all.archives.extend(listing.archives);
                    all.lists.extend(listing.lists);
                    all.metadata.extend(listing.metadata);
                    all.omitted.extend(listing.omitted);
                    next.extend(folders);
                }
                Err(error) if folder.path.is_empty() => return Err(DataError::read(root)(error)),
                Err(error) => {
                    let reason = format!("folders that cannot be read ({error})");
                    all.omitted.add(&reason, &folder.path);
                }
            }
        }
        level = next;
    }
    Ok(all)
}

/// Lists the files of one folder, and the folders in it that are to be read.
fn list(folder: &Folder, exclude: &HashSet<PathBuf>) -> io::Result<(Listing, Vec<Folder>)> {
    let mut entries: Vec<(OsString, FileType)> = fs::read_dir(&folder.place)?
        .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
        .collect::<io::Result<_>>()?;
    entries.sort_by(|(a, _), (b, _)| a.cmp(b)); // the system's order is another one each time
    let (mut listing, mut folders) = (Listing::default(), Vec::new());
    if !folder.path.is_empty() && is_run(&entries) {
        listing.omitted.add("folders of runs", &folder.path);
        return Ok((listing, folders));
    }
    if !folder.path.is_empty() && entries.is_empty() {
        listing.omitted.add("empty folders", &folder.path);
    }
    for (name, kind) in entries {
        let place = folder.place.join(&name);
        let path = format!("{}{}", folder.path, text(&name));
        let mut kind = kind;
        let link = kind.is_symlink();
        if link {
            let Ok(target) = fs::metadata(&place) else {
                listing.omitted.add("links to nothing", path);
                continue;
            };
            kind = target.file_type();
        }
        if kind.is_file() {
            listing.add_file(path, place);
        } else if !kind.is_dir() {
            listing.omitted.add("entries that are neither files nor folders", path);
        } else if is_system(&text(&name)) {
            listing.omitted.add(HIDDEN, path + "/");
        } else {
            match enter(folder, &name, link, exclude) {
                Ok(inner) => folders.push(inner),
                Err(reason) => listing.omitted.add(reason, path + "/"),
            }
        }
    }
    Ok((listing, folders))
}

/// The reason to omit a file or folder named as [`is_system`] says.
pub(crate) const HIDDEN: &str = "files and folders that are hidden or left by a system";

/// Returns the folder `name` in `folder`, or the reason not to read it.
fn enter(
    folder: &Folder,
    name: &OsString,
    link: bool,
    exclude: &HashSet<PathBuf>,
) -> Result<Folder, &'static str> {
    const LOOP: &str = "links to a folder that they are in";
    let place = folder.place.join(name);
    let (mut ways, mut start) = (folder.ways.clone(), folder.start.clone());
    let mut real = folder.real.join(name);
    if link {
        real = fs::canonicalize(&place).map_err(|_| "links to nothing")?;
        let way = [std::mem::replace(&mut start, real.clone()), folder.real.clone()];
        ways.push(way);
    }
    if !ways.is_empty() && folder.is_reached_through(&real) {
        return Err(LOOP);
    }
    if ways.len() > MAX_LINKS {
        return Err("folders behind more links than are followed");
    }
    if exclude.contains(&real) {
        return Err("folders of runs");
    }
    let path = format!("{}{}/", folder.path, text(name));
    Ok(Folder { place, path, real, ways, start })
}

/// Returns whether these are the files of a run's folder.
fn is_run(entries: &[(OsString, FileType)]) -> bool {
    const RESULTS: [&str; 4] = ["checkpoint", "result.json", "encoder.safetensors", "steps.jsonl"];
    let has = |name: &str| entries.binary_search_by(|(entry, _)| (**entry).cmp(name.as_ref()));
    has("settings.json").is_ok() && RESULTS.iter().any(|name| has(name).is_ok())
}

impl Listing {
    fn add_file(&mut self, path: String, place: PathBuf) {
        if tar_index::is_index(&path) {
            return;
        }
        if is_list(&path) {
            self.lists.push(path);
        } else if csv::is_metadata(&path) {
            self.metadata.push(path);
        } else if archive::is_archive(&path) {
            self.archives.push(path);
        } else if let Some(reason) =
            no_image(&path, || read_start(&place, 32).is_ok_and(|start| starts_as_image(&start)))
        {
            self.omitted.add(&reason, path);
        } else {
            self.images.push(FoundImage { path, label: None, location: Location::File(place) });
        }
    }
}

/// Returns the reason why a file is not used as an image. If its name does not decide it,
/// `starts_as_image` does.
pub(crate) fn no_image(path: &str, starts_as_image: impl FnOnce() -> bool) -> Option<String> {
    match named(path) {
        Named::Image => None,
        Named::Unknown if starts_as_image() => None,
        Named::System => Some(HIDDEN.to_owned()),
        Named::Unknown => Some("files with no known ending and no image in them".to_owned()),
        Named::Other(ending) => Some(format!("files ending in .{}", ending.to_ascii_lowercase())),
        Named::Unsupported(ending) => {
            let ending = ending.to_ascii_lowercase();
            Some(format!("files ending in .{ending}, an image format that is not supported"))
        }
    }
}

/// Returns whether bytes start as those of an image of a format that cannot be mistaken.
pub(crate) fn starts_as_image(bytes: &[u8]) -> bool {
    use ImageFormat::{Gif, Jpeg, Png, Tiff, WebP};
    matches!(image::guess_format(bytes), Ok(Jpeg | Png | Gif | WebP | Tiff))
}
