//! Drawn images of ten shapes; classes differ only in the form of the shape.

use std::f32::consts::{PI, TAU};

use image::{DynamicImage, Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{DataError, Dataset, stamp};

/// One of two sets that share no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The training images.
    Train,
    /// The test images.
    Test,
}

/// Settings of [`Synthetic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticConfig {
    /// Number of images. Classes alternate: the class of image `i` is `i mod 10`.
    pub images: usize,
    /// Side of an image, in pixels.
    pub size: u32,
    /// The seed of every image.
    pub seed: u64,
    /// The set to draw.
    pub split: Split,
}

/// Drawn images of ten classes, each with one shape: its form is the class.
///
/// Color, position, size and rotation of the shape, the gradient and stripes behind it, small
/// clutter around it and noise are random and independent of the class. The shape has the hue of
/// its background and is lighter: a contrast of hue or lightness would identify an image before its
/// shape does. Shapes of one size cover the same area and lie within the image, so no class is
/// lighter than another. Edges are smooth. An image depends on seed, split and its index alone.
///
/// # Example
/// ```
/// use selfsame_datasets::{Dataset, Split, Synthetic, SyntheticConfig};
///
/// let config = SyntheticConfig { images: 20, size: 32, seed: 0, split: Split::Train };
/// let shapes = Synthetic::new(config);
/// assert_eq!((shapes.len(), shapes.class_names().len()), (20, 10));
/// assert_eq!(shapes.label(13), Some(3));
/// assert_eq!(shapes.image(13)?.width(), 32);
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Synthetic {
    images: Vec<RgbImage>,
    classes: Vec<String>,
}

/// Returns whether a point is inside a form. Forms of [`CLASSES`] cover an area of 1.3 within a
/// radius of [`REACH`].
type Form = fn(f32, f32) -> bool;

/// The radius around its center that holds a form.
const REACH: f32 = 1.04;

const CLASSES: [(&str, Form); 10] = [
    ("circle", |x, y| x * x + y * y < 0.414),
    ("square", |x, y| x.abs().max(y.abs()) < 0.57),
    ("triangle", |x, y| y > -0.5 && y < 1.0 - 1.732 * x.abs()),
    ("star", star),
    ("cross", |x, y| x.abs().min(y.abs()) < 0.25 && x.abs().max(y.abs()) < 0.775),
    ("ring", |x, y| (0.3..0.714).contains(&(x * x + y * y))),
    ("crescent", |x, y| x * x + y * y < 0.85 && (x - 0.468).powi(2) + y * y > 0.55),
    ("heart", |x, y| {
        let (x, y) = (1.678 * x, 1.678 * y);
        (x * x + y * y - 1.0).powi(3) < x * x * y.powi(3)
    }),
    ("arrow", |x, y| {
        (x.abs() < 0.275 && (-0.95..0.2).contains(&y)) || (y > 0.1 && x.abs() < 0.95 - y)
    }),
    ("angle", |x, y| {
        ((-0.65..-0.095).contains(&x) && y.abs() < 0.8)
            || ((-0.8..-0.245).contains(&y) && x.abs() < 0.65)
    }),
];

/// Returns whether a point is in a star of five points, folded into half of one of them.
fn star(x: f32, y: f32) -> bool {
    let (outer, inner) = (1.0_f32, 0.442_f32);
    let angle = y.atan2(x).rem_euclid(TAU / 5.0);
    let angle = angle.min(TAU / 5.0 - angle);
    let (x, y) = (x.hypot(y) * angle.cos(), x.hypot(y) * angle.sin());
    let (inner_x, inner_y) = (inner * (PI / 5.0).cos(), inner * (PI / 5.0).sin());
    (inner_x - outer) * y - inner_y * (x - outer) > 0.0
}

impl Synthetic {
    /// Draws the images, on all cores.
    #[must_use]
    pub fn new(config: SyntheticConfig) -> Self {
        let images = (0..config.images).into_par_iter().map(|index| draw(&config, index));
        let classes = CLASSES.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { images: images.collect(), classes }
    }
}

impl Dataset for Synthetic {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        Ok(DynamicImage::ImageRgb8(self.images[index].clone()))
    }

    fn label(&self, index: usize) -> Option<usize> {
        Some(index % CLASSES.len())
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        format!("drawn {} number {index}", CLASSES[index % CLASSES.len()].0)
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        Ok(stamp(&[self.images[index].as_raw()]))
    }
}

