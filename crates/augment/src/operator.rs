//! Operators as values, and what is drawn from them.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::{
    Border, CropBox, Interpolation, Jitter, Plan, Resampling, draw_crop, draw_cutout, draw_erasure,
};

/// In which order the four changes of a jitter are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JitterOrder {
    /// A new one for each view, as torchvision.
    #[default]
    Random,
    /// Brightness, contrast, saturation, hue.
    Fixed,
}

/// How a jitter changes brightness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// By a factor, as torchvision and SimCLR's second version.
    #[default]
    Multiplied,
    /// By a sum, as SimCLR's first version.
    Added,
}

/// How a jitter changes contrast and saturation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formulas {
    /// Away from the mean gray of the image and from the gray of the pixel.
    #[default]
    Torchvision,
    /// Away from the mean of each channel, and by the saturation of HSV.
    Tensorflow,
}

/// One step of a view, with the ranges its parameters are drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operator {
    /// A part of random area and shape, resized to a square; see [`draw_crop`].
    RandomResizedCrop {
        /// Side of the view, in pixels.
        size: u32,
        /// Range of the part's area, as a share of the image's.
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
        /// How the image is resized.
        resampling: Resampling,
    },
    /// The square in the middle; an image that is smaller is first resized to fit it.
    CenterCrop {
        /// Side of the square, in pixels.
        size: u32,
    },
    /// Puts a border around the image and cuts out a square, of random place.
    PadCrop {
        /// Side of the square, in pixels; a larger one than there is stands around the middle.
        size: u32,
        /// Width of the border, in pixels.
        padding: u32,
        /// What the border shows.
        #[serde(default)]
        border: Border,
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
    /// Changes brightness, contrast, saturation and hue.
    ColorJitter {
        /// The factor is uniform in `1 ± brightness`, at least 0; what is added, in `± brightness`.
        brightness: f64,
        /// The factor is uniform in `1 ± contrast`, at least 0.
        contrast: f64,
        /// The factor is uniform in `1 ± saturation`, at least 0.
        saturation: f64,
        /// The shift is uniform in `± hue`, at most 0.5.
        hue: f64,
        /// In which order.
        #[serde(default)]
        order: JitterOrder,
        /// How brightness is changed.
        #[serde(default)]
        light: Light,
        /// How contrast and saturation are changed.
        #[serde(default)]
        formulas: Formulas,
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
        /// Odd size of the kernel, in pixels; without it a tenth of the shorter side, rounded down,
        /// and one more if that is even, as in SimCLR. One that reaches further than the image is
        /// large is cut.
        #[serde(default)]
        kernel_size: Option<usize>,
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
    /// Makes all levels about equally frequent.
    Equalize {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Leaves few levels.
    Posterize {
        /// Bits that are left of 8.
        bits: u32,
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Paints over a part of random area, shape and place; see [`draw_erasure`]. If ten draws do not
    /// fit, nothing happens.
    RandomErasing {
        /// Range of the part's area, as a share of the image's. Paper: 0.02 to 0.4.
        area: [f64; 2],
        /// Range of height over width, drawn logarithmically. Paper: 0.3 to 1 / 0.3.
        aspect: [f64; 2],
        /// The gray it is painted with, in `[0, 1]`.
        fill: f64,
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Paints over a square about a random pixel; see [`draw_cutout`].
    Cutout {
        /// Side of the square, in pixels. Paper: 16 for CIFAR-10.
        size: u32,
        /// The gray it is painted with, in `[0, 1]`.
        fill: f64,
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Sets one of the three channels to a single value.
    ChannelDropout {
        /// The value, in `[0, 1]`.
        fill: f64,
        /// How often, 0 to 1.
        probability: f64,
    },
}

impl Operator {
    /// Draws the parameters for an image of `[height, width]`.
    pub fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> Plan {
        let probability = self.probability();
        if probability < 1.0 && !rng.random_bool(probability.max(0.0)) {
            return Plan::Skip;
        }
        match *self {
            Self::RandomResizedCrop { size, area, aspect, resampling } => {
                let part = draw_crop(image, area, aspect, rng);
                Plan::Crop { part, size: [size as usize; 2], resampling }
            }
            Self::Resize { size, resampling } => {
                let size = shorter_side(image, size as usize);
                Plan::Crop { part: CropBox::whole(image), size, resampling }
            }
            Self::CenterCrop { size } => {
                let size = size as usize;
                let part = CropBox::center(image, [size, size]);
                Plan::Crop { part, size: [size; 2], resampling: Resampling::default() }
            }
            Self::PadCrop { size, padding, border } => {
                let place = image.map(|side| draw_place(side, size, padding, rng));
                Plan::Window { place, size: size as usize, border }
            }
            Self::HorizontalFlip { .. } => Plan::HorizontalFlip,
            Self::VerticalFlip { .. } => Plan::VerticalFlip,
            Self::Rotation { degrees, .. } => {
                Plan::Rotate { degrees: rng.random_range(-degrees..=degrees) }
            }
            Self::ColorJitter {
                brightness,
                contrast,
                saturation,
                hue,
                order,
                light,
                formulas,
                ..
            } => {
                let mut within = |middle: f64, spread: f64, low: f64| {
                    single(rng.random_range((middle - spread).max(low)..=middle + spread))
                };
                let mut changes = [
                    match light {
                        Light::Multiplied => Jitter::Brightness(within(1.0, brightness, 0.0)),
                        Light::Added => Jitter::Lighten(within(0.0, brightness, -1.0)),
                    },
                    match formulas {
                        Formulas::Torchvision => Jitter::Contrast(within(1.0, contrast, 0.0)),
                        Formulas::Tensorflow => Jitter::ChannelContrast(within(1.0, contrast, 0.0)),
                    },
                    match formulas {
                        Formulas::Torchvision => Jitter::Saturation(within(1.0, saturation, 0.0)),
                        Formulas::Tensorflow => Jitter::HsvSaturation(within(1.0, saturation, 0.0)),
                    },
                    Jitter::Hue(within(0.0, hue, -0.5)),
                ];
                if order == JitterOrder::Random {
                    for last in (1..4).rev() {
                        changes.swap(last, rng.random_range(0..=last));
                    }
                }
                Plan::Jitter(changes)
            }
            Self::Grayscale { .. } => Plan::Grayscale,
            Self::GaussianBlur { kernel_size, sigma, .. } => {
                let side = image[0].min(image[1]);
                let reach = kernel_size.unwrap_or(side / 10) / 2;
                let kernel_size = 2 * reach.min(side - 1) + 1;
                Plan::Blur { kernel_size, sigma: rng.random_range(sigma[0]..=sigma[1]) }
            }
            Self::Solarize { threshold, .. } => Plan::Solarize { threshold: single(threshold) },
            Self::Equalize { .. } => Plan::Equalize,
            Self::Posterize { bits, .. } => Plan::Posterize { bits },
            Self::RandomErasing { area, aspect, fill, .. } => {
                draw_erasure(image, area, aspect, rng)
                    .map_or(Plan::Skip, |part| Plan::Erase { part, fill: single(fill) })
            }
            Self::Cutout { size, fill, .. } => {
                let part = draw_cutout(image, size as usize, rng);
                Plan::Erase { part, fill: single(fill) }
            }
            Self::ChannelDropout { fill, .. } => {
                Plan::DropChannel { channel: rng.random_range(0..3), fill: single(fill) }
            }
        }
    }

    /// How often the operator acts.
    #[must_use]
    pub fn probability(&self) -> f64 {
        match *self {
            Self::RandomResizedCrop { .. }
            | Self::Resize { .. }
            | Self::CenterCrop { .. }
            | Self::PadCrop { .. } => 1.0,
            Self::HorizontalFlip { probability }
            | Self::VerticalFlip { probability }
            | Self::Rotation { probability, .. }
            | Self::ColorJitter { probability, .. }
            | Self::Grayscale { probability }
            | Self::GaussianBlur { probability, .. }
            | Self::Solarize { probability, .. }
            | Self::Equalize { probability }
            | Self::Posterize { probability, .. }
            | Self::RandomErasing { probability, .. }
            | Self::Cutout { probability, .. }
            | Self::ChannelDropout { probability, .. } => probability,
        }
    }

    /// Side of the square this operator always leaves, if it does.
    #[must_use]
    pub fn side(&self) -> Option<usize> {
        match *self {
            Self::RandomResizedCrop { size, .. }
            | Self::CenterCrop { size }
            | Self::PadCrop { size, .. } => Some(size as usize),
            _ => None,
        }
    }

    /// The first field that is out of its range, and what it must be.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let range = |range: [f64; 2], high: f64| {
            range[0] <= range[1] && range[0] > 0.0 && range[1] <= high && range[1].is_finite()
        };
        let share = |x: f64| (0.0..=1.0).contains(&x);
        let factor = |x: f64| (0.0..=10.0).contains(&x);
        let side = |size: u32| ("size", (1..=LARGEST).contains(&size), "1 to 65536 pixels");
        let area = |area| ("area", range(area, 1.0), "a range above 0, up to 1");
        let aspect = |aspect| ("aspect", range(aspect, f64::MAX), "a range above 0");
        let fill = |fill| ("fill", share(fill), "0 to 1");
        let fine = ("probability", share(self.probability()), "0 to 1");
        let fields = match *self {
            Self::RandomResizedCrop { size, area: of, aspect: ratio, .. } => {
                [side(size), area(of), aspect(ratio), fine]
            }
            Self::Resize { size, .. } | Self::CenterCrop { size } => [side(size), fine, fine, fine],
            Self::PadCrop { size, padding, .. } => {
                let padding = ("padding", padding <= LARGEST, "at most 65536 pixels");
                [side(size), padding, fine, fine]
            }
            Self::Rotation { degrees, .. } => {
                [("degrees", (0.0..=360.0).contains(&degrees), "0 to 360"), fine, fine, fine]
            }
            Self::ColorJitter { brightness, contrast, saturation, hue, probability, .. } => {
                if !share(probability) {
                    return Some(("probability", "0 to 1"));
                }
                [
                    ("brightness", factor(brightness), "0 to 10"),
                    ("contrast", factor(contrast), "0 to 10"),
                    ("saturation", factor(saturation), "0 to 10"),
                    ("hue", (0.0..=0.5).contains(&hue), "0 to 0.5"),
                ]
            }
            Self::GaussianBlur { kernel_size, sigma, .. } => {
                let odd = kernel_size.is_none_or(|size| size % 2 == 1);
                let kernel_size = ("kernel_size", odd, "odd");
                [kernel_size, ("sigma", range(sigma, f64::MAX), "a range above 0"), fine, fine]
            }
            Self::Solarize { threshold, .. } => {
                [("threshold", share(threshold), "0 to 1"), fine, fine, fine]
            }
            Self::Posterize { bits, .. } => {
                [("bits", (1..=8).contains(&bits), "1 to 8"), fine, fine, fine]
            }
            Self::RandomErasing { area: of, aspect: ratio, fill: with, .. } => {
                [area(of), aspect(ratio), fill(with), fine]
            }
            Self::Cutout { size, fill: with, .. } => [side(size), fill(with), fine, fine],
            Self::ChannelDropout { fill: with, .. } => [fill(with), fine, fine, fine],
            Self::HorizontalFlip { .. }
            | Self::VerticalFlip { .. }
            | Self::Grayscale { .. }
            | Self::Equalize { .. } => [fine; 4],
        };
        fields.into_iter().find(|(_, right, _)| !right).map(|(field, _, must)| (field, must))
    }
}

/// The largest side of a view.
const LARGEST: u32 = 1 << 16;

impl fmt::Display for Operator {
    /// The name, then each parameter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RandomResizedCrop { size, area, aspect, resampling } => write!(
                f,
                "random resized crop to {size} px: area {} to {}, aspect {:.3} to {:.3}, {}",
                area[0],
                area[1],
                aspect[0],
                aspect[1],
                described(*resampling)
            ),
            Self::Resize { size, resampling } => {
                write!(f, "resize, shorter side to {size} px: {}", described(*resampling))
            }
            Self::CenterCrop { size } => write!(f, "center crop to {size} px"),
            Self::PadCrop { size, padding, border } => {
                let border = if *border == Border::Zero { "black" } else { "mirrored" };
                write!(f, "crop to {size} px after a {border} border of {padding} px")
            }
            Self::HorizontalFlip { .. } => write!(f, "horizontal flip"),
            Self::VerticalFlip { .. } => write!(f, "vertical flip"),
            Self::Rotation { degrees, .. } => write!(f, "rotation by up to {degrees}°"),
            Self::ColorJitter {
                brightness,
                contrast,
                saturation,
                hue,
                order,
                light,
                formulas,
                ..
            } => {
                let (each, hsv) = match formulas {
                    Formulas::Torchvision => ("", ""),
                    Formulas::Tensorflow => (" (channel by channel)", " (of HSV)"),
                };
                let added = if *light == Light::Added { " (added)" } else { "" };
                let order = if *order == JitterOrder::Fixed { ", in this order" } else { "" };
                write!(
                    f,
                    "color jitter: brightness {brightness}{added}, contrast {contrast}{each}, \
                     saturation {saturation}{hsv}, hue {hue}{order}"
                )
            }
            Self::Grayscale { .. } => write!(f, "grayscale"),
            Self::GaussianBlur { kernel_size, sigma, .. } => {
                write!(f, "Gaussian blur: sigma {} to {} px, kernel ", sigma[0], sigma[1])?;
                match kernel_size {
                    Some(size) => write!(f, "{size} px"),
                    None => write!(f, "a tenth of the side"),
                }
            }
            Self::Solarize { threshold, .. } => write!(f, "solarize from {threshold} on"),
            Self::Equalize { .. } => write!(f, "equalize"),
            Self::Posterize { bits, .. } => write!(f, "posterize to {bits} bits"),
            Self::RandomErasing { area, aspect, fill, .. } => write!(
                f,
                "random erasing: area {} to {}, aspect {:.3} to {:.3}, filled with {fill}",
                area[0], area[1], aspect[0], aspect[1]
            ),
            Self::Cutout { size, fill, .. } => write!(f, "cutout of {size} px, filled with {fill}"),
            Self::ChannelDropout { fill, .. } => write!(f, "one channel set to {fill}"),
        }?;
        let probability = self.probability();
        if probability < 1.0 { write!(f, " (probability {probability})") } else { Ok(()) }
    }
}

