//! Images as three planes of floats.

use image::{DynamicImage, RgbImage};

use crate::planes::Planes;

/// An image as red, green and blue planes of values in `[0, 1]`, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanarImage {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
    /// `3 · height · width` values: all of red, then green, then blue.
    pub data: Vec<f32>,
}

impl PlanarImage {
    /// Creates a black image.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::PlanarImage;
    ///
    /// assert_eq!(PlanarImage::black(4, 5).data, [0.0; 3 * 4 * 5]);
    /// ```
    #[must_use]
    pub fn black(height: usize, width: usize) -> Self {
        Self { height, width, data: vec![0.0; 3 * height * width] }
    }

    /// Converts an image; gray becomes three equal planes, alpha is dropped.
    ///
    /// # Example
    /// ```
    /// use image::{GrayImage, Luma};
    /// use selfsame_augment::PlanarImage;
    ///
    /// let gray = GrayImage::from_pixel(2, 1, Luma([255]));
    /// assert_eq!(PlanarImage::from_image(&gray.into()).data, [1.0; 6]);
    /// ```
    #[must_use]
    pub fn from_image(image: &DynamicImage) -> Self {
        let mut planar = Self::default();
        planar.load(image);
        planar
    }

    /// Returns the nearest 8-bit image.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::PlanarImage;
    ///
    /// let image = PlanarImage { height: 1, width: 1, data: vec![0.0, 0.5, 1.2] };
    /// assert_eq!(image.to_image().get_pixel(0, 0).0, [0, 128, 255]);
    /// ```
    #[must_use]
    pub fn to_image(&self) -> RgbImage {
        let plane = self.height * self.width;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        #[allow(clippy::cast_possible_truncation, reason = "sides of images are u32")]
        RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let pixel = y as usize * self.width + x as usize;
            image::Rgb([0, 1, 2].map(|channel| byte(self.data[channel * plane + pixel])))
        })
    }

    /// Resizes the buffer for an image of this size; its content is unspecified.
    pub(crate) fn reshape(&mut self, height: usize, width: usize) {
        (self.height, self.width) = (height, width);
        self.data.resize(3 * height * width, 0.0);
    }

    pub(crate) fn plane(&self, channel: usize) -> &[f32] {
        let plane = self.height * self.width;
        &self.data[channel * plane..][..plane]
    }

    pub(crate) fn as_planes(&mut self) -> Planes<'_> {
        Planes::new(self.height, self.width, &mut self.data)
    }

    pub(crate) fn planes_mut(&mut self) -> [&mut [f32]; 3] {
        self.as_planes().into_channels()
    }

    /// Reads an image. Eight-bit images are read directly, others are converted first.
    pub(crate) fn load(&mut self, image: &DynamicImage) {
        self.reshape(image.height() as usize, image.width() as usize);
        match image {
            DynamicImage::ImageRgb8(image) => self.read::<3, _>(image, byte),
            DynamicImage::ImageRgba8(image) => self.read::<4, _>(image, byte),
            DynamicImage::ImageLuma8(image) => self.read::<1, _>(image, byte),
            DynamicImage::ImageLumaA8(image) => self.read::<2, _>(image, byte),
            DynamicImage::ImageRgb32F(image) => self.read::<3, _>(image, |x| x),
            other => self.read::<3, _>(&other.to_rgb32f(), |x| x),
        }
    }

    /// Splits pixels of `C` samples into planes; pixels of one or two samples are gray.
    fn read<const C: usize, S: Copy>(&mut self, samples: &[S], convert: impl Fn(S) -> f32) {
        let (pixels, _) = samples.as_chunks::<C>();
        for (channel, plane) in self.planes_mut().into_iter().enumerate() {
            let sample = if C > 2 { channel } else { 0 };
            for (to, pixel) in plane.iter_mut().zip(pixels) {
                *to = convert(pixel[sample]);
            }
        }
    }
}

fn byte(x: u8) -> f32 {
    f32::from(x) * (1.0 / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};

    #[test]
    fn every_kind_of_image_becomes_three_planes() {
        let gray = |value: f32| vec![value; 3 * 6];
        let eight = 51.0 / 255.0;
        let images: [(DynamicImage, f32); 5] = [
            (ImageBuffer::from_pixel(3, 2, Luma([51_u8])).into(), eight),
            (ImageBuffer::from_pixel(3, 2, LumaA([51_u8, 0])).into(), eight),
            (ImageBuffer::from_pixel(3, 2, Rgb([51_u8; 3])).into(), eight),
            (ImageBuffer::from_pixel(3, 2, Rgba([51_u8, 51, 51, 0])).into(), eight),
            (ImageBuffer::from_pixel(3, 2, Rgb([13_107_u16; 3])).into(), 0.2),
        ];
        for (image, want) in images {
            let planar = PlanarImage::from_image(&image);
            assert_eq!((planar.height, planar.width), (2, 3));
            let close = planar.data.iter().zip(gray(want)).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(close, "{image:?} became {planar:?}");
        }
    }

    #[test]
    fn bytes_survive_the_conversion_to_planes_and_back() {
        let image = ImageBuffer::from_fn(16, 16, |x, y| Rgb([(16 * y + x) as u8, 255, x as u8]));
        assert_eq!(PlanarImage::from_image(&image.clone().into()).to_image(), image);
    }
}
