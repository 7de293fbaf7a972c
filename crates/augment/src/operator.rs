//! Operators as values, what is drawn for a view, and how it is applied.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::{CropBox, Picture, Resampling, Scratch, draw_crop};

/// One step of a view, with the ranges its parameters are drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operator {
    /// A part of random area and shape, resized to a square; see [`draw_crop`].
    RandomResizedCrop {
        /// Side of the view, in pixels.
        size: u32,
        /// Range of the part's area, as a share of the picture's.
        area: [f64; 2],
        /// Range of width over height, drawn logarithmically.
        aspect: [f64; 2],
        /// How the part is resized.
        resampling: Resampling,
    },
    /// Resizes so that the shorter side has `size` pixels.
    Resize {
        /// The shorter side, in pixels.
        size: u32,
        /// How the picture is resized.
        resampling: Resampling,
    },
    /// The square in the middle; a picture that is smaller is first resized to fit it.
    CenterCrop {
        /// Side of the square, in pixels.
        size: u32,
    },
    /// Swaps left and right.
    HorizontalFlip {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Swaps top and bottom.
    VerticalFlip {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Turns by an angle uniform in `± degrees`, mirrored at the border.
    Rotation {
        /// The largest angle.
        degrees: f64,
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Changes brightness, contrast, saturation and hue, in random order.
    ColorJitter {
        /// The factor is uniform in `1 ± brightness`, at least 0.
        brightness: f64,
        /// As brightness.
        contrast: f64,
        /// As brightness.
        saturation: f64,
        /// The shift is uniform in `± hue`, at most 0.5.
        hue: f64,
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Leaves only gray.
    Grayscale {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Gaussian blur.
    GaussianBlur {
        /// Odd size of the kernel, in pixels.
        kernel_size: usize,
        /// Range of the standard deviation, in pixels.
        sigma: [f64; 2],
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Inverts what is bright.
    Solarize {
        /// From where on samples are inverted, in `[0, 1]`.
        threshold: f64,
        /// How often, 0 to 1.
        probability: f64,
    },
}

/// One step of one view, with its parameters drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// Nothing happens this time.
    Skip,
    /// A part of the picture, resized to `[height, width]`.
    Crop {
        /// The part.
        part: CropBox,
        /// The new size.
        size: [usize; 2],
        /// How it is resized.
        resampling: Resampling,
    },
    /// See [`horizontal_flip`](crate::horizontal_flip).
    HorizontalFlip,
    /// See [`vertical_flip`](crate::vertical_flip).
    VerticalFlip,
    /// See [`rotate`](crate::rotate).
    Rotate {
        /// The angle, counter-clockwise.
        degrees: f64,
    },
    /// Four changes of colour, one after the other.
    Jitter([Jitter; 4]),
    /// See [`grayscale`](crate::grayscale).
    Grayscale,
    /// See [`gaussian_blur`](crate::gaussian_blur).
    Blur {
        /// Size of the kernel.
        kernel_size: usize,
        /// Its standard deviation.
        sigma: f64,
    },
    /// See [`solarize`](crate::solarize).
    Solarize {
        /// From where on.
        threshold: f32,
    },
}

/// One change of colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Jitter {
    /// See [`brightness`](crate::brightness).
    Brightness(f32),
    /// See [`contrast`](crate::contrast).
    Contrast(f32),
    /// See [`saturation`](crate::saturation).
    Saturation(f32),
    /// See [`hue`](crate::hue).
    Hue(f32),
}

impl Operator {
    /// Draws the parameters for a picture of `[height, width]`.
    pub fn draw(&self, picture: [usize; 2], rng: &mut impl Rng) -> Plan {
        let probability = self.probability();
        if probability < 1.0 && !rng.random_bool(probability.max(0.0)) {
            return Plan::Skip;
        }
        match *self {
            Self::RandomResizedCrop { size, area, aspect, resampling } => {
                let part = draw_crop(picture, area, aspect, rng);
                Plan::Crop { part, size: [size as usize; 2], resampling }
            }
            Self::Resize { size, resampling } => {
                let part = CropBox::centre(picture, picture);
                Plan::Crop { part, size: shorter_side(picture, size as usize), resampling }
            }
            Self::CenterCrop { size } => {
                let size = size as usize;
                let part = CropBox::centre(picture, [size, size]);
                Plan::Crop { part, size: [size; 2], resampling: Resampling::default() }
            }
            Self::HorizontalFlip { .. } => Plan::HorizontalFlip,
            Self::VerticalFlip { .. } => Plan::VerticalFlip,
            Self::Rotation { degrees, .. } => {
                Plan::Rotate { degrees: rng.random_range(-degrees..=degrees) }
            }
            Self::ColorJitter { brightness, contrast, saturation, hue, .. } => {
                let mut factor = |spread: f64| single(rng.random_range((1.0 - spread).max(0.0)..=1.0 + spread));
                let mut changes = [
                    Jitter::Brightness(factor(brightness)),
                    Jitter::Contrast(factor(contrast)),
                    Jitter::Saturation(factor(saturation)),
                    Jitter::Hue(single(rng.random_range(-hue..=hue))),
                ];
                for last in (1..4).rev() {
                    changes.swap(last, rng.random_range(0..=last));
                }
                Plan::Jitter(changes)
            }
            Self::Grayscale { .. } => Plan::Grayscale,
            Self::GaussianBlur { kernel_size, sigma, .. } => {
                Plan::Blur { kernel_size, sigma: rng.random_range(sigma[0]..=sigma[1]) }
            }
            Self::Solarize { threshold, .. } => Plan::Solarize { threshold: single(threshold) },
        }
    }

    /// How often the operator acts.
    #[must_use]
    pub fn probability(&self) -> f64 {
        match *self {
            Self::RandomResizedCrop { .. } | Self::Resize { .. } | Self::CenterCrop { .. } => 1.0,
            Self::HorizontalFlip { probability }
            | Self::VerticalFlip { probability }
            | Self::Rotation { probability, .. }
            | Self::ColorJitter { probability, .. }
            | Self::Grayscale { probability }
            | Self::GaussianBlur { probability, .. }
            | Self::Solarize { probability, .. } => probability,
        }
    }

    /// Side of the square this operator always leaves, if it does.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        match *self {
            Self::RandomResizedCrop { size, .. } | Self::CenterCrop { size } => Some(size as usize),
            _ => None,
        }
    }

    /// What is wrong with the ranges, if anything.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let ordered = |range: [f64; 2], low: f64, high: f64| {
            range[0] <= range[1] && range[0] >= low && range[1] <= high && range[1] < f64::INFINITY
        };
        let positive = f64::MIN_POSITIVE;
        if !(0.0..=1.0).contains(&self.probability()) {
            return Some("`probability` must be 0 to 1");
        }
        match *self {
            Self::RandomResizedCrop { size: 0, .. }
            | Self::Resize { size: 0, .. }
            | Self::CenterCrop { size: 0 } => Some("`size` must be 1 or more"),
            Self::RandomResizedCrop { area, .. } if !ordered(area, positive, 1.0) => {
                Some("`area` must be a range above 0, up to 1")
            }
            Self::RandomResizedCrop { aspect, .. } if !ordered(aspect, positive, f64::MAX) => {
                Some("`aspect` must be a range above 0")
            }
            Self::Rotation { degrees, .. } if !(0.0..=360.0).contains(&degrees) => {
                Some("`degrees` must be 0 to 360")
            }
            Self::ColorJitter { brightness, contrast, saturation, hue, .. }
                if ![brightness, contrast, saturation].iter().all(|x| (0.0..=10.0).contains(x))
                    || !(0.0..=0.5).contains(&hue) =>
            {
                Some("factors must be 0 to 10 and `hue` 0 to 0.5")
            }
            Self::GaussianBlur { kernel_size, .. } if kernel_size % 2 == 0 => {
                Some("`kernel_size` must be odd")
            }
            Self::GaussianBlur { sigma, .. } if !ordered(sigma, positive, f64::MAX) => {
                Some("`sigma` must be a range above 0")
            }
            _ => None,
        }
    }
}

