//! Operators on the colour of each pixel, as torchvision has them on floats in `[0, 1]`.

use crate::Picture;
use crate::paint::{Change, light, paint};

/// Multiplies pixels by `factor`, at least 0, and clamps them to `[0, 1]`.
pub fn brightness(picture: &mut Picture, factor: f32) {
    paint(&[Change::Scale(factor)], picture.as_planes());
}

/// Adds `shift`, −1 to 1, to pixels and clamps them to `[0, 1]`: the brightness of SimCLR's first
/// version, as TensorFlow has it.
pub fn lighten(picture: &mut Picture, shift: f32) {
    paint(&[Change::Shift(shift)], picture.as_planes());
}

/// Moves pixels away from the picture's mean gray by `factor`, at least 0; 0 leaves only that gray.
pub fn contrast(picture: &mut Picture, factor: f32) {
    let change = contrast_about(factor, light(picture.as_planes()), picture.height * picture.width);
    paint(&[change], picture.as_planes());
}

/// The change of contrast of `pixels` pixels whose light adds up to `light`.
pub(crate) fn contrast_about(factor: f32, light: f64, pixels: usize) -> Change {
    #[allow(clippy::cast_possible_truncation, reason = "a pixel's value")]
    let mean = (light / pixels as f64) as f32;
    Change::Mix { factor, rest: (1.0 - factor) * mean }
}

/// Moves each pixel away from its own gray by `factor`, at least 0; 0 leaves only gray.
pub fn saturation(picture: &mut Picture, factor: f32) {
    paint(&[Change::Saturation(factor)], picture.as_planes());
}

/// Turns colours by `shift` around the colour circle, −0.5 to 0.5, where 1 is a whole turn.
///
/// Lightness and saturation, those of HSV, stay.
pub fn hue(picture: &mut Picture, shift: f32) {
    paint(&[Change::Hue(shift)], picture.as_planes());
}

/// Replaces each pixel by its gray.
pub fn grayscale(picture: &mut Picture) {
    paint(&[Change::Grayscale], picture.as_planes());
}

/// Inverts samples of at least `threshold`.
pub fn solarize(picture: &mut Picture, threshold: f32) {
    paint(&[Change::Solarize(threshold)], picture.as_planes());
}

/// Rounds samples down to a multiple of `2^−bits`, with `bits` 1 to 8, as torchvision does on floats.
pub fn posterize(picture: &mut Picture, bits: u32) {
    paint(&[posterized(bits)], picture.as_planes());
}

pub(crate) fn posterized(bits: u32) -> Change {
    Change::Posterize((1_u32 << bits.min(8)) as f32)
}

/// Sets one channel, 0 to 2, to `fill`.
///
/// # Panics
/// If there is no such channel.
pub fn drop_channel(picture: &mut Picture, channel: usize, fill: f32) {
    paint(&[Change::Drop { channel, fill }], picture.as_planes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(color: [f32; 3], change: impl Fn(&mut Picture)) -> [f32; 3] {
        let mut picture = Picture { height: 1, width: 1, data: color.to_vec() };
        change(&mut picture);
        [picture.data[0], picture.data[1], picture.data[2]]
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
    fn factors_of_one_change_nothing_and_of_nought_everything() {
        let color = [0.9, 0.5, 0.2];
        assert_eq!(pixel(color, |p| brightness(p, 1.0)), color);
        assert_eq!(pixel(color, |p| brightness(p, 0.0)), [0.0; 3]);
        let gray = pixel(color, grayscale);
        for nought in [pixel(color, |p| saturation(p, 0.0)), pixel(color, |p| contrast(p, 0.0))] {
            assert!(nought.iter().zip(gray).all(|(a, b)| (a - b).abs() < 1e-6), "{nought:?}");
        }
    }

    #[test]
    fn light_is_added_and_levels_are_few() {
        assert_eq!(pixel([0.5, 0.875, 0.0], |p| lighten(p, 0.25)), [0.75, 1.0, 0.25]);
        assert_eq!(pixel([0.5, 0.875, 0.0], |p| lighten(p, -0.5)), [0.0, 0.375, 0.0]);
        assert_eq!(pixel([0.3, 0.8, 1.0], |p| posterize(p, 2)), [0.25, 0.75, 0.75]);
        assert_eq!(pixel([0.1, 0.2, 0.3], |p| drop_channel(p, 1, 0.5)), [0.1, 0.5, 0.3]);
    }
}
