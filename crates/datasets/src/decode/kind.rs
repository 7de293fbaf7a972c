//! What bytes are, told from how they begin.

use image::ImageFormat;

use crate::DecodeError;

/// Beginnings of files that are images, or hold some, but are not decoded here.
const UNSUPPORTED: [(usize, &[u8], &str); 35] = [
    (0, b"\0\0\0\x0CJXL \r\n\x87\n", "a JPEG XL image"),
    (0, b"\xFF\x0A", "a JPEG XL image"),
    (0, b"\0\0\0\x0CjP  \r\n\x87\n", "a JPEG 2000 image"),
    (0, b"\xFF\x4F\xFF\x51", "a JPEG 2000 image"),
    (0, b"II\xBC", "a JPEG XR image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftypavis", "an AVIF image"),
    (4, b"ftyphe", "a HEIC image"),
    (4, b"ftypmif1", "a HEIF image"),
    (4, b"ftypmsf1", "a HEIF image"),
    (4, b"ftypcrx", "a camera's raw image (CR3)"),
    (4, b"ftyp", "a video (MP4 or QuickTime)"),
    (0, b"\x1A\x45\xDF\xA3", "a video (Matroska or WebM)"),
    (8, b"AVI LIST", "a video (AVI)"),
    (0, b"8BPS", "a Photoshop image"),
    (0, b"gimp xcf", "a GIMP image"),
    (0, b"\0\0\x01\0", "an icon (ICO)"),
    (0, b"\0\0\x02\0\x01\0", "a cursor (CUR)"),
    (0, b"icns", "an icon (ICNS)"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"qoif", "a QOI image"),
    (0, b"\x76\x2F\x31\x01", "an OpenEXR image"),
    (0, b"#?RADIANCE", "a Radiance HDR image"),
    (0, b"PF\n", "a PFM image"),
    (0, b"Pf\n", "a PFM image"),
    (0, b"\x01\xDA", "an SGI image"),
    (0, b"\x59\xA6\x6A\x95", "a Sun raster image"),
    (0, b"BPG\xFB", "a BPG image"),
    (128, b"DICM", "a DICOM file"),
    (0, b"SIMPLE  =", "a FITS file"),
    (0, b"\x89HDF\r\n\x1A\n", "an HDF5 file"),
    (344, b"n+1\0", "a NIfTI volume"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\xC5\xD0\xD3\xC6", "a PostScript document"),
];

/// Beginnings of files that hold no image.
const OTHER: [(&[u8], &str); 8] = [
    (
        b"version https://git-lfs",
        "a pointer of Git LFS instead of the file; fetch it with `git lfs pull`",
    ),
    (b"\0\x05\x16\x07", "what macOS stores beside a file (AppleDouble), not an image"),
    (b"PK\x03\x04", "a zip archive, not an image; unpack it, or give it as the data set"),
    (b"\x1F\x8B", "compressed with gzip; decompress it, or give it as the data set if it is a tar"),
    (b"\x28\xB5\x2F\xFD", "compressed with Zstandard, not an image; decompress it"),
    (b"\xFD7zXZ\0", "compressed with xz, not an image; decompress it"),
    (b"Rar!", "a RAR archive, not an image; unpack it"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive, not an image; unpack it"),
];

/// Returns the format of the bytes, whatever their file is called.
pub(super) fn recognized(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let starts = |at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|at| at.starts_with(magic));
    let riff = starts(0, b"RIFF") && starts(8, b"WEBP");
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => return Ok(ImageFormat::Jpeg),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => {
            return Ok(ImageFormat::Tiff);
        }
        [b'P', b'1'..=b'7', after, ..] if after.is_ascii_whitespace() || *after == b'#' => {
            return Ok(ImageFormat::Pnm);
        }
        _ if starts(0, b"\x89PNG\r\n\x1A\n") => return Ok(ImageFormat::Png),
        _ if starts(0, b"GIF87a") || starts(0, b"GIF89a") => return Ok(ImageFormat::Gif),
        _ if riff => return Ok(ImageFormat::WebP),
        [b'B', b'M', ..] if bytes.len() >= 26 => return Ok(ImageFormat::Bmp),
        _ => {}
    }
    if let Some((.., found)) = UNSUPPORTED.iter().find(|(at, magic, _)| starts(*at, magic)) {
        return Err(DecodeError::Unsupported((*found).to_owned()));
    }
    if let Some((_, found)) = OTHER.iter().find(|(magic, _)| starts(0, magic)) {
        return Err(DecodeError::NotAnImage(found));
    }
    if bytes.iter().all(|byte| *byte == 0) {
        let found = "nothing but zeros, as an interrupted copy leaves behind; copy it again";
        return Err(DecodeError::NotAnImage(found));
    }
    Err(text(bytes).unwrap_or(DecodeError::Unknown))
}

/// Returns what a text is.
fn text(bytes: &[u8]) -> Option<DecodeError> {
    let head = &bytes[..bytes.len().min(1024)];
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let utf8 = match str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut in two.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if utf8.chars().any(|char| char.is_control() && !char.is_whitespace()) {
        return None;
    }
    let head = utf8.trim_start().to_ascii_lowercase();
    if head.contains("<svg") {
        return Some(DecodeError::Unsupported("an SVG drawing".to_owned()));
    }
    Some(DecodeError::NotAnImage(if head.starts_with("<!doctype html") || head.contains("<html") {
        "a web page (HTML), as a failed download leaves behind; download it again"
    } else {
        "a text, not an image"
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_called_by_its_name() {
        let said = |bytes: &[u8]| recognized(bytes).unwrap_err().to_string();
        assert!(said(b"<!DOCTYPE html>\n<html><body>404").contains("web page (HTML)"));
        assert!(said(b"version https://git-lfs.github.com/spec/v1\noid").contains("git lfs pull"));
        assert!(said(b"{\"error\": \"not found\"}").contains("a text"));
        assert!(said(b"<?xml version='1.0'?>\n<svg width='3'/>").contains("SVG"));
        assert!(said(&[0; 500]).contains("zeros"));
        assert!(said(b"PK\x03\x04\x14\0").contains("zip"));
        assert_eq!(said(b"\x80\x81\x82\x83"), DecodeError::Unknown.to_string());
    }

    #[test]
    fn formats_that_are_not_read_come_with_a_remedy() {
        let boxed = |brand: &[u8]| [b"\0\0\0\x20ftyp", brand, b"\0\0\0\0"].concat();
        let mut dicom = vec![0; 128];
        dicom.extend_from_slice(b"DICM");
        let files = [
            (b"\xFF\x0A\x55\x33".to_vec(), "JPEG XL"),
            (b"\xFF\x4F\xFF\x51\0\x2F".to_vec(), "JPEG 2000"),
            (boxed(b"heic"), "HEIC"),
            (boxed(b"avif"), "AVIF"),
            (boxed(b"isom"), "video"),
            (b"8BPS\0\x01".to_vec(), "Photoshop"),
            (dicom, "DICOM"),
        ];
        for (bytes, name) in files {
            let said = recognized(&bytes).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains("convert it to PNG"), "{said}");
        }
    }
}