fn described(resampling: Resampling) -> &'static str {
    match (resampling.interpolation, resampling.antialias) {
        (Interpolation::Bilinear, true) => "bilinear, antialiased",
        (Interpolation::Bilinear, false) => "bilinear",
        (Interpolation::Bicubic, true) => "bicubic, antialiased",
        (Interpolation::Bicubic, false) => "bicubic",
    }
}

/// First row or column of a square that is cut out of a side with a border.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "pixels")]
fn draw_place(length: usize, size: u32, padding: u32, rng: &mut impl Rng) -> isize {
    let room = length as i64 + 2 * i64::from(padding) - i64::from(size);
    let place = if room < 0 { room.div_euclid(2) } else { rng.random_range(0..=room) };
    (place - i64::from(padding)) as isize
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
    use crate::{PlanarImage, Scratch, ViewKey};

    #[test]
    fn jitter_draws_from_its_ranges_in_every_order() {
        let jitter = Operator::ColorJitter {
            brightness: 0.4,
            contrast: 2.0,
            saturation: 0.0,
            hue: 0.1,
            order: JitterOrder::Random,
            light: Light::Multiplied,
            formulas: Formulas::Torchvision,
            probability: 0.8,
        };
        let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
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
                    Jitter::Lighten(_) | Jitter::ChannelContrast(_) | Jitter::HsvSaturation(_) => {
                        panic!("{change:?} is TensorFlow's")
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
            assert!(
                (f64::from(count) / acted - 0.25).abs() < 4.0 * 0.433 / acted.sqrt(),
                "{first:?}"
            );
        }
    }

    #[test]
    fn a_jitter_has_torchvisions_formulas_unless_it_says_otherwise() {
        let text = r#"{"op": "color_jitter", "brightness": 0.4, "contrast": 0.4, "saturation": 0.4,
            "hue": 0.1, "order": "fixed", "light": "added", "probability": 1.0}"#;
        let jitter: Operator = serde_json::from_str(text).unwrap();
        let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
        let kinds = |plan| match plan {
            Plan::Jitter([Jitter::Lighten(_), contrast, saturation, Jitter::Hue(_)]) => {
                (contrast, saturation)
            }
            other => panic!("{other:?}"),
        };
        let (contrast, saturation) = kinds(jitter.draw([8, 8], &mut rng));
        assert!(
            matches!(contrast, Jitter::Contrast(_)) && matches!(saturation, Jitter::Saturation(_))
        );
        let text = text.replace("\"added\"", "\"added\", \"formulas\": \"tensorflow\"");
        let jitter: Operator = serde_json::from_str(&text).unwrap();
        let (contrast, saturation) = kinds(jitter.draw([8, 8], &mut rng));
        assert!(matches!(contrast, Jitter::ChannelContrast(x) if (0.6..=1.4).contains(&x)));
        assert!(matches!(saturation, Jitter::HsvSaturation(x) if (0.6..=1.4).contains(&x)));
        assert!(jitter.to_string().contains("contrast 0.4 (channel by channel)"), "{jitter}");
    }

    #[test]
    fn small_images_fill_a_center_crop() {
        let plan = Operator::CenterCrop { size: 8 }
            .draw([4, 6], &mut ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng());
        let mut image = PlanarImage::black(4, 6);
        plan.apply(&mut image, &mut Scratch::default());
        assert_eq!((image.height, image.width), (8, 8));
    }
}