type Color = [f32; 3];

/// A form somewhere in the image, whose side is 1.
struct Item {
    form: Form,
    center: [f32; 2],
    /// Sine and cosine of its rotation, divided by its radius.
    rotation: [f32; 2],
    color: Color,
}

impl Item {
    fn random(
        form: Form,
        center: [f32; 2],
        radius: f32,
        color: Color,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let angle = rng.random_range(0.0..TAU);
        Self { form, center, rotation: [angle.sin() / radius, angle.cos() / radius], color }
    }

    fn covers(&self, x: f32, y: f32) -> bool {
        let (x, y) = (x - self.center[0], y - self.center[1]);
        let [sin, cos] = self.rotation;
        (self.form)(cos * x + sin * y, cos * y - sin * x)
    }
}

/// A gradient between two lightnesses of one tint, with stripes across it.
struct Background {
    tint: Tint,
    light: [f32; 2],
    slope: [f32; 2],
    waves: [f32; 2],
    phase: f32,
    depth: f32,
}

impl Background {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let mut direction = |length: f32| {
            let angle = rng.random_range(0.0..TAU);
            [length * angle.cos(), length * angle.sin()]
        };
        let (slope, waves) = (direction(0.7), direction(1.0));
        let frequency = rng.random_range(20.0..30.0);
        let tint = Tint::random(rng);
        let light = rng.random_range(0.15..0.6);
        // Close together: a visible border between them would be a form itself.
        let other = light + rng.random_range(-0.15..0.15);
        Self {
            tint,
            light: [light, other],
            slope,
            waves: waves.map(|wave| wave * frequency),
            phase: rng.random_range(0.0..TAU),
            depth: rng.random_range(0.04..0.08),
        }
    }

    fn at(&self, x: f32, y: f32) -> Color {
        let share = (0.5 + self.slope[0] * (x - 0.5) + self.slope[1] * (y - 0.5)).clamp(0.0, 1.0);
        let wave = self.depth * (self.waves[0] * x + self.waves[1] * y + self.phase).sin();
        let [first, second] = self.light;
        self.tint.of(first + (second - first) * share + wave)
    }
}

/// A hue and its strength, as the color added to gray of any lightness.
///
/// Views change the hues of an image, but not the distance between two of them.
struct Tint(Color);

impl Tint {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let color = color(rng, -0.25, 0.25);
        let gray = color.iter().sum::<f32>() / 3.0;
        Self(color.map(|c| c - gray))
    }

    fn of(&self, light: f32) -> Color {
        self.0.map(|c| (light + c).clamp(0.0, 1.0))
    }
}

fn color(rng: &mut ChaCha8Rng, low: f32, high: f32) -> Color {
    [(); 3].map(|()| rng.random_range(low..high))
}

