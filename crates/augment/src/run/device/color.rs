//! Changes of color, several in one pass over the pixels.

use std::collections::VecDeque;

use burn::tensor::Tensor;

use super::{choose, numbers};
use crate::paint::LIGHT;
use crate::{Jitter, Normalize, Plan};

/// A change of one image's colors.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tone {
    /// A weighted sum.
    Mix(Mix),
    /// So much of a turn around the color circle.
    Hue(f32),
    /// The saturation of HSV by a factor.
    Saturation(f32),
}

/// `factor · x + shift`, and in addition `gray` times the pixel's gray, `mean` times the image's mean
/// gray, and `channel` times the channel's mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mix {
    factor: [f32; 3],
    shift: [f32; 3],
    gray: f32,
    mean: f32,
    channel: f32,
    /// To `[0, 1]`.
    clamp: bool,
}

impl Mix {
    /// Changes nothing.
    const NOTHING: Self = Self {
        factor: [1.0; 3],
        shift: [0.0; 3],
        gray: 0.0,
        mean: 0.0,
        channel: 0.0,
        clamp: false,
    };
}

impl Tone {
    /// The changes a step is made of.
    pub(super) fn of(step: &Plan) -> Vec<Self> {
        match *step {
            Plan::Jitter(changes) => changes.into_iter().map(Self::from).collect(),
            Plan::Grayscale => {
                vec![Self::Mix(Mix { factor: [0.0; 3], gray: 1.0, ..Mix::NOTHING })]
            }
            Plan::DropChannel { channel, fill } => {
                let mut mix = Mix::NOTHING;
                (mix.factor[channel], mix.shift[channel]) = (0.0, fill);
                vec![Self::Mix(mix)]
            }
            _ => Vec::new(),
        }
    }

    /// What normalizes, unless nothing is to be changed.
    pub(super) fn normalize(normalize: &Normalize) -> Option<Self> {
        let factor = normalize.std.map(|std| 1.0 / std);
        let shift = [0, 1, 2].map(|channel| -normalize.mean[channel] * factor[channel]);
        (*normalize != Normalize::NONE).then_some(Self::Mix(Mix { factor, shift, ..Mix::NOTHING }))
    }
}

impl From<Jitter> for Tone {
    fn from(change: Jitter) -> Self {
        let mix = Mix { clamp: true, ..Mix::NOTHING };
        Self::Mix(match change {
            Jitter::Hue(shift) => return Self::Hue(shift),
            Jitter::HsvSaturation(factor) => return Self::Saturation(factor),
            Jitter::Brightness(factor) => Mix { factor: [factor; 3], ..mix },
            Jitter::Lighten(shift) => Mix { shift: [shift; 3], ..mix },
            Jitter::Contrast(factor) => Mix { factor: [factor; 3], mean: 1.0 - factor, ..mix },
            Jitter::ChannelContrast(factor) => {
                Mix { factor: [factor; 3], channel: 1.0 - factor, ..mix }
            }
            Jitter::Saturation(factor) => Mix { factor: [factor; 3], gray: 1.0 - factor, ..mix },
        })
    }
}

/// Makes all changes of each image in order, until none are left.
///
/// Sums are made as long as any image has one next; only then hues are turned, which costs more, so
/// that images whose jitters have different orders turn theirs together.
pub(super) fn paint(mut images: Tensor<4>, colors: &mut [VecDeque<Tone>]) -> Tensor<4> {
    while colors.iter().any(|tones| !tones.is_empty()) {
        let is_mix = |tone: &Tone| matches!(tone, Tone::Mix(_));
        if colors.iter().any(|tones| tones.front().is_some_and(is_mix)) {
            let next = |tones: &mut VecDeque<Tone>| match tones.pop_front_if(|tone| is_mix(tone)) {
                Some(Tone::Mix(mix)) => mix,
                _ => Mix::NOTHING,
            };
            let mixes: Vec<Mix> = colors.iter_mut().map(next).collect();
            images = mixed(images, &mixes);
        } else {
            let mut next = |amount: fn(&Tone) -> Option<f32>| -> Vec<Option<f32>> {
                let next = |tones: &mut VecDeque<Tone>| {
                    tones.pop_front_if(|tone| amount(tone).is_some()).as_ref().and_then(amount)
                };
                colors.iter_mut().map(next).collect()
            };
            let shifts = next(|tone| if let Tone::Hue(shift) = tone { Some(*shift) } else { None });
            if shifts.iter().any(Option::is_some) {
                images = turned(images, &shifts);
            }
            let factors =
                next(|tone| if let Tone::Saturation(factor) = tone { Some(*factor) } else { None });
            if factors.iter().any(Option::is_some) {
                images = saturated(images, &factors);
            }
        }
    }
    images
}

fn mixed(images: Tensor<4>, mixes: &[Mix]) -> Tensor<4> {
    let device = images.device();
    let column = |values: Vec<f32>| {
        let dims = [mixes.len(), values.len() / mixes.len(), 1, 1];
        numbers(values, dims, &device)
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
        let light = numbers(LIGHT.to_vec(), [1, 3, 1, 1], &device);
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
    choose(changed.clone(), changed.clamp(0.0, 1.0), &clamped)
}

/// What a channel lacks to the largest is multiplied, as far as the smallest does not become less than 0.
fn saturated(images: Tensor<4>, factors: &[Option<f32>]) -> Tensor<4> {
    let device = images.device();
    let high = images.clone().max_dim(1);
    let range = high.clone() - images.clone().min_dim(1);
    let most = high.clone() / range.clamp_min(TINY);
    let wanted = factors.iter().map(|factor| factor.unwrap_or(1.0)).collect();
    let wanted = numbers(wanted, [factors.len(), 1, 1, 1], &device);
    let factor = most.clone().min_pair(wanted.expand(most.dims()));
    let changed = (high.clone() - (high - images.clone()) * factor).clamp(0.0, 1.0);
    let acting: Vec<bool> = factors.iter().map(Option::is_some).collect();
    choose(images, changed, &acting)
}

/// Less than any range of channels that is not 0.
const TINY: f32 = 1e-30;

/// Both ways through HSV, folded into one: a channel of hue `h` is
/// `max − (max − min) · clamp(min(k, 4 − k), 0, 1)` with `k = (n + 6h) mod 6` and `n` 5, 3, 1.
fn turned(images: Tensor<4>, shifts: &[Option<f32>]) -> Tensor<4> {
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
    let sixths = sixths + numbers(turns, [shifts.len(), 1, 1, 1], &device);
    let k = sixths + numbers(vec![5.0, 3.0, 1.0], [1, 3, 1, 1], &device);
    let k = k.clone() - (k / 6.0).floor() * 6.0;
    // min(k, 4 − k) is 2 − |k − 2|.
    let share = (-(k - 2.0).abs() + 2.0).clamp(0.0, 1.0);
    let acting: Vec<bool> = shifts.iter().map(Option::is_some).collect();
    choose(images, high - range * share, &acting)
}
