//! What the name of a file or a folder says about it.

use std::ffi::OsStr;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Endings of the images that are decoded.
const IMAGES: [&str; 17] = [
    "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "bmp", "dib", "gif", "webp", "pnm", "ppm",
    "pgm", "pbm", "tif", "tiff",
];

/// Endings of images that are not decoded.
const UNSUPPORTED: [&str; 30] = [
    "arw", "avif", "cr2", "cr3", "dcm", "dds", "dicom", "dng", "exr", "hdr", "heic", "heif", "ico",
    "j2k", "jp2", "jpf", "jpx", "jxl", "jxr", "mrxs", "ndpi", "nef", "orf", "pcx", "psd", "qoi",
    "raf", "svg", "svs", "tga",
];

/// Files and folders that systems, file servers and editors leave beside images. So do those whose
/// names begin with a dot.
const SYSTEM: [&str; 13] = [
    "$recycle.bin",
    "#recycle",
    "@eadir",
    "@recycle",
    "@tmp",
    "__macosx",
    "__pycache__",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "lost+found",
    "system volume information",
    "thumbs.db",
];

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// An image that is decoded.
    Image,
    /// An image that is not decoded.
    Unsupported(&'a str),
    /// Hidden, or left by a system.
    System,
    /// Something else, with the ending of a format.
    Other(&'a str),
    /// Nothing: there is no ending, or none that could be that of a format.
    Unknown,
}

/// Returns what the file at `path`, separated by `/`, is named as.
pub(crate) fn named(path: &str) -> Named<'_> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if is_system(name) {
        return Named::System;
    }
    let Some((_, ending)) = name.rsplit_once('.') else { return Named::Unknown };
    let is = |endings: &[&str]| endings.iter().any(|known| ending.eq_ignore_ascii_case(known));
    let like_a_format = (1..=8).contains(&ending.len())
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && ending.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is(&IMAGES) {
        Named::Image
    } else if is(&UNSUPPORTED) {
        Named::Unsupported(ending)
    } else if like_a_format {
        Named::Other(ending)
    } else {
        Named::Unknown
    }
}

/// Returns whether a file is named as an image.
pub(crate) fn is_image(path: &str) -> bool {
    named(path) == Named::Image
}

/// Returns whether a file or folder is hidden, or left by a system.
pub(crate) fn is_system(name: &str) -> bool {
    name.starts_with('.') || SYSTEM.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns the name as text. Bytes that are not UTF-8 are written `\xE9`, so that different names
/// stay different.
pub(crate) fn text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    text
}

/// Returns a label in composed form (NFC): some systems write é as one character, others as two.
pub(crate) fn composed(label: &str) -> String {
    if is_nfc(label) { label.to_owned() } else { label.nfc().collect() }
}

/// Returns the words of a name, in lower case and without numbers at their ends.
pub(crate) fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric())
        .map(|word| word.trim_matches(|c: char| c.is_ascii_digit()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_are() {
        for image in ["a.JPG", "x/b.jfif", "c.d.tiff", "photo.mpo"] {
            assert!(is_image(image), "{image}");
        }
        assert_eq!(named("a.HEIC"), Named::Unsupported("HEIC"));
        for system in ["._a.jpg", ".DS_Store", "x/Thumbs.db"] {
            assert_eq!(named(system), Named::System, "{system}");
        }
        assert_eq!(named("a.txt"), Named::Other("txt"));
        for unknown in ["README", "IM.0001", "a.jpg?width=20"] {
            assert_eq!(named(unknown), Named::Unknown, "{unknown}");
        }
    }

    #[test]
    fn words_are_without_numbers() {
        assert_eq!(words("coco-Train2017_images"), ["coco", "train", "images"]);
        assert_eq!(words("leftImg8bit"), ["leftimg8bit"]);
    }
}