impl Plan {
    /// Applies what was drawn.
    ///
    /// # Panics
    /// If the plan was drawn for a picture of another size.
    pub fn apply(&self, picture: &mut Picture, scratch: &mut Scratch) {
        match *self {
            Self::Skip => {}
            Self::Crop { part, size, resampling } => {
                *picture = crate::resized_crop(picture, part, size, resampling);
            }
            Self::HorizontalFlip => crate::horizontal_flip(picture),
            Self::VerticalFlip => crate::vertical_flip(picture),
            Self::Rotate { degrees } => crate::rotate(picture, degrees, &mut scratch.spare),
            Self::Jitter(changes) => changes.iter().for_each(|change| change.apply(picture)),
            Self::Grayscale => crate::grayscale(picture),
            Self::Blur { kernel_size, sigma } => {
                crate::gaussian_blur(picture, kernel_size, sigma, &mut scratch.spare);
            }
            Self::Solarize { threshold } => crate::solarize(picture, threshold),
        }
    }
}

impl Jitter {
    fn apply(self, picture: &mut Picture) {
        match self {
            Self::Brightness(factor) => crate::brightness(picture, factor),
            Self::Contrast(factor) => crate::contrast(picture, factor),
            Self::Saturation(factor) => crate::saturation(picture, factor),
            Self::Hue(shift) => crate::hue(picture, shift),
        }
    }
}

