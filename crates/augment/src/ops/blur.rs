//! Gaussian blur.

use crate::PlanarImage;
use crate::run::blur::{Blur, Blurring};

/// Convolves with a Gaussian of `sigma` pixels, cut off to an odd `kernel_size`.
///
/// Beyond the border the image is reflected without repeating its edge, as in torchvision. Weights
/// at the ends of the kernel that sum to less than 2⁻¹⁷ are omitted.
///
/// # Panics
/// If `kernel_size` is even, or half of it is not less than the shorter side.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, gaussian_blur};
///
/// let mut image = PlanarImage::black(5, 5);
/// image.data[12] = 1.0;
/// gaussian_blur(&mut image, 3, 0.8);
/// assert!(image.data[12] < 0.3 && image.data[11] == image.data[13]);
/// ```
#[track_caller]
pub fn gaussian_blur(image: &mut PlanarImage, kernel_size: usize, sigma: f64) {
    Blur::default().run(Blurring::new(kernel_size, sigma), image.as_planes(), |_| {});
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::blur::reflect;

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
                    // The omitted weights count in both directions.
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
