//! Changes of color, several in one pass over the pixels.

use pulp::{Arch, Simd, WithSimd};

use crate::Normalize;
use crate::lines::add_product;

/// Share of each channel in what the eye sees as light (ITU-R BT.601, as torchvision rounds it).
pub(crate) const LIGHT: [f32; 3] = [0.2989, 0.587, 0.114];
/// Pixels that go through all changes before the next ones do; they fit into the nearest cache.
const BLOCK: usize = 1024;
/// Bytes in a line of the cache.
const LINE: usize = 64;
/// Sums that are kept apart, so that they can be added up side by side.
const LANES: usize = 32;

/// Red, green and blue planes of an image or of some of its rows.
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
    /// Around the color circle.
    Hue(f32),
    /// The pixel's gray.
    Grayscale,
    /// Inverted from this threshold on.
    Solarize(f32),
    /// Rounded down to so many levels.
    Posterize(f32),
    /// One channel has a single value.
    Drop { channel: usize, fill: f32 },
    /// Not clamped.
    Linear(Linear),
}

/// `x · scale + shift`, channel by channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Linear {
    pub(crate) scale: [f32; 3],
    pub(crate) shift: [f32; 3],
}

impl Linear {
    pub(crate) const NONE: Self = Self { scale: [1.0; 3], shift: [0.0; 3] };

    /// [`Normalize::write`] up to rounding.
    pub(crate) fn normalize(Normalize { mean, std }: &Normalize) -> Self {
        let scale = std.map(|std| 1.0 / std);
        Self { scale, shift: [0, 1, 2].map(|channel| -mean[channel] * scale[channel]) }
    }
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
        // Many blocks begin where a line of the cache does, as vectors that lie in two lines are slow.
        let pixels = self.channels[0].len();
        let first = if pixels > BLOCK { self.channels[0].as_ptr().align_offset(LINE) } else { 0 };
        let [red, green, blue] = self.channels.map(|plane| plane.split_at_mut(first.min(pixels)));
        for [red, green, blue] in [[red.0, green.0, blue.0], [red.1, green.1, blue.1]] {
            let blocks = red.chunks_mut(BLOCK).zip(green.chunks_mut(BLOCK));
            for ((red, green), blue) in blocks.zip(blue.chunks_mut(BLOCK)) {
                for change in self.changes {
                    change.make::<V>([red, green, blue]);
                }
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
            Self::Linear(Linear { scale, shift }) => {
                for ((plane, scale), shift) in pixels.into_iter().zip(scale).zip(shift) {
                    for x in plane {
                        *x = add_product::<V>(shift, scale, *x);
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

/// Both ways through HSV, folded into one: a color is `1 + (green + blue − red − min) / (max − min)` sixths
/// of the color circle from red, towards green if there is more green than blue. At `t` sixths from cyan,
/// −3 to 3, red is `min + (max − min) · (|t| − 1)`, green and blue are `min + (max − min) · (2 − |t ± 1|)`,
/// each no less than the smallest channel and no more than the largest.
#[inline(always)]
fn turned<V: Simd>([r, g, b]: [f32; 3], shift: f32) -> [f32; 3] {
    let (high, low) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let range = high - low;
    // Without color the difference is 0, whatever it is multiplied by.
    let scale = 1.0 / larger(range, f32::MIN_POSITIVE);
    let from_red = add_product::<V>(1.0, scale, (g - r) + (b - low));
    let sixths = (6.0 * shift - 3.0) + from_red.copysign(g - b);
    let t = add_product::<V>(sixths, -6.0, (sixths * (1.0 / 6.0)).round_ties_even());
    let (below, above) = (low - range, high + range);
    [
        add_product::<V>(below, range, t.abs()),
        add_product::<V>(above, -range, (t + 1.0).abs()),
        add_product::<V>(above, -range, (t - 1.0).abs()),
    ]
    .map(|x| smaller(high, larger(low, x))) // in this order NaN stays
}

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) -> f64 {
        let mut totals = [0.0_f64; LANES];
        let mut rest = 0.0;
        for block in self.0.chunks(BLOCK) {
            let (lines, short) = block.as_chunks::<LANES>();
            let mut sums = [0.0_f32; LANES];
            for line in lines {
                for (sum, x) in sums.iter_mut().zip(line) {
                    *sum += x;
                }
            }
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += f64::from(sum);
            }
            rest += short.iter().map(|x| f64::from(*x)).sum::<f64>();
        }
        totals.iter().sum::<f64>() + rest
    }
}
