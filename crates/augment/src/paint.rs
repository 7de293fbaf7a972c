//! Changes of colour, several in one pass over the pixels.

use pulp::{Arch, Simd, WithSimd};

use crate::lines::add_product;

/// Share of each channel in what the eye sees as light (ITU-R BT.601, as torchvision rounds it).
pub(crate) const LIGHT: [f32; 3] = [0.2989, 0.587, 0.114];
/// Pixels that go through all changes before the next ones do; they fit into the nearest cache.
const BLOCK: usize = 1024;
/// Sums that are kept apart, so that they can be added up side by side.
const LANES: usize = 16;

/// Red, green and blue planes of a picture or of some of its rows.
#[derive(Debug)]
pub(crate) struct Planes<'a> {
    pub(crate) height: usize,
    pub(crate) width: usize,
    channels: [&'a mut [f32]; 3],
}

impl<'a> Planes<'a> {
    /// # Panics
    /// If `data` does not hold three planes.
    #[track_caller]
    pub(crate) fn new(height: usize, width: usize, data: &'a mut [f32]) -> Self {
        let plane = height * width;
        assert_eq!(data.len(), 3 * plane, "three planes of {height} × {width}");
        let (red, rest) = data.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        Self { height, width, channels: [red, green, blue] }
    }

    pub(crate) fn channels(&mut self) -> [&mut [f32]; 3] {
        self.channels.each_mut().map(|channel| &mut **channel)
    }

    /// Some of the rows.
    pub(crate) fn rows(&mut self, first: usize, count: usize) -> Planes<'_> {
        let width = self.width;
        let channels = self.channels().map(|plane| &mut plane[first * width..][..count * width]);
        Planes { height: count, width, channels }
    }
}

/// A change of every pixel by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change {
    /// `x · factor`, clamped.
    Scale(f32),
    /// `x + shift`, clamped.
    Shift(f32),
    /// `x · factor + rest`, with a rest for each channel, clamped.
    Mix { factor: f32, rest: [f32; 3] },
    /// Away from the pixel's gray, clamped.
    Saturation(f32),
    /// The saturation of HSV multiplied, clamped.
    HsvSaturation(f32),
    /// Around the colour circle.
    Hue(f32),
    /// The pixel's gray.
    Grayscale,
    /// Inverted from this threshold on.
    Solarize(f32),
    /// Rounded down to so many levels.
    Posterize(f32),
    /// One channel has a single value.
    Drop { channel: usize, fill: f32 },
    /// `(x − mean) · scale`, channel by channel.
    Normalize { mean: [f32; 3], scale: [f32; 3] },
}

/// Makes all changes in order.
pub(crate) fn paint(changes: &[Change], mut planes: Planes<'_>) {
    Arch::new().dispatch(Paint { changes, channels: planes.channels() });
}

/// The sum of each channel: the mean is what contrast turns about.
pub(crate) fn sums(mut planes: Planes<'_>) -> [f64; 3] {
    planes.channels().map(|plane| Arch::new().dispatch(Sum(plane)))
}

struct Paint<'a> {
    changes: &'a [Change],
    channels: [&'a mut [f32]; 3],
}

impl WithSimd for Paint<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        let [red, green, blue] = self.channels;
        let blocks = red.chunks_mut(BLOCK).zip(green.chunks_mut(BLOCK)).zip(blue.chunks_mut(BLOCK));
        for ((red, green), blue) in blocks {
            for change in self.changes {
                change.make::<V>([red, green, blue]);
            }
        }
    }
}

impl Change {
    /// Moves samples away from `middle`.
    pub(crate) fn away_from(middle: [f32; 3], factor: f32) -> Self {
        Self::Mix { factor, rest: middle.map(|middle| (1.0 - factor) * middle) }
    }

