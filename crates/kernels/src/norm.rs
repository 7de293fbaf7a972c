//! Batch norm on slices, with what usually stands around it: an addition and a ReLU.
//!
//! A tensor is `[batch, channels, plane]`: all pixels of one channel of one picture are a plane.

use pulp::Arch;
use rayon::prelude::*;

/// Sums that are kept apart, so that they can be added up side by side.
const LANES: usize = 16;
/// Planes that are one task.
const TASK_BYTES: usize = 128 << 10;

/// Sizes of a tensor that is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planes {
    pub(crate) channels: usize,
    pub(crate) plane: usize,
}

impl Planes {
    fn picture(self) -> usize {
        self.channels * self.plane
    }

    /// Pictures worked on at a time, as numbers.
    fn task(self) -> usize {
        (TASK_BYTES / (4 * self.picture().max(1))).max(1) * self.picture()
    }
}

/// Mean and biased variance of every channel, one after the other.
pub(crate) fn moments(planes: Planes, x: &[f32]) -> Vec<f32> {
    let Planes { channels, plane } = planes;
    let tasks: Vec<Vec<[f64; 2]>> = x
        .par_chunks(planes.task())
        .map(|pictures| {
            // Mean of all planes of a channel, and sum of squares around it.
            let mut all = vec![[0.0; 2]; channels];
            for (n, picture) in pictures.chunks(planes.picture()).enumerate() {
                for (all, plane) in all.iter_mut().zip(picture.chunks(plane)) {
                    merge(all, n as f64, spread(plane), 1.0);
                }
            }
            all
        })
        .collect();
    let per_task = planes.task() / planes.picture();
    let batch = x.len() / planes.picture();
    let mut all = vec![[0.0; 2]; channels];
    for (task, part) in tasks.into_iter().enumerate() {
        let before = task * per_task;
        let now = per_task.min(batch - before);
        for (all, part) in all.iter_mut().zip(part) {
            merge(all, before as f64, part, now as f64);
        }
    }
    let count = (batch * plane) as f64;
    #[allow(clippy::cast_possible_truncation, reason = "statistics of single-precision numbers")]
    let (means, variances): (Vec<f32>, Vec<f32>) =
        all.iter().map(|[mean, squares]| (*mean as f32, (squares * plane as f64 / count) as f32)).unzip();
    [means, variances].concat()
}

/// Joins mean and sum of squares (per number of a plane) of `before` planes with those of `now`
/// more. Chan et al., 1983.
fn merge(all: &mut [f64; 2], before: f64, part: [f64; 2], now: f64) {
    let apart = part[0] - all[0];
    let share = now / (before + now);
    all[0] += apart * share;
    all[1] += part[1] + apart * apart * before * share;
}

/// Mean, and mean of squares around it, of a plane.
fn spread(plane: &[f32]) -> [f64; 2] {
    Arch::new().dispatch(|| {
        let count = plane.len() as f64;
        let mean = sum_of(plane, plane, |x, _| x) / count;
        #[allow(clippy::cast_possible_truncation, reason = "a mean of single-precision numbers")]
        let middle = mean as f32;
        let squares = sum_of(plane, plane, |x, _| (x - middle) * (x - middle)) / count;
        // What rounding the mean has added is taken off again.
        [mean, (squares - (mean - f64::from(middle)).powi(2)).max(0.0)]
    })
}

/// The sum of `term` over pairs of numbers.
#[inline(always)]
fn sum_of(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(term(*a, *b))).sum();
    sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() + rest
}

