//! Operators on the colour of each pixel, as torchvision has them on floats in `[0, 1]`.

use crate::Picture;

/// Share of each channel in what the eye sees as light (ITU-R BT.601, as torchvision rounds it).
const LIGHT: [f32; 3] = [0.2989, 0.587, 0.114];

/// Multiplies pixels by `factor`, at least 0, and clamps them to `[0, 1]`.
pub fn brightness(picture: &mut Picture, factor: f32) {
    picture.data.iter_mut().for_each(|x| *x = (*x * factor).clamp(0.0, 1.0));
}

/// Moves pixels away from the picture's mean gray by `factor`, at least 0; 0 leaves only that gray.
pub fn contrast(picture: &mut Picture, factor: f32) {
    let [red, green, blue] = [0, 1, 2].map(|channel| sum(picture.plane(channel)));
    let light = LIGHT.map(f64::from);
    let mean = (light[0] * red + light[1] * green + light[2] * blue) / picture.plane(0).len() as f64;
    #[allow(clippy::cast_possible_truncation, reason = "a pixel's value")]
    let rest = (1.0 - factor) * mean as f32;
    picture.data.iter_mut().for_each(|x| *x = (*x * factor + rest).clamp(0.0, 1.0));
}

/// The sum, in parts that are kept apart so that it can be added up several at a time.
fn sum(plane: &[f32]) -> f64 {
    let (blocks, rest) = plane.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    let mut total = 0.0;
    for group in blocks.chunks(64) {
        sums.fill(0.0);
        for block in group {
            sums.iter_mut().zip(block).for_each(|(sum, x)| *sum += x);
        }
        total += sums.iter().map(|sum| f64::from(*sum)).sum::<f64>();
    }
    total + rest.iter().map(|x| f64::from(*x)).sum::<f64>()
}

/// Moves each pixel away from its own gray by `factor`, at least 0; 0 leaves only gray.
pub fn saturation(picture: &mut Picture, factor: f32) {
    each_pixel(picture, |[r, g, b]| {
        let rest = (1.0 - factor) * (LIGHT[0] * r + LIGHT[1] * g + LIGHT[2] * b);
        [r, g, b].map(|x| (x * factor + rest).clamp(0.0, 1.0))
    });
}

/// Replaces each pixel by its gray.
pub fn grayscale(picture: &mut Picture) {
    each_pixel(picture, |[r, g, b]| [LIGHT[0] * r + LIGHT[1] * g + LIGHT[2] * b; 3]);
}

/// Turns colours by `shift` around the colour circle, −0.5 to 0.5, where 1 is a whole turn.
///
/// Lightness and saturation, those of HSV, stay. Both ways through HSV are folded into one: a channel of
/// hue `h` is `max − (max − min) · clamp(min(k, 4 − k), 0, 1)` with `k = (n + 6h) mod 6` and `n` 5, 3, 1.
pub fn hue(picture: &mut Picture, shift: f32) {
    each_pixel(picture, |[r, g, b]| {
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        let range = high - low;
        let scale = if range > 0.0 { 1.0 / range } else { 0.0 };
        // Sixths of the circle; red wins over green, green over blue, where two are highest.
        let of_red = (g - b) * scale;
        let of_green = (b - r) * scale + 2.0;
        let of_blue = (r - g) * scale + 4.0;
        let sixths = if high == r {
            of_red
        } else if high == g {
            of_green
        } else {
            of_blue
        };
        let turned = sixths + 6.0 * shift + 12.0; // above 0 whatever the shift
        [5.0, 3.0, 1.0].map(|n: f32| {
            let k = n + turned;
            let k = k - 6.0 * (k * (1.0 / 6.0)).floor();
            high - range * k.min(4.0 - k).clamp(0.0, 1.0)
        })
    });
}

/// Inverts samples of at least `threshold`.
pub fn solarize(picture: &mut Picture, threshold: f32) {
    picture.data.iter_mut().for_each(|x| *x = if *x >= threshold { 1.0 - *x } else { *x });
}

#[inline]
fn each_pixel(picture: &mut Picture, change: impl Fn([f32; 3]) -> [f32; 3]) {
    let [red, green, blue] = picture.planes_mut();
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        [*r, *g, *b] = change([*r, *g, *b]);
    }
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
}
