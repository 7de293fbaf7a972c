//! Changes of color, in as few operations for the whole batch as possible.

use std::collections::VecDeque;

use burn::tensor::Tensor;

use super::per_image::{select, upload};
use crate::run::pointwise::LUMA;
use crate::{Normalize, PixelOp};

/// A change of one image's colors.
#[derive(Clone, Copy, Debug)]
pub(super) enum ColorOp {
    /// A weighted sum.
    Mix(Mix),
    /// A turn around the color circle, where 1 is a whole one.
    Hue(f32),
    /// The saturation of HSV multiplied.
    Saturation(f32),
}

/// `factor · x + shift`, plus `gray` times the pixel's gray, plus `mean` times the image's mean
/// gray, plus `channel` times the channel's mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mix {
    factor: [f32; 3],
    shift: [f32; 3],
    gray: f32,
    mean: f32,
    channel: f32,
    /// Whether the sum is clamped to `[0, 1]`.
    clamp: bool,
}

impl Mix {
    /// No change.
    const IDENTITY: Self = Self {
        factor: [1.0; 3],
        shift: [0.0; 3],
        gray: 0.0,
        mean: 0.0,
        channel: 0.0,
        clamp: false,
    };
}

impl ColorOp {
    /// Lowers a change that is a weighted sum, a turn of hues or a factor of saturation; `None` for
    /// others.
    pub(super) fn of(op: PixelOp) -> Option<Self> {
        let mix = Mix { clamp: true, ..Mix::IDENTITY };
        Some(Self::Mix(match op {
            PixelOp::Hue(shift) => return Some(Self::Hue(shift)),
            PixelOp::HsvSaturation(factor) => return Some(Self::Saturation(factor)),
            PixelOp::Brightness(factor) => Mix { factor: [factor; 3], ..mix },
            PixelOp::AddBrightness(shift) => Mix { shift: [shift; 3], ..mix },
            PixelOp::Contrast(factor) => Mix { factor: [factor; 3], mean: 1.0 - factor, ..mix },
            PixelOp::ChannelContrast(factor) => {
                Mix { factor: [factor; 3], channel: 1.0 - factor, ..mix }
            }
            PixelOp::Saturation(factor) => Mix { factor: [factor; 3], gray: 1.0 - factor, ..mix },
            PixelOp::Grayscale => Mix { factor: [0.0; 3], gray: 1.0, ..Mix::IDENTITY },
            PixelOp::DropChannel { channel, fill } => {
                let mut mix = Mix::IDENTITY;
                (mix.factor[channel], mix.shift[channel]) = (0.0, fill);
                mix
            }
            PixelOp::Solarize { .. }
            | PixelOp::Posterize { .. }
            | PixelOp::Equalize
            | PixelOp::Erase { .. } => return None,
        }))
    }

    /// Returns the change that normalizes, `None` if it changes nothing.
    pub(super) fn normalize(normalize: &Normalize) -> Option<Self> {
        let factor = normalize.std.map(|std| 1.0 / std);
        let shift = [0, 1, 2].map(|channel| -normalize.mean[channel] * factor[channel]);
        (*normalize != Normalize::NONE).then_some(Self::Mix(Mix { factor, shift, ..Mix::IDENTITY }))
    }
}

/// Applies all changes of each image in order, until none remain.
///
/// Weighted sums come first, as long as any image has one next. Turning hues costs more, so images
/// whose jitters have different orders turn them together.
pub(super) fn apply_colors(mut images: Tensor<4>, colors: &mut [VecDeque<ColorOp>]) -> Tensor<4> {
    while colors.iter().any(|ops| !ops.is_empty()) {
        let is_mix = |op: &ColorOp| matches!(op, ColorOp::Mix(_));
        if colors.iter().any(|ops| ops.front().is_some_and(is_mix)) {
            let next = |ops: &mut VecDeque<ColorOp>| match ops.pop_front_if(|op| is_mix(op)) {
                Some(ColorOp::Mix(mix)) => mix,
                _ => Mix::IDENTITY,
            };
            let mixes: Vec<Mix> = colors.iter_mut().map(next).collect();
            images = mix(images, &mixes);
        } else {
            let mut next = |amount: fn(&ColorOp) -> Option<f32>| -> Vec<Option<f32>> {
                let next = |ops: &mut VecDeque<ColorOp>| {
                    ops.pop_front_if(|op| amount(op).is_some()).as_ref().and_then(amount)
                };
                colors.iter_mut().map(next).collect()
            };
            let shifts = next(|op| if let ColorOp::Hue(shift) = op { Some(*shift) } else { None });
            if shifts.iter().any(Option::is_some) {
                images = turn_hue(images, &shifts);
            }
            let factors =
                next(|op| if let ColorOp::Saturation(factor) = op { Some(*factor) } else { None });
            if factors.iter().any(Option::is_some) {
                images = scale_saturation(images, &factors);
            }
        }
    }
    images
}

