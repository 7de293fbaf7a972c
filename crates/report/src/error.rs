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
    /// The sheet of thumbnails could not be encoded as JPEG.
    #[error("cannot encode a sheet of {images} thumbnails as JPEG")]
    Sheet {
        /// Number of thumbnails.
        images: usize,
        /// Cause.
        source: jpeg_encoder::EncodingError,
    },
    /// An image has no pixels.
    #[error("image {name} has no pixels; leave it out")]
    NoPixels {
        /// Name of the image.
        name: String,
    },
    /// Things that belong together differ in number.
    #[error("{found} {what} do not fit {expected} {of}; give one for each")]
    Count {
        /// What was given.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// What they belong to.
        of: &'static str,
        /// How many are needed.
        expected: usize,
    },
    /// A label or prediction is not the place of a class's name.
    #[error("class {label} is not one of {classes} named classes, which count from 0")]
    Class {
        /// The label or prediction.
        label: usize,
        /// Number of names.
        classes: usize,
    },
    /// A part shows an image that the gallery does not hold.
    #[error("image {index} is not one of the gallery's {images} images, which count from 0")]
    Image {
        /// The image.
        index: usize,
        /// Number of images.
        images: usize,
    },
    /// A part shows images of a gallery, and the page has none.
    #[error("this part shows images of a gallery; call `Page::gallery` before")]
    NoGallery,
    /// The classes of a chart are not those of the gallery whose images stand beside it.
    #[error("the chart's classes are not those of the gallery; name the same classes in both")]
    Classes,
    /// The page has a gallery already.
    #[error("the page has a gallery already; put all images into one")]
    SecondGallery,
    /// A value is NaN or infinite.
    #[error("{what} is not finite")]
    NotFinite {
        /// The value.
        what: String,
    },
}
