//! Reasons why a report cannot be written.

/// Reason why a part of a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// An image could not be encoded as PNG.
    #[error("cannot encode an image of {width} × {height} pixels as PNG")]
    Png {
        /// Width of the image.
        width: u32,
        /// Height of the image.
        height: u32,
        /// Cause.
        source: image::ImageError,
    },
}