fn mix(images: Tensor<4>, mixes: &[Mix]) -> Tensor<4> {
    let device = images.device();
    let column = |values: Vec<f32>| {
        let dims = [mixes.len(), values.len() / mixes.len(), 1, 1];
        upload(values, dims, &device)
    };
    let factor = column(mixes.iter().flat_map(|mix| mix.factor).collect());
    let mut changed = images.clone() * factor;
    let shift: Vec<f32> = mixes.iter().flat_map(|mix| mix.shift).collect();
    if shift.iter().any(|shift| *shift != 0.0) {
        changed = changed + column(shift);
    }
    let of_gray: Vec<f32> = mixes.iter().map(|mix| mix.gray).collect();
    let of_mean: Vec<f32> = mixes.iter().map(|mix| mix.mean).collect();
    let of_channel: Vec<f32> = mixes.iter().map(|mix| mix.channel).collect();
    let acts = |weights: &[f32]| weights.iter().any(|weight| *weight != 0.0);
    if acts(&of_channel) {
        let means = images.clone().mean_dim(3).mean_dim(2);
        changed = changed + means * column(of_channel);
    }
    if acts(&of_gray) || acts(&of_mean) {
        let light = upload(LUMA.to_vec(), [1, 3, 1, 1], &device);
        let gray = (images * light).sum_dim(1);
        if acts(&of_mean) {
            let mean = gray.clone().mean_dim(3).mean_dim(2);
            changed = changed + mean * column(of_mean);
        }
        if acts(&of_gray) {
            changed = changed + gray * column(of_gray);
        }
    }
    let clamped: Vec<bool> = mixes.iter().map(|mix| mix.clamp).collect();
    if !clamped.contains(&true) {
        return changed;
    }
    select(changed.clone(), changed.clamp(0.0, 1.0), &clamped)
}

/// Scales the distance of each channel from the largest, at most until the smallest is 0.
fn scale_saturation(images: Tensor<4>, factors: &[Option<f32>]) -> Tensor<4> {
    let device = images.device();
    let high = images.clone().max_dim(1);
    let range = high.clone() - images.clone().min_dim(1);
    let most = high.clone() / range.clamp_min(TINY);
    let wanted = factors.iter().map(|factor| factor.unwrap_or(1.0)).collect();
    let wanted = upload(wanted, [factors.len(), 1, 1, 1], &device);
    let factor = most.clone().min_pair(wanted.expand(most.dims()));
    let changed = (high.clone() - (high - images.clone()) * factor).clamp(0.0, 1.0);
    let acting: Vec<bool> = factors.iter().map(Option::is_some).collect();
    select(images, changed, &acting)
}

/// Less than any range of channels other than 0.
const TINY: f32 = 1e-30;

/// Turns the hue in HSV, with both conversions folded into one: a channel of hue `h` is `max − (max
/// − min) · clamp(min(k, 4 − k), 0, 1)` with `k = (n + 6h) mod 6` and `n` 5, 3, 1.
fn turn_hue(images: Tensor<4>, shifts: &[Option<f32>]) -> Tensor<4> {
    let device = images.device();
    let [red, green, blue] = [0, 1, 2].map(|channel| images.clone().narrow(1, channel, 1));
    let high = images.clone().max_dim(1);
    let range = high.clone() - images.clone().min_dim(1);
    let divisor = range.clone().clamp_min(TINY);
    // Sixths of the circle; red wins over green, green over blue, where two are highest.
    let of_red = (green.clone() - blue.clone()) / divisor.clone();
    let of_green = (blue.clone() - red.clone()) / divisor.clone() + 2.0;
    let of_blue = (red.clone() - green.clone()) / divisor + 4.0;
    let sixths = of_blue
        .mask_where(green.greater_equal(high.clone()), of_green)
        .mask_where(red.greater_equal(high.clone()), of_red);
    // Above 0 whatever the shift.
    let turns = shifts.iter().map(|shift| 6.0 * shift.unwrap_or(0.0) + 12.0).collect();
    let sixths = sixths + upload(turns, [shifts.len(), 1, 1, 1], &device);
    let k = sixths + upload(vec![5.0, 3.0, 1.0], [1, 3, 1, 1], &device);
    let k = k.clone() - (k / 6.0).floor() * 6.0;
    // min(k, 4 − k) is 2 − |k − 2|.
    let share = (-(k - 2.0).abs() + 2.0).clamp(0.0, 1.0);
    let acting: Vec<bool> = shifts.iter().map(Option::is_some).collect();
    select(images, high - range * share, &acting)
}
