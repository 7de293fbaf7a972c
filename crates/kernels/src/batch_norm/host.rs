//! Batch norm on slices, fused with a residual addition and an activation.
//!
//! A tensor is `[batch, channels, plane]`: all pixels of one channel of one image are a plane.

#![allow(
    clippy::inline_always,
    reason = "code that is not inlined is not compiled for the chosen vectors"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::gelu::host::{gelu, gelu_slope};

/// Partial sums of a vector loop.
const LANES: usize = 16;
/// Bytes of the planes of one task.
const TASK_BYTES: usize = 128 << 10;

/// What comes after the norm, and after the residual if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    None,
    Relu,
    Gelu,
}

/// Sizes of a tensor that is normalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelPlanes {
    pub(crate) channels: usize,
    pub(crate) plane: usize,
}

impl ChannelPlanes {
    fn image(self) -> usize {
        self.channels * self.plane
    }

    /// Returns the number of elements of the images that one task works on.
    fn task(self) -> usize {
        (TASK_BYTES / (4 * self.image().max(1))).max(1) * self.image()
    }
}

/// Computes mean and biased variance of every channel, one after the other.
pub(crate) fn moments(planes: ChannelPlanes, x: &[f32]) -> Vec<f32> {
    let ChannelPlanes { channels, plane } = planes;
    let tasks: Vec<Vec<[f64; 2]>> = x
        .par_chunks(planes.task())
        .map(|images| {
            // Mean of all planes of a channel, and sum of squares around it.
            let mut all = vec![[0.0; 2]; channels];
            for (n, image) in images.chunks(planes.image()).enumerate() {
                for (all, plane) in all.iter_mut().zip(image.chunks(plane)) {
                    merge(all, n as f64, Arch::new().dispatch(PlaneMoments(plane)), 1.0);
                }
            }
            all
        })
        .collect();
    let per_task = planes.task() / planes.image();
    let batch = x.len() / planes.image();
    let mut all = vec![[0.0; 2]; channels];
    for (task, part) in tasks.into_iter().enumerate() {
        let before = task * per_task;
        let now = per_task.min(batch - before);
        for (all, part) in all.iter_mut().zip(part) {
            merge(all, before as f64, part, now as f64);
        }
    }
    let count = (batch * plane) as f64;
    #[allow(clippy::cast_possible_truncation, reason = "statistics in single precision")]
    let (means, variances): (Vec<f32>, Vec<f32>) = all
        .iter()
        .map(|[mean, squares]| (*mean as f32, (squares * plane as f64 / count) as f32))
        .unzip();
    [means, variances].concat()
}

/// Joins mean and sum of squares (per element of a plane) of `before` planes with those of `now`
/// more. Chan et al., 1983.
fn merge(all: &mut [f64; 2], before: f64, part: [f64; 2], now: f64) {
    let apart = part[0] - all[0];
    let share = now / (before + now);
    all[0] += apart * share;
    all[1] += part[1] + apart * apart * before * share;
}

/// Mean, and mean of squares around it, of a plane.
struct PlaneMoments<'a>(&'a [f32]);

impl WithSimd for PlaneMoments<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let count = self.0.len() as f64;
        let mean = sums_of(self.0, self.0, 0.0)[0] / count;
        #[allow(clippy::cast_possible_truncation, reason = "a mean in single precision")]
        let middle = mean as f32;
        let squares = squares_around(self.0, middle) / count;
        // Rounding the mean has added the square of its error.
        [mean, (squares - (mean - f64::from(middle)).powi(2)).max(0.0)]
    }
}

/// Computes the sums of `a` and of `a · (b − middle)`.
#[inline(always)]
fn sums_of(a: &[f32], b: &[f32], middle: f32) -> [f64; 2] {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (mut sums, mut products) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane];
            products[lane] += a[lane] * (b[lane] - middle);
        }
    }
    let mut totals = [sum_lanes(sums), sum_lanes(products)];
    for (a, b) in a_rest.iter().zip(b_rest) {
        totals[0] += f64::from(*a);
        totals[1] += f64::from(a * (b - middle));
    }
    totals
}