/// How each channel is scaled and shifted.
struct Scales {
    /// `γ / √(variance + ε)`, and what remains to be added.
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Scales {
    fn new(gamma: &[f32], beta: &[f32], moments: &[f32], epsilon: f64) -> Self {
        let (mean, variance) = moments.split_at(gamma.len());
        let scale: Vec<f32> = gamma.iter().zip(variance).map(|(g, v)| g * inverse(*v, epsilon)).collect();
        let shift = beta.iter().zip(&scale).zip(mean).map(|((b, s), m)| b - m * s).collect();
        Self { scale, shift }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a factor of single-precision numbers")]
fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// `y = γ (x − mean) / √(variance + ε) + β`, plus `carried` if there is one, then ReLU if asked for.
pub(crate) fn apply(
    planes: Planes,
    x: &[f32],
    [gamma, beta, moments]: [&[f32]; 3],
    carried: Option<&[f32]>,
    (epsilon, relu): (f64, bool),
    y: &mut [f32],
) {
    let scales = Scales::new(gamma, beta, moments, epsilon);
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let size = planes.task();
    let tasks = y.par_chunks_mut(size).zip(x.par_chunks(size)).enumerate();
    tasks.for_each(|(task, (y, x))| {
        let carried = carried.map(|carried| &carried[task * size..][..x.len()]);
        Arch::new().dispatch(|| {
            let rows = y.chunks_mut(planes.plane).zip(x.chunks(planes.plane)).enumerate();
            for (row, (y, x)) in rows {
                let channel = row % planes.channels;
                let (scale, shift) = (scales.scale[channel], scales.shift[channel]);
                match carried {
                    Some(carried) => {
                        let carried = &carried[row * planes.plane..][..planes.plane];
                        for ((y, x), carried) in y.iter_mut().zip(x).zip(carried) {
                            *y = at_least(x * scale + shift + carried, floor);
                        }
                    }
                    None => {
                        for (y, x) in y.iter_mut().zip(x) {
                            *y = at_least(x * scale + shift, floor);
                        }
                    }
                }
            }
        });
    });
}

/// The larger; NaN stays NaN.
#[inline(always)]
fn at_least(x: f32, floor: f32) -> f32 {
    if x < floor { floor } else { x }
}

/// The gradients of β and γ, one after the other: sums over the batch.
///
/// `y` is the output behind a ReLU; without one, `None`.
pub(crate) fn sums(
    planes: Planes,
    dy: &[f32],
    x: &[f32],
    y: Option<&[f32]>,
    moments: &[f32],
    epsilon: f64,
) -> Vec<f32> {
    let Planes { channels, plane } = planes;
    let (mean, variance) = moments.split_at(channels);
    let size = planes.task();
    let tasks: Vec<Vec<[f64; 2]>> = dy
        .par_chunks(size)
        .enumerate()
        .map(|(task, dy)| {
            Arch::new().dispatch(|| {
                let mut all = vec![[0.0; 2]; channels];
                let mut passed = vec![0.0; plane];
                for (row, dy) in dy.chunks(plane).enumerate() {
                    let at = task * size + row * plane;
                    let x = &x[at..][..plane];
                    let middle = mean[row % channels];
                    let dy = match y {
                        Some(y) => {
                            pass(dy, &y[at..][..plane], &mut passed);
                            &passed
                        }
                        None => dy,
                    };
                    let all = &mut all[row % channels];
                    all[0] += sum_of(dy, x, |dy, _| dy);
                    all[1] += sum_of(dy, x, |dy, x| dy * (x - middle));
                }
                all
            })
        })
        .collect();
    let total = |place: usize, channel: usize| {
        #[allow(clippy::cast_possible_truncation, reason = "gradients are single precision")]
        let sum = tasks.iter().map(|task| task[channel][place]).sum::<f64>() as f32;
        sum
    };
    let beta = (0..channels).map(|channel| total(0, channel));
    let gamma = (0..channels).map(|channel| total(1, channel) * inverse(variance[channel], epsilon));
    beta.chain(gamma).collect()
}

/// What of a gradient passes a ReLU whose output was `y`.
#[inline(always)]
fn pass(dy: &[f32], y: &[f32], passed: &mut [f32]) {
    for ((passed, dy), y) in passed.iter_mut().zip(dy).zip(y) {
        *passed = if *y > 0.0 { *dy } else { 0.0 };
    }
}

/// The gradient of `x`, mean and variance being functions of it.
///
/// ```text
/// dx = γ / √(variance + ε) · (dy − mean dy − x̂ · mean(dy · x̂))
/// ```
pub(crate) fn input_gradient(
    planes: Planes,
    dy: &[f32],
    x: &[f32],
    y: Option<&[f32]>,
    [gamma, moments, sums]: [&[f32]; 3],
    epsilon: f64,
    dx: &mut [f32],
) {
    let Planes { channels, plane } = planes;
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
    let size = planes.task();
    dx.par_chunks_mut(size).enumerate().for_each(|(task, dx)| {
        Arch::new().dispatch(|| {
            for (row, dx) in dx.chunks_mut(plane).enumerate() {
                let at = task * size + row * plane;
                let (dy, x) = (&dy[at..][..plane], &x[at..][..plane]);
                let [a, b, c] = factors[row % channels];
                match y {
                    Some(y) => {
                        let y = &y[at..][..plane];
                        for (((dx, dy), x), y) in dx.iter_mut().zip(dy).zip(x).zip(y) {
                            let dy = if *y > 0.0 { *dy } else { 0.0 };
                            *dx = a * dy + b * x + c;
                        }
                    }
                    None => {
                        for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(x) {
                            *dx = a * dy + b * x + c;
                        }
                    }
                }
            }
        });
    });
}

/// The gradient of what was carried to the addition: what passes the ReLU.
pub(crate) fn carried_gradient(planes: Planes, dy: &[f32], y: &[f32], carried: &mut [f32]) {
    let size = planes.task();
    let tasks = carried.par_chunks_mut(size).zip(dy.par_chunks(size)).zip(y.par_chunks(size));
    tasks.for_each(|((carried, dy), y)| Arch::new().dispatch(|| pass(dy, y, carried)));
}