/// Points per pixel and side; their mean smooths edges.
const FINE: u32 = 4;
/// The largest amount that noise adds to or subtracts from a value.
const NOISE: f32 = 0.02;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of an image")]
fn draw(config: &SyntheticConfig, index: usize) -> RgbImage {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&config.seed.to_le_bytes());
    key[8..16].copy_from_slice(&(index as u64).to_le_bytes());
    key[16] = u8::from(config.split == Split::Test) + 1; // the splits draw from different generators
    let rng = &mut ChaCha8Rng::from_seed(key);

    let background = Background::random(rng);
    let mut items: Vec<Item> = (0..rng.random_range(1..4))
        .map(|_| {
            let specks: [Form; 3] =
                [CLASSES[0].1, |x, y| x.abs() < 1.0 && y.abs() < 0.17, CLASSES[1].1];
            let speck = specks[rng.random_range(0..specks.len())];
            let center = [rng.random_range(0.0..1.0), rng.random_range(0.0..1.0)];
            let radius = rng.random_range(0.03..0.07);
            let color = color(rng, 0.0, 1.0);
            Item::random(speck, center, radius, color, rng)
        })
        .collect();
    let behind = f32::midpoint(background.light[0], background.light[1]);
    let shade = background.tint.of(rng.random_range(behind + 0.25..0.95));
    let radius = rng.random_range(0.3..0.45);
    let room = 0.5 - REACH * radius;
    let center = [(); 2].map(|()| 0.5 + rng.random_range(-room..room));
    items.push(Item::random(CLASSES[index % CLASSES.len()].1, center, radius, shade, rng));

    let step = 1.0 / (config.size * FINE) as f32;
    RgbImage::from_fn(config.size, config.size, |column, row| {
        let mut sum = [0.0; 3];
        for fine in 0..FINE * FINE {
            let x = ((column * FINE + fine % FINE) as f32 + 0.5) * step;
            let y = ((row * FINE + fine / FINE) as f32 + 0.5) * step;
            // The last item lies on top.
            let top = items.iter().rev().find(|item| item.covers(x, y));
            let color = top.map_or_else(|| background.at(x, y), |item| item.color);
            (0..3).for_each(|c| sum[c] += color[c]);
        }
        let grain = rng.random_range(-NOISE..=NOISE);
        let mean = sum.map(|sum| sum / (FINE * FINE) as f32 + grain);
        Rgb(mean.map(|c| (c.clamp(0.0, 1.0) * 255.0 + 0.5) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn shapes(seed: u64, split: Split) -> Synthetic {
        Synthetic::new(SyntheticConfig { images: 300, size: 16, seed, split })
    }

    #[test]
    fn train_test_and_other_seeds_share_no_image() {
        let sets = [shapes(0, Split::Train), shapes(0, Split::Test), shapes(1, Split::Train)];
        let all: HashSet<_> =
            sets.iter().flat_map(|set| &set.images).map(RgbImage::as_raw).collect();
        assert_eq!(all.len(), 900);
        assert_eq!(shapes(0, Split::Train).images, sets[0].images);
    }

    #[test]
    fn neither_hue_nor_lightness_depends_on_the_class() {
        const EACH: usize = 1_600;
        let config = SyntheticConfig { images: 10 * EACH, size: 8, seed: 2, split: Split::Train };
        let shapes = Synthetic::new(config);
        let mean = |image: &RgbImage, channel: usize| {
            let values = image.pixels().map(|pixel| f64::from(pixel[channel]));
            values.sum::<f64>() / f64::from(image.width() * image.height())
        };
        // The largest distance of a class's mean from the mean of all, in standard deviations of an
        // image.
        let apart = |of: &dyn Fn(&RgbImage) -> f64| {
            let values: Vec<f64> = shapes.images.iter().map(of).collect();
            let all = values.iter().sum::<f64>() / values.len() as f64;
            let squares = values.iter().map(|value| (value - all).powi(2)).sum::<f64>();
            let deviation = (squares / values.len() as f64).sqrt();
            let of_class = |class| values.iter().skip(class).step_by(10).sum::<f64>() / EACH as f64;
            (0..10).map(|class| (of_class(class) - all).abs() / deviation).fold(0.0, f64::max)
        };
        let chance = 4.0 / (EACH as f64).sqrt(); // four standard errors
        for [first, second] in [[0, 1], [1, 2], [0, 2]] {
            let hue = apart(&|image| mean(image, first) - mean(image, second));
            assert!(hue < chance, "channels {first} and {second}: {hue} deviations");
        }
        let light = apart(&|image| (0..3).map(|channel| mean(image, channel)).sum());
        assert!(light < chance, "lightness: {light} deviations");
    }

    #[test]
    fn forms_differ_but_cover_the_same_within_their_reach() {
        const FINE: i16 = 800;
        let points = || {
            let line = || (-FINE..FINE).map(|at| 1.5 * (f32::from(at) + 0.5) / f32::from(FINE));
            line().flat_map(move |y| line().map(move |x| (x, y)))
        };
        let of_one = (1.5 / f32::from(FINE)).powi(2);
        let inside: Vec<Vec<bool>> =
            CLASSES.iter().map(|(_, form)| points().map(|(x, y)| form(x, y)).collect()).collect();
        for (class, own) in inside.iter().enumerate() {
            let name = CLASSES[class].0;
            let area = own.iter().filter(|&&inside| inside).count() as f32 * of_one;
            assert!((area - 1.3).abs() < 0.005, "{name} covers {area}");
            let outside = |(x, y): (f32, f32)| x.hypot(y) > REACH;
            assert!(!points().zip(own).any(|(at, &inside)| inside && outside(at)), "{name}");
            for (other, (name_of_other, _)) in inside[..class].iter().zip(CLASSES) {
                let apart = own.iter().zip(other).filter(|(a, b)| a != b).count() as f32 * of_one;
                assert!(apart > 0.2, "{name} and {name_of_other} differ by {apart}");
            }
        }
    }
}
