//! Gaussian blur.

use crate::Picture;

/// Convolves with a Gaussian of `sigma` pixels, cut off to an odd `kernel_size`; beyond the border the
/// picture is reflected without repeating its edge.
///
/// # Panics
/// If `kernel_size` is even, or reaches further than the picture is large.
#[track_caller]
pub fn gaussian_blur(picture: &mut Picture, kernel_size: usize, sigma: f64, scratch: &mut Picture) {
    let (height, width, reach) = (picture.height, picture.width, kernel_size / 2);
    assert!(kernel_size % 2 == 1, "a blur needs an odd kernel, got {kernel_size}");
    assert!(
        reach < height && reach < width,
        "a blur of {kernel_size} reflects more than a picture of {height} × {width} holds"
    );
    let kernel = kernel(kernel_size, sigma);
    scratch.reshape(height, width);
    for channel in 0..3 {
        let plane = height * width;
        let range = channel * plane..(channel + 1) * plane;
        // Down: whole rows are added up.
        let (from, to) = (&picture.data[range.clone()], &mut scratch.data[range.clone()]);
        for (y, row) in to.chunks_exact_mut(width).enumerate() {
            row.fill(0.0);
            for (offset, weight) in kernel.iter().enumerate() {
                let line = &from[reflect(y + offset, reach, height) * width..][..width];
                row.iter_mut().zip(line).for_each(|(sum, x)| *sum += weight * x);
            }
        }
        // Across: one shift of the row after the other, its two ends apart.
        let (from, to) = (&scratch.data[range.clone()], &mut picture.data[range]);
        for (row, line) in to.chunks_exact_mut(width).zip(from.chunks_exact(width)) {
            row.fill(0.0);
            for (offset, weight) in kernel.iter().enumerate() {
                let inner = reach..(width - reach).max(reach);
                let shifted = &line[inner.start + offset - reach..][..inner.len()];
                row[inner].iter_mut().zip(shifted).for_each(|(sum, x)| *sum += weight * x);
            }
            for x in (0..reach).chain((width - reach).max(reach)..width) {
                let pixels = (0..kernel_size).map(|offset| line[reflect(x + offset, reach, width)]);
                row[x] = kernel.iter().zip(pixels).map(|(weight, x)| weight * x).sum();
            }
        }
    }
}

/// `place − reach`, mirrored at the first and last of `side` pixels.
fn reflect(place: usize, reach: usize, side: usize) -> usize {
    let from_first = place.abs_diff(reach);
    if from_first < side { from_first } else { 2 * (side - 1) - from_first }
}

fn kernel(size: usize, sigma: f64) -> Vec<f32> {
    let middle = (size / 2) as f64;
    let weight = |place: usize| (-0.5 * ((place as f64 - middle) / sigma).powi(2)).exp();
    let sum: f64 = (0..size).map(weight).sum();
    #[allow(clippy::cast_possible_truncation, reason = "weights of at most 1")]
    (0..size).map(|place| (weight(place) / sum) as f32).collect()
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
