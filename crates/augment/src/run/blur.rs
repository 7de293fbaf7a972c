//! Gaussian blur: rows first, then columns, a few rows at a time.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::planes::Planes;
use crate::run::pointwise::{Linear, Pointwise, apply_pointwise};
use crate::run::weighted_lines::sum_of_lines;

/// The share of all weights that is omitted at the ends of a kernel: it changes no pixel by more
/// than half a step of 16 bits.
const OMITTED: f64 = 1.0 / (1_u64 << 17) as f64;
/// Number of finished rows that are handed on together.
const ROWS: usize = 4;
/// Elements of a cache line.
const ALIGNED: usize = 16;

/// A blur, with the neighboring steps that are fused with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blurring {
    pub(crate) kernel_size: usize,
    pub(crate) sigma: f64,
    /// Whether all channels are equal, so that only one is blurred.
    pub(crate) gray: bool,
    /// A change that follows the blur and costs nothing here.
    pub(crate) then: Linear,
}

impl Blurring {
    pub(crate) fn new(kernel_size: usize, sigma: f64) -> Self {
        Self { kernel_size, sigma, gray: false, then: Linear::IDENTITY }
    }
}

/// Buffers for blurring, reused from image to image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blur {
    kernel: Vec<f32>,
    /// The kernel times the scale of each channel.
    scaled: Vec<f32>,
    offsets: Vec<usize>,
    lines: Vec<f32>,
    /// Rows blurred horizontally.
    across: Vec<f32>,
}

impl Blur {
    /// Blurs, and calls `then` with the finished rows, a few at a time.
    #[track_caller]
    pub(crate) fn run(
        &mut self,
        Blurring { kernel_size, sigma, gray, then: linear }: Blurring,
        mut planes: Planes<'_>,
        mut then: impl FnMut(Planes<'_>),
    ) {
        let (height, width, reach) = (planes.height, planes.width, kernel_size / 2);
        assert!(kernel_size % 2 == 1, "a blur needs an odd kernel, got {kernel_size}");
        assert!(
            reach < height && reach < width,
            "a kernel of {kernel_size} is too large for an image of {height} × {width}"
        );
        gaussian(reach, sigma, &mut self.kernel);
        let Self { kernel, scaled, offsets, lines, across } = self;
        let (size, reach) = (kernel.len(), kernel.len() / 2);
        if reach == 0 {
            if linear != Linear::IDENTITY {
                apply_pointwise(&[Pointwise::Linear(linear)], planes.rows(0, height));
            }
            return then(planes);
        }
        scaled.clear();
        let scales = linear.scale.iter();
        scaled.extend(scales.flat_map(|scale| kernel.iter().map(move |weight| weight * scale)));
        // A ring of horizontally blurred rows holds as many as the next rows need.
        let (stride, turns) = (width.next_multiple_of(ALIGNED), 2 * reach + ROWS);
        across.resize(3 * turns * stride + ALIGNED, 0.0);
        let aligned = across.as_ptr().align_offset(ALIGNED * size_of::<f32>()).min(ALIGNED);
        let across = &mut across[aligned..][..3 * turns * stride];
        lines.resize(ROWS * (width + 2 * reach), 0.0);
        let mut done = 0;
        for first in (0..height).step_by(ROWS) {
            let rows = first..height.min(first + ROWS);
            let next = done..height.min(first + ROWS + reach);
            done = next.end;
            offsets.clear();
            offsets.extend(0..size);
            for y in rows.clone() {
                offsets.extend((y..y + size).map(|y| reflect(y, reach, height) % turns * stride));
            }
            let channels =
                planes.channels().into_iter().zip(across.chunks_exact_mut(turns * stride));
            let weights = scaled.chunks_exact(size).zip(linear.shift);
            let channels = channels.zip(weights).take(if gray { 1 } else { 3 });
            for ((plane, across), (down, shift)) in channels {
                Arch::new().dispatch(BlurRows {
                    kernel,
                    down,
                    shift,
                    offsets,
                    plane,
                    width,
                    next: next.clone(),
                    rows: rows.clone(),
                    lines,
                    across,
                    stride,
                });
            }
            let mut rows = planes.rows(first, rows.len());
            if gray {
                let [red, green, blue] = rows.channels();
                green.copy_from_slice(red);
                blue.copy_from_slice(red);
            }
            then(rows);
        }
    }
}

/// Blurs rows of one plane.
struct BlurRows<'a> {
    kernel: &'a [f32],
    /// Vertical weights, and the value added to their sums.
    down: &'a [f32],
    shift: f32,
    /// Offsets of the samples of a sum: horizontally, then vertically for each of `rows`.
    offsets: &'a [usize],
    plane: &'a mut [f32],
    width: usize,
    /// Rows to blur horizontally first.
    next: Range<usize>,
    /// Rows to blur vertically.
    rows: Range<usize>,
    /// A few rows, continued at both ends.
    lines: &'a mut [f32],
    across: &'a mut [f32],
    stride: usize,
}

impl WithSimd for BlurRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        let Self { kernel, down, shift, offsets, plane, width, next, rows, lines, across, stride } =
            self;
        let (size, reach) = (kernel.len(), kernel.len() / 2);
        let (along, offsets) = offsets.split_at(size);
        let turns = across.len() / stride;
        for first in next.clone().step_by(ROWS) {
            let some = plane[first * width..next.end * width].chunks_exact(width);
            // All are written before the first is read, as a value just written is slow to read.
            for (line, row) in lines.chunks_exact_mut(width + 2 * reach).zip(some) {
                line[reach..][..width].copy_from_slice(row);
                for place in 1..=reach {
                    line[reach - place] = row[place];
                    line[reach + width - 1 + place] = row[width - 1 - place];
                }
            }
            for (line, y) in lines.chunks_exact(width + 2 * reach).zip(first..next.end) {
                sum_of_lines::<V>(
                    0.0,
                    kernel,
                    along,
                    line,
                    &mut across[y % turns * stride..][..width],
                );
            }
        }
        let rows = plane[rows.start * width..rows.end * width].chunks_exact_mut(width);
        for (offsets, row) in offsets.chunks_exact(size).zip(rows) {
            sum_of_lines::<V>(shift, down, offsets, across, row);
        }
    }
}

/// Computes weights with sum 1; those at both ends that change nothing are omitted.
pub(crate) fn gaussian(reach: usize, sigma: f64, kernel: &mut Vec<f32>) {
    let weight = |distance: usize| (-0.5 * (distance as f64 / sigma).powi(2)).exp();
    let all = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    let mut omitted = 0.0;
    let omitted = (1..=reach).rev().take_while(|distance| {
        omitted += 2.0 * weight(*distance);
        omitted <= OMITTED * all
    });
    let reach = reach - omitted.count();
    let sum = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    kernel.clear();
    #[allow(clippy::cast_possible_truncation, reason = "weights of at most 1")]
    let weights = (0..=2 * reach).map(|place| (weight(place.abs_diff(reach)) / sum) as f32);
    kernel.extend(weights);
}

/// Returns `place − reach`, mirrored at the first and last of `side` pixels.
pub(crate) fn reflect(place: usize, reach: usize, side: usize) -> usize {
    let from_first = place.abs_diff(reach);
    if from_first < side { from_first } else { 2 * (side - 1) - from_first }
}
