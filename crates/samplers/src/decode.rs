//! From the bytes of a file to a picture, whatever the bytes are.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// Pixels per side, and bytes in memory, beyond which a picture is taken for an attack.
const MAX_SIDE: u32 = 1 << 15;
const MAX_BYTES: u64 = 1 << 30;

/// The picture in `bytes`, turned the way its EXIF data says; of an animation the first frame.
///
/// The kind of file is found out by looking at the bytes. Pictures of more than 32,768 pixels a side
/// or 1 GiB in memory are refused.
///
/// # Errors
/// If the bytes are no picture, or not all of one; the text says what is wrong, in a few words.
///
/// # Example
/// ```
/// assert!(selfsame_samplers::decode(b"no picture").is_err());
/// ```
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    // Decoders are written to survive any bytes; should one panic all the same, the run goes on.
    let decoded = catch_unwind(AssertUnwindSafe(|| try_decode(bytes)));
    decoded.unwrap_or_else(|_| Err("its decoder failed".to_owned()))
}

fn try_decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else { return Err("it is no picture".to_owned()) };
    // The decoder fills what is missing with gray.
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err("the file is cut off".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether a JPEG goes on to its end marker, followed from segment to segment, so that the end of an
/// embedded thumbnail is not taken for it.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(gap) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xFF)) else {
            return false;
        };
        at += gap + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xD9) => return true,
            // Padding, an escaped FF in the picture's data, restarts: no length follows.
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(high) * 256 + usize::from(low);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Luma, Rgb, Rgba};

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn noise() -> DynamicImage {
        ImageBuffer::from_fn(40, 30, |x, y| Rgb([(x * 57 + y * 31) as u8, (x * y) as u8, 9])).into()
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp] {
            let whole = encoded(&noise(), format);
            assert_eq!(decode(&whole).unwrap().width(), 40, "{format:?}");
            for length in [0, 1, 3, whole.len() / 4, whole.len() / 2, whole.len() - 40] {
                assert!(decode(&whole[..length]).is_err(), "{format:?} cut to {length}");
            }
        }
    }

    #[test]
    fn gray_deep_and_transparent_pictures_are_read() {
        let gray = ImageBuffer::from_pixel(9, 9, Luma([40_000_u16])).into();
        let clear = ImageBuffer::from_pixel(9, 9, Rgba([1_u8, 2, 3, 4])).into();
        assert_eq!(decode(&encoded(&gray, ImageFormat::Png)).unwrap().to_luma16(), gray.to_luma16());
        assert_eq!(decode(&encoded(&clear, ImageFormat::Png)).unwrap(), clear);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(junk: Vec<u8>, place in 0_usize..900, byte: u8) {
            let _ = try_decode(&junk);
            for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif] {
                let mut bytes = encoded(&noise(), format);
                let place = place % bytes.len();
                bytes[place] = byte;
                let _ = try_decode(&bytes);
            }
        }
    }
}
