//! Gaussian blur.

use crate::Picture;
use crate::lines::sum_of_lines;
use crate::paint::Planes;

/// Convolves with a Gaussian of `sigma` pixels, cut off to an odd `kernel_size`; beyond the border the
/// picture is reflected without repeating its edge.
///
/// # Panics
/// If `kernel_size` is even, or reaches further than the picture is large.
#[track_caller]
pub fn gaussian_blur(picture: &mut Picture, kernel_size: usize, sigma: f64, scratch: &mut Picture) {
    Blur::default().run(kernel_size, sigma, picture.as_planes(), scratch, |_| {});
}

/// Weights below this share of all change no pixel by more than its rounding.
const NOTHING: f64 = 1.0 / (1_u64 << 27) as f64;
/// Rows that are blurred across before they are handed on.
const ROWS: usize = 4;

/// Room for blurring that is used again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blur {
    kernel: Vec<f32>,
    offsets: Vec<usize>,
    line: Vec<f32>,
}

impl Blur {
    /// Blurs, and calls `then` with each few rows that are ready.
    #[track_caller]
    pub(crate) fn run(
        &mut self,
        kernel_size: usize,
        sigma: f64,
        mut planes: Planes<'_>,
        spare: &mut Picture,
        mut then: impl FnMut(Planes<'_>),
    ) {
        let (height, width, reach) = (planes.height, planes.width, kernel_size / 2);
        assert!(kernel_size % 2 == 1, "a blur needs an odd kernel, got {kernel_size}");
        assert!(
            reach < height && reach < width,
            "a blur of {kernel_size} reflects more than a picture of {height} × {width} holds"
        );
        gaussian(reach, sigma, &mut self.kernel);
        let Self { kernel, offsets, line } = self;
        let (size, reach) = (kernel.len(), kernel.len() / 2);
        // Down: whole rows are added up.
        spare.reshape(height, width);
        for (from, to) in planes.channels().into_iter().zip(spare.planes_mut()) {
            for (y, row) in to.chunks_exact_mut(width).enumerate() {
                offsets.clear();
                offsets.extend((y..y + size).map(|place| reflect(place, reach, height) * width));
                sum_of_lines(kernel, offsets, from, row);
            }
        }
        // Across: the row, continued at both ends, is shifted and added up.
        offsets.clear();
        offsets.extend(0..size);
        line.resize(width + 2 * reach, 0.0);
        for first in (0..height).step_by(ROWS) {
            let mut rows = planes.rows(first, ROWS.min(height - first));
            for (channel, to) in rows.channels().into_iter().enumerate() {
                let from = &spare.plane(channel)[first * width..];
                for (row, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
                    line[reach..][..width].copy_from_slice(row);
                    for place in (0..reach).chain(reach + width..width + 2 * reach) {
                        line[place] = row[reflect(place, reach, width)];
                    }
                    sum_of_lines(kernel, offsets, line, to);
                }
            }
            then(rows);
        }
    }
}

/// Weights that add up to 1; at both ends those that change nothing are left out.
pub(crate) fn gaussian(reach: usize, sigma: f64, kernel: &mut Vec<f32>) {
    let weight = |distance: usize| (-0.5 * (distance as f64 / sigma).powi(2)).exp();
    let sum = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    let reach = (1..=reach).take_while(|distance| weight(*distance) > NOTHING * sum).count();
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
        let mut gray = Picture { height: 4, width: 6, data: vec![0.4; 72] };
        gaussian_blur(&mut gray, 5, 1.0, &mut Picture::default());
        assert!(gray.data.iter().all(|x| (x - 0.4).abs() < 1e-6));
        let mut dot = Picture::black(5, 5);
        dot.data[12] = 1.0;
        gaussian_blur(&mut dot, 3, 0.8, &mut Picture::default());
        assert_eq!(dot.data[11], dot.data[13]);
        assert_eq!(dot.data[7], dot.data[17]);
        assert!((dot.plane(0).iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    #[should_panic(expected = "3 × 9")]
    fn a_kernel_larger_than_the_picture_is_refused() {
        gaussian_blur(&mut Picture::black(3, 9), 7, 1.0, &mut Picture::default());
    }
}
