//! Operators on the color of each pixel, with torchvision's semantics on floats in `[0, 1]`.

use crate::run::pointwise::apply_alone;
use crate::{PixelOp, PlanarImage};

/// Multiplies values by `factor`, at least 0, and clamps them to `[0, 1]`.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, brightness};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.125, 0.25, 0.75] };
/// brightness(&mut image, 2.0);
/// assert_eq!(image.data, [0.25, 0.5, 1.0]);
/// ```
pub fn brightness(image: &mut PlanarImage, factor: f32) {
    apply_alone(PixelOp::Brightness(factor), image.as_planes());
}

/// Adds `shift`, −1 to 1, to values and clamps them to `[0, 1]`.
///
/// This is the brightness of `SimCLR`'s first version, as in `TensorFlow`.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, add_brightness};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.0, 0.25, 0.75] };
/// add_brightness(&mut image, 0.5);
/// assert_eq!(image.data, [0.5, 0.75, 1.0]);
/// ```
pub fn add_brightness(image: &mut PlanarImage, shift: f32) {
    apply_alone(PixelOp::AddBrightness(shift), image.as_planes());
}

/// Moves values away from the image's mean gray by `factor`, at least 0, and clamps them to `[0,
/// 1]`.
///
/// A factor of 0 leaves only the mean gray.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, contrast};
///
/// // A dark and a bright gray pixel, whose mean is 0.5.
/// let mut image = PlanarImage { height: 1, width: 2, data: [0.375, 0.625].repeat(3) };
/// contrast(&mut image, 2.0);
/// let want = [0.25, 0.75].repeat(3);
/// assert!(image.data.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-3));
/// ```
pub fn contrast(image: &mut PlanarImage, factor: f32) {
    apply_alone(PixelOp::Contrast(factor), image.as_planes());
}

/// Moves the values of each channel away from the channel's mean by `factor`, at least 0, and
/// clamps them to `[0, 1]`, as `TensorFlow` does.
///
/// A factor of 0 leaves only the mean color.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, channel_contrast};
///
/// let red = [0.25, 0.75];
/// let data = [red, [0.5; 2], [0.0; 2]].concat();
/// let mut image = PlanarImage { height: 1, width: 2, data };
/// channel_contrast(&mut image, 1.5);
/// assert_eq!(image.data, [0.125, 0.875, 0.5, 0.5, 0.0, 0.0]);
/// ```
pub fn channel_contrast(image: &mut PlanarImage, factor: f32) {
    apply_alone(PixelOp::ChannelContrast(factor), image.as_planes());
}

/// Moves each pixel away from its own gray by `factor`, at least 0, and clamps it to `[0, 1]`.
///
/// A factor of 0 leaves only gray.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, saturation};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![1.0, 0.0, 0.0] };
/// saturation(&mut image, 0.0);
/// assert!(image.data.iter().all(|x| (x - 0.2989).abs() < 1e-6));
/// ```
pub fn saturation(image: &mut PlanarImage, factor: f32) {
    apply_alone(PixelOp::Saturation(factor), image.as_planes());
}

/// Multiplies the saturation of HSV by `factor`, at least 0, and clamps it to 1, as `TensorFlow`
/// does.
///
/// Hue and value, the largest of the three channels, are unchanged; a factor of 0 leaves only the
/// value, not the gray.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, hsv_saturation};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.75, 0.25, 0.75] };
/// hsv_saturation(&mut image, 0.5);
/// assert_eq!(image.data, [0.75, 0.5, 0.75]);
/// ```
pub fn hsv_saturation(image: &mut PlanarImage, factor: f32) {
    apply_alone(PixelOp::HsvSaturation(factor), image.as_planes());
}

/// Turns colors by `shift` around the color circle, −0.5 to 0.5, where 1 is a whole turn.
///
/// Value and saturation, those of HSV, are unchanged.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, hue};
///
/// // A third of a turn from red is green.
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![1.0, 0.0, 0.0] };
/// hue(&mut image, 1.0 / 3.0);
/// assert!(image.data.iter().zip([0.0, 1.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6));
/// ```
pub fn hue(image: &mut PlanarImage, shift: f32) {
    apply_alone(PixelOp::Hue(shift), image.as_planes());
}

/// Replaces each pixel by its gray, `0.2989 red + 0.587 green + 0.114 blue`.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, grayscale};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.0, 1.0, 0.0] };
/// grayscale(&mut image);
/// assert_eq!(image.data, [0.587; 3]);
/// ```
pub fn grayscale(image: &mut PlanarImage) {
    apply_alone(PixelOp::Grayscale, image.as_planes());
}

/// Inverts values of at least `threshold`: `1 − x`.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, solarize};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.25, 0.5, 0.75] };
/// solarize(&mut image, 0.5);
/// assert_eq!(image.data, [0.25, 0.5, 0.25]);
/// ```
pub fn solarize(image: &mut PlanarImage, threshold: f32) {
    apply_alone(PixelOp::Solarize { threshold }, image.as_planes());
}

/// Rounds values down to a multiple of `2^−bits`, with `bits` 1 to 8, as torchvision does on
/// floats.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, posterize};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.2, 0.6, 1.0] };
/// posterize(&mut image, 2);
/// assert_eq!(image.data, [0.0, 0.5, 0.75]);
/// ```
pub fn posterize(image: &mut PlanarImage, bits: u32) {
    apply_alone(PixelOp::Posterize { bits }, image.as_planes());
}

/// Sets one channel, 0 to 2, to `fill`.
///
/// # Panics
/// If there is no such channel.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, drop_channel};
///
/// let mut image = PlanarImage { height: 1, width: 1, data: vec![0.25, 0.25, 0.25] };
/// drop_channel(&mut image, 1, 0.5);
/// assert_eq!(image.data, [0.25, 0.5, 0.25]);
/// ```
pub fn drop_channel(image: &mut PlanarImage, channel: usize, fill: f32) {
    apply_alone(PixelOp::DropChannel { channel, fill }, image.as_planes());
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
    fn hue_goes_through_the_six_colors_and_keeps_nan() {
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
        // Colors whose channels hardly differ are turned like any others.
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

    /// Converts to HSV and back by the textbook; scales the saturation, turns the hue by a share of
    /// a turn.
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
    fn brightness_is_added_and_levels_are_few() {
        assert_eq!(pixel([0.5, 0.875, 0.0], |p| add_brightness(p, 0.25)), [0.75, 1.0, 0.25]);
        assert_eq!(pixel([0.5, 0.875, 0.0], |p| add_brightness(p, -0.5)), [0.0, 0.375, 0.0]);
        assert_eq!(pixel([0.3, 0.8, 1.0], |p| posterize(p, 2)), [0.25, 0.75, 0.75]);
        assert_eq!(pixel([0.1, 0.2, 0.3], |p| drop_channel(p, 1, 0.5)), [0.1, 0.5, 0.3]);
    }
}
