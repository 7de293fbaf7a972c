//! JPEGs that [`selfsame_jpeg`] does not decode: progressive, in several scans, CMYK, lossless.

use image::{GrayImage, ImageBuffer, Luma, RgbImage};
use jpeg_decoder::{Decoder, Error, PixelFormat};
use selfsame_jpeg::{Outline, Process, outline};

use super::{MAX_BYTES, MAX_SCANS, Pixels, damaged};
use crate::DecodeError;

/// Returns the outline of a JPEG that can be decoded within the limits.
///
/// All coefficients are kept in memory until the last scan, and every scan visits all of them, so
/// both are counted here.
pub(super) fn checked(bytes: &[u8]) -> Result<Outline, DecodeError> {
    let Some(outline) = outline(bytes) else {
        return Err(DecodeError::Truncated);
    };
    let Outline { process, precision, width, height, components, scans, ended } = outline;
    let unsupported = |kind: String| Err(DecodeError::Unsupported(format!("a JPEG {kind}")));
    match process {
        Process::Sequential | Process::Progressive if precision != 8 => {
            return unsupported(format!("of {precision} bits a sample"));
        }
        Process::Sequential | Process::Progressive => {}
        Process::Lossless if components == 1 || precision == 8 => {}
        Process::Lossless => return unsupported("that is lossless, of 16-bit color".to_owned()),
        Process::Arithmetic => return unsupported("with arithmetic coding".to_owned()),
        Process::Hierarchical => return unsupported("that is hierarchical".to_owned()),
        Process::JpegLs => return Err(DecodeError::Unsupported("a JPEG-LS image".to_owned())),
        kind => return unsupported(format!("of the kind {kind:?}")),
    }
    if !matches!(components, 1 | 3 | 4) {
        return unsupported(format!("of {components} components"));
    }
    if scans > MAX_SCANS {
        return Err(DecodeError::TooManyScans { scans });
    }
    // A coefficient or difference of up to 4 bytes, a sample, and a value of the result.
    let memory = width as u64
        * height as u64
        * components as u64
        * if process == Process::Lossless { 8 } else { 4 };
    if memory > MAX_BYTES as u64 {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        return Err(DecodeError::TooLarge { width: side(width), height: side(height) });
    }
    // The decoder fills missing rows with gray.
    if ended { Ok(outline) } else { Err(DecodeError::Truncated) }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let outline = checked(bytes)?;
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(MAX_BYTES);
    let values = decoder.decode().map_err(|error| match error {
        Error::Unsupported(feature) => {
            DecodeError::Unsupported(format!("a JPEG of a rare kind ({feature:?})"))
        }
        error => damaged(error),
    })?;
    let info = decoder.info().ok_or(DecodeError::Truncated)?;
    let (width, height) = (info.width.into(), info.height.into());
    let image = match info.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, values).map(Into::into),
        PixelFormat::L16 => {
            // The stored bits are scaled to the full range.
            let most = (1_u32 << outline.precision.min(16)) - 1;
            let scaled = |bytes: &[u8; 2]| {
                let value = u32::from(u16::from_ne_bytes(*bytes)).min(most);
                u16::try_from((value * 65_535 + most / 2) / most).unwrap_or(u16::MAX)
            };
            let values = values.as_chunks().0.iter().map(scaled).collect();
            ImageBuffer::<Luma<u16>, _>::from_raw(width, height, values).map(Into::into)
        }
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, values).map(Into::into),
        PixelFormat::CMYK32 => {
            let values = values.as_chunks().0.iter().flat_map(|ink| from_inks(*ink)).collect();
            RgbImage::from_raw(width, height, values).map(Into::into)
        }
    };
    image.map(Pixels::Image).ok_or(DecodeError::Truncated)
}

/// Converts cyan, magenta, yellow and black ink to red, green and blue, without color management.
pub(super) fn from_inks([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let light = |ink: u8| {
        let product = u32::from(255 - ink) * u32::from(255 - black);
        u8::try_from((product + 127) / 255).unwrap_or(u8::MAX)
    };
    [light(cyan), light(magenta), light(yellow)]
}
