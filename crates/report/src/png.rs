//! Images encoded as PNG.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::codecs::png::PngEncoder;

use crate::ReportError;

/// Bytes of a PNG file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Png(Vec<u8>);

impl Png {
    /// Encodes an image.
    ///
    /// # Errors
    /// If the image has no pixels.
    ///
    /// # Example
    /// ```
    /// use image::RgbImage;
    /// use selfsame_report::Png;
    ///
    /// let png = Png::encode(&RgbImage::new(2, 3))?;
    /// let image = image::load_from_memory(png.as_bytes()).unwrap();
    /// assert_eq!((image.width(), image.height()), (2, 3));
    /// # Ok::<(), selfsame_report::ReportError>(())
    /// ```
    pub fn encode(image: &RgbImage) -> Result<Self, ReportError> {
        let (width, height) = image.dimensions();
        let mut bytes = Vec::new();
        image
            .write_with_encoder(PngEncoder::new(&mut bytes))
            .map_err(|source| ReportError::Png { width, height, source })?;
        Ok(Self(bytes))
    }

    /// Returns the bytes of the file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns an `img` element that holds the image itself; `alt` is escaped already.
    pub(crate) fn element(&self, alt: &str) -> String {
        format!("<img alt=\"{alt}\" src=\"data:image/png;base64,{}\">", STANDARD.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_pixels_is_an_error_that_names_its_size() {
        let error = Png::encode(&RgbImage::new(0, 4)).unwrap_err().to_string();
        assert!(error.contains("0 × 4"), "{error}");
    }
}