#[inline(always)]
fn squares_around(a: &[f32], middle: f32) -> f64 {
    let (a, rest) = a.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for a in a {
        for lane in 0..LANES {
            sums[lane] += (a[lane] - middle) * (a[lane] - middle);
        }
    }
    let mut sum = sum_lanes(sums);
    for a in rest {
        sum += f64::from((a - middle) * (a - middle));
    }
    sum
}

#[inline(always)]
fn sum_lanes(lanes: [f32; LANES]) -> f64 {
    let mut sum = 0.0;
    for lane in lanes {
        sum += f64::from(lane);
    }
    sum
}

/// The scale and shift of each channel.
struct Scales {
    /// `γ / √(variance + ε)`.
    scale: Vec<f32>,
    /// `β − mean · scale`.
    shift: Vec<f32>,
}

impl Scales {
    fn new(gamma: &[f32], beta: &[f32], moments: &[f32], epsilon: f64) -> Self {
        let (mean, variance) = moments.split_at(gamma.len());
        let scale: Vec<f32> =
            gamma.iter().zip(variance).map(|(g, v)| g * inverse(*v, epsilon)).collect();
        let shift = beta.iter().zip(&scale).zip(mean).map(|((b, s), m)| b - m * s).collect();
        Self { scale, shift }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a factor in single precision")]
fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// `y = γ (x − mean) / √(variance + ε) + β`, plus `residual` if present, then the activation. A
/// residual has none or a ReLU.
pub(crate) fn normalize_channels(
    planes: ChannelPlanes,
    x: &[f32],
    [gamma, beta, moments]: [&[f32]; 3],
    residual: Option<&[f32]>,
    (epsilon, activation): (f64, Activation),
    y: &mut [f32],
) {
    let scales = Scales::new(gamma, beta, moments, epsilon);
    let size = planes.task();
    let tasks = y.par_chunks_mut(size).zip(x.par_chunks(size)).enumerate();
    tasks.for_each(|(task, (y, x))| {
        let residual = residual.map(|residual| &residual[task * size..][..x.len()]);
        let scales = &scales;
        Arch::new().dispatch(NormalizeChannels { planes, scales, activation, x, residual, y });
    });
}

/// [`normalize_channels`] to some images.
struct NormalizeChannels<'a> {
    planes: ChannelPlanes,
    scales: &'a Scales,
    activation: Activation,
    x: &'a [f32],
    residual: Option<&'a [f32]>,
    y: &'a mut [f32],
}

impl WithSimd for NormalizeChannels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { planes, scales, activation, x, residual, y } = self;
        let ChannelPlanes { channels, plane } = planes;
        let floor = if activation == Activation::Relu { 0.0 } else { f32::NEG_INFINITY };
        for (row, (y, x)) in y.chunks_mut(plane).zip(x.chunks(plane)).enumerate() {
            let (scale, shift) = (scales.scale[row % channels], scales.shift[row % channels]);
            match residual {
                Some(residual) => {
                    let residual = &residual[row * plane..][..plane];
                    for ((y, x), residual) in y.iter_mut().zip(x).zip(residual) {
                        *y = at_least(x * scale + shift + residual, floor);
                    }
                }
                None if activation == Activation::Gelu => {
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = gelu(x * scale + shift);
                    }
                }
                None => {
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = at_least(x * scale + shift, floor);
                    }
                }
            }
        }
    }
}

/// Returns the larger value; NaN stays NaN.
#[inline(always)]
fn at_least(x: f32, floor: f32) -> f32 {
    if x < floor { floor } else { x }
}

/// Computes the gradients with respect to β and γ, one after the other: sums over the batch.
///
/// `y` is the output after a ReLU, `None` without one; `dy` becomes the gradient before the
/// activation.
pub(crate) fn parameter_gradients(
    planes: ChannelPlanes,
    dy: &mut [f32],
    x: &[f32],
    y: Option<&[f32]>,
    [gamma, beta, moments]: [&[f32]; 3],
    (epsilon, activation): (f64, Activation),
) -> Vec<f32> {
    let ChannelPlanes { channels, .. } = planes;
    let (mean, variance) = moments.split_at(channels);
    let scales =
        (activation == Activation::Gelu).then(|| Scales::new(gamma, beta, moments, epsilon));
    let scales = scales.as_ref();
    let size = planes.task();
    let tasks: Vec<Vec<[f64; 2]>> = dy
        .par_chunks_mut(size)
        .enumerate()
        .map(|(task, dy)| {
            let part = task * size..task * size + dy.len();
            let (x, y) = (&x[part.clone()], y.map(|y| &y[part]));
            Arch::new().dispatch(ParameterGradients { planes, mean, scales, dy, x, y })
        })
        .collect();
    let total = |place: usize, channel: usize| {
        #[allow(clippy::cast_possible_truncation, reason = "gradients are single precision")]
        let sum = tasks.iter().map(|task| task[channel][place]).sum::<f64>() as f32;
        sum
    };
    let beta = (0..channels).map(|channel| total(0, channel));
    let gamma =
        (0..channels).map(|channel| total(1, channel) * inverse(variance[channel], epsilon));
    beta.chain(gamma).collect()
}

