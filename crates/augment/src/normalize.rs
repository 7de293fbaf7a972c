//! Normalization of the channels.

use serde::{Deserialize, Serialize};

use crate::PlanarImage;

/// The mean and standard deviation that normalize each channel: `(x − mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// Mean of red, green and blue, in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue, above 0.
    pub std: [f32; 3],
}

impl Normalize {
    /// Statistics of `ImageNet`.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    /// Statistics of CIFAR-10.
    pub const CIFAR: Self = Self { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };
    /// No change: values stay in `[0, 1]`.
    pub const NONE: Self = Self { mean: [0.0; 3], std: [1.0; 3] };

    /// Writes the normalized planes of `image` to `out`.
    ///
    /// # Panics
    /// If `out` and the image's data differ in length.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Normalize, PlanarImage};
    ///
    /// let halves = Normalize { mean: [0.5; 3], std: [0.5; 3] };
    /// let image = PlanarImage { height: 1, width: 1, data: vec![0.0, 0.5, 1.0] };
    /// let mut out = [0.0; 3];
    /// halves.write(&image, &mut out);
    /// assert_eq!(out, [-1.0, 0.0, 1.0]);
    /// assert_eq!(halves.undo(&out, 1, 1), image);
    /// ```
    #[track_caller]
    pub fn write(&self, image: &PlanarImage, out: &mut [f32]) {
        assert_eq!(out.len(), image.data.len(), "one element per value");
        let plane = image.height * image.width;
        for channel in 0..3 {
            let (mean, scale) = (self.mean[channel], 1.0 / self.std[channel]);
            let out = &mut out[channel * plane..][..plane];
            out.iter_mut().zip(image.plane(channel)).for_each(|(to, x)| *to = (x - mean) * scale);
        }
    }

    /// Returns the image whose normalized planes are `view`.
    ///
    /// # Panics
    /// If `view` does not hold three planes of `height × width`.
    #[must_use]
    #[track_caller]
    pub fn undo(&self, view: &[f32], height: usize, width: usize) -> PlanarImage {
        assert_eq!(view.len(), 3 * height * width, "three planes of {height} × {width}");
        let plane = height * width;
        let sample =
            |(place, x): (usize, &f32)| x * self.std[place / plane] + self.mean[place / plane];
        PlanarImage { height, width, data: view.iter().enumerate().map(sample).collect() }
    }
}
