//! Operators on the color of each pixel, as torchvision has them on floats in `[0, 1]`.

use crate::PlanarImage;
use crate::paint::{Change, gray, paint, sums};

/// Multiplies pixels by `factor`, at least 0, and clamps them to `[0, 1]`.
pub fn brightness(image: &mut PlanarImage, factor: f32) {
    paint(&[Change::Scale(factor)], image.as_planes());
}

/// Adds `shift`, −1 to 1, to pixels and clamps them to `[0, 1]`: the brightness of SimCLR's first
/// version, as TensorFlow has it.
pub fn lighten(image: &mut PlanarImage, shift: f32) {
    paint(&[Change::Shift(shift)], image.as_planes());
}

/// Moves pixels away from the image's mean gray by `factor`, at least 0; 0 leaves only that gray.
pub fn contrast(image: &mut PlanarImage, factor: f32) {
    let middle = mean_gray(means(image));
    paint(&[Change::away_from(middle, factor)], image.as_planes());
}

/// Moves the samples of each channel away from the channel's mean by `factor`, at least 0, as
/// TensorFlow has it; 0 leaves only the mean color.
pub fn channel_contrast(image: &mut PlanarImage, factor: f32) {
    let middle = means(image);
    paint(&[Change::away_from(middle, factor)], image.as_planes());
}

fn means(image: &mut PlanarImage) -> [f32; 3] {
    let pixels = image.height * image.width;
    mean_color(sums(image.as_planes()), pixels)
}

/// The mean of each channel of `pixels` pixels, of the sums.
pub(crate) fn mean_color(sums: [f64; 3], pixels: usize) -> [f32; 3] {
    #[allow(clippy::cast_possible_truncation, reason = "a pixel's value")]
    sums.map(|sum| (sum / pixels as f64) as f32)
}

/// The gray of a mean color, which is the mean of all grays.
pub(crate) fn mean_gray(means: [f32; 3]) -> [f32; 3] {
    [gray(means); 3]
}

/// Moves each pixel away from its own gray by `factor`, at least 0; 0 leaves only gray.
pub fn saturation(image: &mut PlanarImage, factor: f32) {
    paint(&[Change::Saturation(factor)], image.as_planes());
}

/// Multiplies the saturation of HSV by `factor`, at least 0, and clamps it to 1, as TensorFlow has it.
///
/// Hue and value, the largest of the three channels, stay; 0 leaves only the value, not the gray.
pub fn hsv_saturation(image: &mut PlanarImage, factor: f32) {
    paint(&[Change::HsvSaturation(factor)], image.as_planes());
}

/// Turns colors by `shift` around the color circle, −0.5 to 0.5, where 1 is a whole turn.
///
/// Lightness and saturation, those of HSV, stay.
pub fn hue(image: &mut PlanarImage, shift: f32) {
    paint(&[Change::Hue(shift)], image.as_planes());
}

/// Replaces each pixel by its gray.
pub fn grayscale(image: &mut PlanarImage) {
    paint(&[Change::Grayscale], image.as_planes());
}

/// Inverts samples of at least `threshold`.
pub fn solarize(image: &mut PlanarImage, threshold: f32) {
    paint(&[Change::Solarize(threshold)], image.as_planes());
}

/// Rounds samples down to a multiple of `2^−bits`, with `bits` 1 to 8, as torchvision does on floats.
pub fn posterize(image: &mut PlanarImage, bits: u32) {
    paint(&[posterized(bits)], image.as_planes());
}

pub(crate) fn posterized(bits: u32) -> Change {
    Change::Posterize((1_u32 << bits.min(8)) as f32)
}

