//! Gaussian blur.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::PlanarImage;
use crate::lines::sum_of_lines;
use crate::paint::{Change, Linear, Planes, paint};

/// Convolves with a Gaussian of `sigma` pixels, cut off to an odd `kernel_size`; beyond the border the
/// image is reflected without repeating its edge.
///
/// # Panics
/// If `kernel_size` is even, or reaches further than the image is large.
#[track_caller]
pub fn gaussian_blur(image: &mut PlanarImage, kernel_size: usize, sigma: f64) {
    Blur::default().run(Blurring::new(kernel_size, sigma), image.as_planes(), |_| {});
}

/// The share of all weights that is left out at the ends of a kernel: it changes no pixel by more than
/// half a step of 16 bits.
const NOTHING: f64 = 1.0 / (1_u64 << 17) as f64;
/// Rows that are handed on at a time.
const ROWS: usize = 4;
/// Numbers in a line of the processor's cache.
const ALIGNED: usize = 16;

/// A blur, and what it has to do with the steps around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blurring {
    pub(crate) kernel_size: usize,
    pub(crate) sigma: f64,
    /// All channels are the same, so that one is blurred.
    pub(crate) gray: bool,
    /// A change that follows, which costs nothing here.
    pub(crate) then: Linear,
}

impl Blurring {
    pub(crate) fn new(kernel_size: usize, sigma: f64) -> Self {
        Self { kernel_size, sigma, gray: false, then: Linear::NONE }
    }
}

/// Room for blurring that is used again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blur {
    kernel: Vec<f32>,
    /// The kernel times the scale of each channel.
    scaled: Vec<f32>,
    offsets: Vec<usize>,
    lines: Vec<f32>,
    /// Rows that are blurred across.
    across: Vec<f32>,
}

impl Blur {
    /// Blurs, and calls `then` with each few rows that are ready.
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
            "a blur of {kernel_size} reflects more than an image of {height} × {width} holds"
        );
        gaussian(reach, sigma, &mut self.kernel);
        let Self { kernel, scaled, offsets, lines, across } = self;
        let (size, reach) = (kernel.len(), kernel.len() / 2);
        if reach == 0 {
            if linear != Linear::NONE {
                paint(&[Change::Linear(linear)], planes.rows(0, height));
            }
            return then(planes);
        }
        scaled.clear();
        let scales = linear.scale.iter();
        scaled.extend(scales.flat_map(|scale| kernel.iter().map(move |weight| weight * scale)));
        // Rows that are blurred across take turns: there is room for as many as the next rows need.
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
    /// Weights of the rows, and what is added to their sums.
    down: &'a [f32],
    shift: f32,
    /// Where the samples of a sum lie: across, and then for each of `rows`.
    offsets: &'a [usize],
    plane: &'a mut [f32],
    width: usize,
    /// Rows that are blurred across first.
    next: Range<usize>,
    /// Rows that are blurred down.
    rows: Range<usize>,
    /// Room for a few rows, continued at both ends.
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
            // All are written before the first is read, as a number just written is slow to read.
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

/// Weights that add up to 1; at both ends those that change nothing are left out.
pub(crate) fn gaussian(reach: usize, sigma: f64, kernel: &mut Vec<f32>) {
    let weight = |distance: usize| (-0.5 * (distance as f64 / sigma).powi(2)).exp();
    let all = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    let mut left_out = 0.0;
    let left_out = (1..=reach).rev().take_while(|distance| {
        left_out += 2.0 * weight(*distance);
        left_out <= NOTHING * all
    });
    let reach = reach - left_out.count();
    let sum = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    kernel.clear();
    #[allow(clippy::cast_possible_truncation, reason = "weights of at most 1")]
    let weights = (0..=2 * reach).map(|place| (weight(place.abs_diff(reach)) / sum) as f32);
    kernel.extend(weights);
}

/// `place − reach`, mirrored at the first and last of `side` pixels.
pub(crate) fn reflect(place: usize, reach: usize, side: usize) -> usize {
    let from_first = place.abs_diff(reach);
    if from_first < side { from_first } else { 2 * (side - 1) - from_first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_gray_stays_and_a_dot_spreads_evenly() {
        let mut gray = PlanarImage { height: 4, width: 6, data: vec![0.4; 72] };
        gaussian_blur(&mut gray, 5, 1.0);
        assert!(gray.data.iter().all(|x| (x - 0.4).abs() < 1e-6));
        let mut dot = PlanarImage::black(5, 5);
        dot.data[12] = 1.0;
        gaussian_blur(&mut dot, 3, 0.8);
        assert_eq!(dot.data[11], dot.data[13]);
        assert_eq!(dot.data[7], dot.data[17]);
        assert!((dot.plane(0).iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn rows_of_every_width_hold_the_sums_of_every_pixel() {
        for [height, width] in [[4, 5], [9, 17], [30, 70]] {
            let data: Vec<f32> =
                (0..3 * height * width).map(|i| (i * i * 7 % 251) as f32 / 251.0).collect();
            let image = PlanarImage { height, width, data };
            for sigma in [0.15, 0.6, 1.9, 30.0] {
                let reach: usize = 3;
                let mut made = image.clone();
                gaussian_blur(&mut made, 2 * reach + 1, sigma);
                let weight = |d: usize| (-0.5 * (d as f64 / sigma).powi(2)).exp();
                let sum: f64 = (0..7).map(|k| weight(reach.abs_diff(k))).sum();
                for (place, found) in made.data.iter().enumerate() {
                    let (y, x) = (place / width % height, place % width);
                    let plane = image.plane(place / (height * width));
                    let want: f64 = (0..49)
                        .map(|k| {
                            let (row, column) =
                                (reflect(y + k / 7, 3, height), reflect(x + k % 7, 3, width));
                            let weights =
                                weight(reach.abs_diff(k / 7)) * weight(reach.abs_diff(k % 7));
                            weights / sum / sum * f64::from(plane[row * width + column])
                        })
                        .sum();
                    // What is left out counts in both directions.
                    assert!((f64::from(*found) - want).abs() < 3e-5, "{found}, not {want}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "3 × 9")]
    fn a_kernel_larger_than_the_image_is_refused() {
        gaussian_blur(&mut PlanarImage::black(3, 9), 7, 1.0);
    }
}