    #[inline(always)]
    fn make<V: Simd>(self, pixels: [&mut [f32]; 3]) {
        match self {
            Self::Scale(factor) => each_sample(pixels, |x| unit(x * factor)),
            Self::Shift(shift) => each_sample(pixels, |x| unit(x + shift)),
            Self::Mix { factor, rest } => {
                for (plane, rest) in pixels.into_iter().zip(rest) {
                    for x in plane {
                        *x = unit(add_product::<V>(rest, factor, *x));
                    }
                }
            }
            Self::Saturation(factor) => each_pixel(pixels, |pixel| {
                let rest = (1.0 - factor) * light::<V>(pixel);
                pixel.map(|x| unit(add_product::<V>(rest, factor, x)))
            }),
            Self::HsvSaturation(factor) => each_pixel(pixels, |pixel| saturated(pixel, factor)),
            Self::Hue(shift) => each_pixel(pixels, |pixel| turned::<V>(pixel, shift)),
            Self::Grayscale => each_pixel(pixels, |pixel| [light::<V>(pixel); 3]),
            Self::Solarize(threshold) => {
                each_sample(pixels, |x| if x >= threshold { 1.0 - x } else { x });
            }
            Self::Posterize(levels) => {
                let step = 1.0 / levels;
                each_sample(pixels, |x| (x * levels).floor().max(0.0).min(levels - 1.0) * step);
            }
            Self::Drop { channel, fill } => pixels[channel].fill(fill),
            Self::Normalize { mean, scale } => {
                for ((plane, mean), scale) in pixels.into_iter().zip(mean).zip(scale) {
                    let rest = -mean * scale;
                    for x in plane {
                        *x = add_product::<V>(rest, scale, *x);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn each_sample(pixels: [&mut [f32]; 3], change: impl Fn(f32) -> f32) {
    for plane in pixels {
        for x in plane {
            *x = change(*x);
        }
    }
}

#[inline(always)]
fn each_pixel([red, green, blue]: [&mut [f32]; 3], change: impl Fn([f32; 3]) -> [f32; 3]) {
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        [*r, *g, *b] = change([*r, *g, *b]);
    }
}

/// One instruction, other than `max`, which looks for what is no number.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn unit(x: f32) -> f32 {
    x.clamp(0.0, 1.0)
}

#[inline(always)]
pub(crate) fn gray([r, g, b]: [f32; 3]) -> f32 {
    LIGHT[0] * r + LIGHT[1] * g + LIGHT[2] * b
}

/// [`gray`], by the processor's own instructions.
#[inline(always)]
fn light<V: Simd>([r, g, b]: [f32; 3]) -> f32 {
    add_product::<V>(add_product::<V>(LIGHT[2] * b, LIGHT[1], g), LIGHT[0], r)
}

/// Both ways through HSV, folded into one: what a channel lacks to the largest is multiplied, as far as
/// the smallest does not become less than 0.
#[inline(always)]
fn saturated([r, g, b]: [f32; 3], factor: f32) -> [f32; 3] {
    let (high, low) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let range = high - low;
    let most = if range > 0.0 { high / range } else { 1.0 };
    let factor = factor.min(most);
    [r, g, b].map(|x| unit(high - (high - x) * factor))
}

/// Both ways through HSV, folded into one: at `t` sixths of the colour circle a channel is
/// `min + (max − min) · clamp(y, 0, 1)` with `y` one of `|t − 3| − 1`, `2 − |t − 2|`, `2 − |t − 4|`.
#[inline(always)]
fn turned<V: Simd>([r, g, b]: [f32; 3], shift: f32) -> [f32; 3] {
    let (high, low) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let range = high - low;
    let scale = if range > 0.0 { 1.0 / range } else { 0.0 };
    // Sixths of the circle; red wins over green, green over blue, where two are highest.
    let (red, green) = (r >= high, g >= high);
    let difference = if green { b - r } else { r - g };
    let difference = if red { g - b } else { difference };
    let start = 6.0 * shift + if green { 2.0 } else { 4.0 };
    let start = if red { 6.0 * shift } else { start };
    let sixths = add_product::<V>(start, scale, difference);
    let t = add_product::<V>(sixths, -6.0, (sixths * (1.0 / 6.0)).floor());
    let share = [(t - 3.0).abs() - 1.0, 2.0 - (t - 2.0).abs(), 2.0 - (t - 4.0).abs()];
    share.map(|share| add_product::<V>(low, range, unit(share)))
}

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) -> f64 {
        let mut total = 0.0;
        for block in self.0.chunks(BLOCK) {
            let (lines, rest) = block.as_chunks::<LANES>();
            let mut sums = [0.0_f32; LANES];
            for line in lines {
                for (sum, x) in sums.iter_mut().zip(line) {
                    *sum += x;
                }
            }
            total += sums.iter().chain(rest).map(|x| f64::from(*x)).sum::<f64>();
        }
        total
    }
}