/// Sets one channel, 0 to 2, to `fill`.
///
/// # Panics
/// If there is no such channel.
pub fn drop_channel(image: &mut PlanarImage, channel: usize, fill: f32) {
    paint(&[Change::Drop { channel, fill }], image.as_planes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(color: [f32; 3], change: impl Fn(&mut PlanarImage)) -> [f32; 3] {
        let mut image = PlanarImage { height: 1, width: 1, data: color.to_vec() };
        change(&mut image);
        [image.data[0], image.data[1], image.data[2]]
    }

    #[test]
    fn a_third_of_a_turn_makes_red_green() {
        let turned = pixel([0.8, 0.1, 0.1], |p| hue(p, 1.0 / 3.0));
        assert!((turned[0] - 0.1).abs() < 1e-6 && (turned[1] - 0.8).abs() < 1e-6, "{turned:?}");
    }

    #[test]
    fn gray_has_no_hue_and_no_saturation_to_change() {
        for change in [-0.5, 0.2, 0.5] {
            assert_eq!(pixel([0.3; 3], |p| hue(p, change)), [0.3; 3]);
        }
        let kept = pixel([0.3; 3], |p| saturation(p, 1.7));
        assert!(kept.iter().all(|x| (x - 0.3).abs() < 1e-4), "{kept:?}");
    }

    #[test]
    fn hue_goes_through_the_six_colors_and_keeps_what_is_no_number() {
        let colors = [
            [1.0, 1.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 1.0, 1.0],
            [0.0, 0.0, 1.0],
            [1.0, 0.0, 1.0],
            [1.0, 0.0, 0.0],
        ];
        for (place, want) in colors.into_iter().enumerate() {
            let sixths = (place + 1) as f32;
            for turn in [sixths / 6.0, sixths / 6.0 - 1.0] {
                let found = pixel([1.0, 0.0, 0.0], |p| hue(p, turn));
                let close = found.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(close, "{turn}: {found:?}");
            }
        }
        // Colors that hardly differ are turned as any others.
        let dim = pixel([3e-38, 0.0, 0.0], |p| hue(p, 1.0 / 3.0));
        assert!(dim[0] < 1e-43 && dim[1] > 2.9e-38, "{dim:?}");
        assert!(pixel([f32::NAN, 0.5, 0.2], |p| hue(p, 0.1)).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn factors_of_one_change_nothing_and_of_nought_everything() {
        let color = [0.9, 0.5, 0.2];
        assert_eq!(pixel(color, |p| brightness(p, 1.0)), color);
        assert_eq!(pixel(color, |p| brightness(p, 0.0)), [0.0; 3]);
        let gray = pixel(color, grayscale);
        for nought in [pixel(color, |p| saturation(p, 0.0)), pixel(color, |p| contrast(p, 0.0))] {
            assert!(nought.iter().zip(gray).all(|(a, b)| (a - b).abs() < 1e-6), "{nought:?}");
        }
    }

    /// By way of HSV, as books have it: saturation by a factor, hue by a share of a turn.
    fn through_hsv([r, g, b]: [f32; 3], factor: f32, turn: f32) -> [f32; 3] {
        let (value, low) = (r.max(g).max(b), r.min(g).min(b));
        let chroma = value - low;
        let hue = if chroma == 0.0 {
            0.0
        } else if value == r {
            ((g - b) / chroma).rem_euclid(6.0)
        } else if value == g {
            (b - r) / chroma + 2.0
        } else {
            (r - g) / chroma + 4.0
        };
        let hue = (hue + 6.0 * turn).rem_euclid(6.0);
        let saturation = if value == 0.0 { 0.0 } else { chroma / value };
        let chroma = value * (saturation * factor).clamp(0.0, 1.0);
        let second = chroma * (1.0 - (hue % 2.0 - 1.0).abs());
        let color = match hue as usize {
            0 => [chroma, second, 0.0],
            1 => [second, chroma, 0.0],
            2 => [0.0, chroma, second],
            3 => [0.0, second, chroma],
            4 => [second, 0.0, chroma],
            _ => [chroma, 0.0, second],
        };
        color.map(|x| x + value - chroma)
    }

    #[test]
    fn saturation_and_hue_of_hsv_are_those_of_books() {
        // Half of 0.8 is a saturation of 0.4; twice is 1.
        let half = pixel([0.5, 0.1, 0.3], |p| hsv_saturation(p, 0.5));
        assert!(half.iter().zip([0.5, 0.3, 0.4]).all(|(a, b)| (a - b).abs() < 1e-6), "{half:?}");
        let twice = pixel([0.5, 0.1, 0.3], |p| hsv_saturation(p, 2.0));
        assert!(twice.iter().zip([0.5, 0.0, 0.25]).all(|(a, b)| (a - b).abs() < 1e-6), "{twice:?}");
        let levels = [0.0, 0.2, 0.55, 1.0];
        for place in 0..64 {
            let color = [levels[place / 16], levels[place / 4 % 4], levels[place % 4]];
            for factor in [0.0, 0.3, 1.0, 1.2, 7.0] {
                let found = pixel(color, |p| hsv_saturation(p, factor));
                let want = through_hsv(color, factor, 0.0);
                let close = found.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(close, "{color:?} by {factor}: {found:?}, not {want:?}");
            }
            for turn in [-0.5, -0.37, -0.1, 0.0, 0.05, 0.2, 0.45, 0.5] {
                let found = pixel(color, |p| hue(p, turn));
                let want = through_hsv(color, 1.0, turn);
                let close = found.iter().zip(want).all(|(a, b)| (a - b).abs() < 2e-6);
                assert!(close, "{color:?} turned by {turn}: {found:?}, not {want:?}");
            }
        }
    }

    #[test]
    fn contrast_of_channels_is_about_each_channels_mean() {
        // Means of 0.4, 0.5 and 0.1; 1.2 is clamped.
        let data = vec![0.2, 0.6, 0.1, 0.9, 0.1, 0.1];
        let mut image = PlanarImage { height: 1, width: 2, data };
        channel_contrast(&mut image, 1.75);
        let want = [0.05, 0.75, 0.0, 1.0, 0.1, 0.1];
        let close = image.data.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close, "{:?}", image.data);
    }

    #[test]
    fn light_is_added_and_levels_are_few() {
        assert_eq!(pixel([0.5, 0.875, 0.0], |p| lighten(p, 0.25)), [0.75, 1.0, 0.25]);
        assert_eq!(pixel([0.5, 0.875, 0.0], |p| lighten(p, -0.5)), [0.0, 0.375, 0.0]);
        assert_eq!(pixel([0.3, 0.8, 1.0], |p| posterize(p, 2)), [0.25, 0.75, 0.75]);
        assert_eq!(pixel([0.1, 0.2, 0.3], |p| drop_channel(p, 1, 0.5)), [0.1, 0.5, 0.3]);
    }
}
