//! Pointwise changes of pixels, several in one pass.

use pulp::{Arch, Simd, WithSimd};

use crate::planes::Planes;
use crate::run::weighted_lines::add_product;
use crate::{Normalize, PixelOp};

/// Weight of each channel in a pixel's gray (ITU-R BT.601, as torchvision rounds it).
pub(crate) const LUMA: [f32; 3] = [0.2989, 0.587, 0.114];
/// Pixels that go through all changes before the next ones do; they fit into the L1 cache.
const BLOCK: usize = 1024;
/// Bytes of a cache line.
const LINE: usize = 64;
/// Partial sums kept apart, so that they are added in parallel.
const LANES: usize = 32;

/// A change of each pixel that depends on no other pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pointwise {
    /// `x · factor`, clamped.
    Scale(f32),
    /// `x + shift`, clamped.
    Shift(f32),
    /// `x · factor + rest`, with a rest for each channel, clamped.
    Mix { factor: f32, rest: [f32; 3] },
    /// The distance from the pixel's gray multiplied, clamped.
    Saturation(f32),
    /// The saturation of HSV multiplied, clamped.
    HsvSaturation(f32),
    /// A turn around the color circle.
    Hue(f32),
    /// The pixel's gray.
    Grayscale,
    /// Inverted from this threshold on.
    Solarize(f32),
    /// Rounded down to this many levels.
    Posterize(f32),
    /// One channel set to a single value.
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
    pub(crate) const IDENTITY: Self = Self { scale: [1.0; 3], shift: [0.0; 3] };

    /// Equals [`Normalize::write`] up to rounding.
    pub(crate) fn normalize(Normalize { mean, std }: &Normalize) -> Self {
        let scale = std.map(|std| 1.0 / std);
        Self { scale, shift: [0, 1, 2].map(|channel| -mean[channel] * scale[channel]) }
    }
}

impl PixelOp {
    /// Returns whether [`pointwise`](Self::pointwise) depends on the mean color of the image.
    pub(crate) fn needs_mean(self) -> bool {
        matches!(self, Self::Contrast(_) | Self::ChannelContrast(_))
    }

    /// Lowers to a pointwise change in an image of this mean color; `None` if the change depends on
    /// more than the pixel and the mean.
    pub(crate) fn pointwise(self, mean: [f32; 3]) -> Option<Pointwise> {
        Some(match self {
            Self::Brightness(factor) => Pointwise::Scale(factor),
            Self::AddBrightness(shift) => Pointwise::Shift(shift),
            // The gray of the mean color is the mean of all grays.
            Self::Contrast(factor) => Pointwise::away_from([gray(mean); 3], factor),
            Self::ChannelContrast(factor) => Pointwise::away_from(mean, factor),
            Self::Saturation(factor) => Pointwise::Saturation(factor),
            Self::HsvSaturation(factor) => Pointwise::HsvSaturation(factor),
            Self::Hue(shift) => Pointwise::Hue(shift),
            Self::Grayscale => Pointwise::Grayscale,
            Self::Solarize { threshold } => Pointwise::Solarize(threshold),
            Self::Posterize { bits } => Pointwise::Posterize((1_u32 << bits.min(8)) as f32),
            Self::DropChannel { channel, fill } => Pointwise::Drop { channel, fill },
            Self::Equalize | Self::Erase { .. } => return None,
        })
    }
}

/// Applies all changes in order.
pub(crate) fn apply_pointwise(changes: &[Pointwise], mut planes: Planes<'_>) {
    Arch::new().dispatch(ApplyPointwise { changes, channels: planes.channels() });
}

/// Applies one step that [lowers](PixelOp::pointwise) to a pointwise change; others do nothing.
pub(crate) fn apply_alone(op: PixelOp, mut planes: Planes<'_>) {
    let (height, width) = (planes.height, planes.width);
    let mean = if op.needs_mean() {
        mean_color(channel_sums(planes.rows(0, height)), height * width)
    } else {
        [0.0; 3]
    };
    if let Some(change) = op.pointwise(mean) {
        apply_pointwise(&[change], planes);
    }
}

/// Sums each channel, for the mean that contrast needs.
pub(crate) fn channel_sums(mut planes: Planes<'_>) -> [f64; 3] {
    planes.channels().map(|plane| Arch::new().dispatch(Sum(plane)))
}

/// Divides the sums of the channels by the number of pixels.
pub(crate) fn mean_color(sums: [f64; 3], pixels: usize) -> [f32; 3] {
    #[allow(clippy::cast_possible_truncation, reason = "a pixel's value")]
    sums.map(|sum| (sum / pixels as f64) as f32)
}