/// `[height, width]` whose shorter side is `size`, the longer rounded down as in torchvision.
fn shorter_side([height, width]: [usize; 2], size: usize) -> [usize; 2] {
    if height <= width { [size, size * width / height] } else { [size * height / width, size] }
}

#[allow(clippy::cast_possible_truncation, reason = "parameters of single-precision operators")]
fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewKey;

    #[test]
    fn jitter_draws_from_its_ranges_in_every_order() {
        let jitter = Operator::ColorJitter {
            brightness: 0.4,
            contrast: 2.0,
            saturation: 0.0,
            hue: 0.1,
            probability: 0.8,
        };
        let mut rng = ViewKey { seed: 0, epoch: 0, picture: 0, view: 0 }.rng();
        let (mut skipped, mut first, mut contrast_sum, draws) = (0.0, [0; 4], 0.0, 4_000);
        for _ in 0..draws {
            let Plan::Jitter(changes) = jitter.draw([8, 8], &mut rng) else {
                skipped += 1.0;
                continue;
            };
            for (place, change) in changes.into_iter().enumerate() {
                let (kind, in_range) = match change {
                    Jitter::Brightness(x) => (0, (0.6..=1.4).contains(&x)),
                    Jitter::Contrast(x) => {
                        contrast_sum += x;
                        (1, (0.0..=3.0).contains(&x))
                    }
                    Jitter::Saturation(x) => (2, x == 1.0),
                    Jitter::Hue(x) => (3, (-0.1..=0.1).contains(&x)),
                };
                assert!(in_range, "{change:?}");
                if place == 0 {
                    first[kind] += 1;
                }
            }
        }
        // Within four standard errors.
        let draws = f64::from(draws);
        assert!((skipped / draws - 0.2).abs() < 4.0 * 0.4 / draws.sqrt(), "{skipped}");
        let acted = draws - skipped;
        let mean = f64::from(contrast_sum) / acted;
        assert!((mean - 1.5).abs() < 4.0 * 0.866 / acted.sqrt(), "{mean}");
        for count in first {
            assert!((f64::from(count) / acted - 0.25).abs() < 4.0 * 0.433 / acted.sqrt(), "{first:?}");
        }
    }

    #[test]
    fn small_pictures_fill_a_centre_crop() {
        let plan = Operator::CenterCrop { size: 8 }.draw([4, 6], &mut ViewKey { seed: 0, epoch: 0, picture: 0, view: 0 }.rng());
        let mut picture = Picture::black(4, 6);
        plan.apply(&mut picture, &mut Scratch::default());
        assert_eq!((picture.height, picture.width), (8, 8));
    }
}