/// [`parameter_gradients`] over some images: for each channel the sum of `dy`, and the sum of
/// `dy · (x − mean)`.
struct ParameterGradients<'a> {
    planes: ChannelPlanes,
    mean: &'a [f32],
    /// To compute the input of a GELU again.
    scales: Option<&'a Scales>,
    dy: &'a mut [f32],
    x: &'a [f32],
    y: Option<&'a [f32]>,
}

impl WithSimd for ParameterGradients<'_> {
    type Output = Vec<[f64; 2]>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<[f64; 2]> {
        let Self { planes: ChannelPlanes { channels, plane }, mean, scales, dy, x, y } = self;
        let mut all = vec![[0.0; 2]; channels];
        for (row, (dy, x)) in dy.chunks_mut(plane).zip(x.chunks(plane)).enumerate() {
            if let Some(y) = y {
                for (dy, y) in dy.iter_mut().zip(&y[row * plane..][..plane]) {
                    *dy = if *y > 0.0 { *dy } else { 0.0 };
                }
            }
            if let Some(Scales { scale, shift }) = scales {
                let (scale, shift) = (scale[row % channels], shift[row % channels]);
                for (dy, x) in dy.iter_mut().zip(x) {
                    *dy *= gelu_slope(x * scale + shift);
                }
            }
            let sums = sums_of(dy, x, mean[row % channels]);
            let all = &mut all[row % channels];
            all[0] += sums[0];
            all[1] += sums[1];
        }
        all
    }
}

/// Turns the gradient with respect to the output before the ReLU into the gradient with respect to
/// `x`, in place; mean and variance are functions of `x`.
///
/// ```text
/// dx = γ / √(variance + ε) · (dy − mean dy − x̂ · mean(dy · x̂))
/// ```
pub(crate) fn batch_norm_input_gradient(
    planes: ChannelPlanes,
    x: &[f32],
    [gamma, moments, sums]: [&[f32]; 3],
    epsilon: f64,
    dy: &mut [f32],
) {
    let ChannelPlanes { channels, .. } = planes;
    let (mean, variance) = moments.split_at(channels);
    let (of_beta, of_gamma) = sums.split_at(channels);
    let count = (x.len() / channels) as f32;
    // dx = a · dy + b · x + c for every channel.
    let factors: Vec<[f32; 3]> = (0..channels)
        .map(|channel| {
            let inverse = inverse(variance[channel], epsilon);
            let a = gamma[channel] * inverse;
            let b = -a * inverse * of_gamma[channel] / count;
            [a, b, -a * of_beta[channel] / count - b * mean[channel]]
        })
        .collect();
    let tasks = dy.par_chunks_mut(planes.task()).zip(x.par_chunks(planes.task()));
    tasks.for_each(|(dy, x)| {
        Arch::new().dispatch(BatchNormInputGradient { planes, factors: &factors, x, dy });
    });
}

/// [`batch_norm_input_gradient`] of some images.
struct BatchNormInputGradient<'a> {
    planes: ChannelPlanes,
    factors: &'a [[f32; 3]],
    x: &'a [f32],
    dy: &'a mut [f32],
}

impl WithSimd for BatchNormInputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { planes: ChannelPlanes { channels, plane }, factors, x, dy } = self;
        for (row, (dy, x)) in dy.chunks_mut(plane).zip(x.chunks(plane)).enumerate() {
            let [a, b, c] = factors[row % channels];
            for (dy, x) in dy.iter_mut().zip(x) {
                *dy = a * *dy + b * x + c;
            }
        }
    }
}