struct ApplyPointwise<'a> {
    changes: &'a [Pointwise],
    channels: [&'a mut [f32]; 3],
}

impl WithSimd for ApplyPointwise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        // Blocks begin where a cache line does, as vectors that straddle two lines are slow.
        let pixels = self.channels[0].len();
        let first = if pixels > BLOCK { self.channels[0].as_ptr().align_offset(LINE) } else { 0 };
        let [red, green, blue] = self.channels.map(|plane| plane.split_at_mut(first.min(pixels)));
        for [red, green, blue] in [[red.0, green.0, blue.0], [red.1, green.1, blue.1]] {
            let blocks = red.chunks_mut(BLOCK).zip(green.chunks_mut(BLOCK));
            for ((red, green), blue) in blocks.zip(blue.chunks_mut(BLOCK)) {
                for change in self.changes {
                    change.apply::<V>([red, green, blue]);
                }
            }
        }
    }
}

impl Pointwise {
    /// Moves values away from `middle` by a factor.
    fn away_from(middle: [f32; 3], factor: f32) -> Self {
        Self::Mix { factor, rest: middle.map(|middle| (1.0 - factor) * middle) }
    }

    #[inline(always)]
    fn apply<V: Simd>(self, pixels: [&mut [f32]; 3]) {
        match self {
            Self::Scale(factor) => each_value(pixels, |x| clamp_unit(x * factor)),
            Self::Shift(shift) => each_value(pixels, |x| clamp_unit(x + shift)),
            Self::Mix { factor, rest } => {
                for (plane, rest) in pixels.into_iter().zip(rest) {
                    for x in plane {
                        *x = clamp_unit(add_product::<V>(rest, factor, *x));
                    }
                }
            }
            Self::Saturation(factor) => each_pixel(pixels, |pixel| {
                let rest = (1.0 - factor) * gray_fused::<V>(pixel);
                pixel.map(|x| clamp_unit(add_product::<V>(rest, factor, x)))
            }),
            Self::HsvSaturation(factor) => {
                each_pixel(pixels, |pixel| scale_saturation(pixel, factor));
            }
            Self::Hue(shift) => each_pixel(pixels, |pixel| turn_hue::<V>(pixel, shift)),
            Self::Grayscale => each_pixel(pixels, |pixel| [gray_fused::<V>(pixel); 3]),
            Self::Solarize(threshold) => {
                each_value(pixels, |x| if x >= threshold { 1.0 - x } else { x });
            }
            Self::Posterize(levels) => {
                let step = 1.0 / levels;
                each_value(pixels, |x| (x * levels).floor().max(0.0).min(levels - 1.0) * step);
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
fn each_value(pixels: [&mut [f32]; 3], change: impl Fn(f32) -> f32) {
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

/// Returns the larger value by a single instruction; unlike `f32::max` it does not handle NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn clamp_unit(x: f32) -> f32 {
    x.clamp(0.0, 1.0)
}

#[inline(always)]
fn gray([r, g, b]: [f32; 3]) -> f32 {
    LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
}

/// [`gray`] with fused multiply-adds where the processor has them.
#[inline(always)]
fn gray_fused<V: Simd>([r, g, b]: [f32; 3]) -> f32 {
    add_product::<V>(add_product::<V>(LUMA[2] * b, LUMA[1], g), LUMA[0], r)
}

/// Scales the saturation in HSV, with both conversions folded into one: the distance of each
/// channel from the largest is multiplied, at most until the smallest is 0.
#[inline(always)]
fn scale_saturation([r, g, b]: [f32; 3], factor: f32) -> [f32; 3] {
    let (high, low) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let range = high - low;
    let most = if range > 0.0 { high / range } else { 1.0 };
    let factor = factor.min(most);
    [r, g, b].map(|x| clamp_unit(high - (high - x) * factor))
}

/// Turns the hue in HSV, with both conversions folded into one. The hue is `1 + (green − red + blue
/// − min) / (max − min)` sixths of the color circle from red, towards green if there is more green
/// than blue. With `t` sixths from cyan, −3 to 3:
///
/// ```text
/// red         = min + (max − min) · (|t| − 1)
/// green, blue = min + (max − min) · (2 − |t ± 1|)
/// ```
/// each clamped to the smallest and the largest channel.
#[inline(always)]
fn turn_hue<V: Simd>([r, g, b]: [f32; 3], shift: f32) -> [f32; 3] {
    let (high, low) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let range = high - low;
    // A gray pixel has range 0, and any finite scale gives the same result.
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
    .map(|x| smaller(high, larger(low, x))) // in this order NaN is kept
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
