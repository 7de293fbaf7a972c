//! Equalization of the histogram of each channel.

use crate::PlanarImage;

/// Remaps the 256 levels of each channel so that all become about equally frequent, as PIL and
/// torchvision do.
///
/// Values are rounded down to their level first. A channel of few pixels or of one level is only
/// rounded.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, equalize};
///
/// // Two levels, a tenth apart, become black and white.
/// let plane = [[0.4; 512], [0.5; 512]].concat();
/// let mut image = PlanarImage { height: 2, width: 512, data: plane.repeat(3) };
/// equalize(&mut image);
/// assert_eq!((image.data[0], image.data[512]), (0.0, 1.0));
/// ```
pub fn equalize(image: &mut PlanarImage) {
    for plane in image.planes_mut() {
        equalize_plane(plane);
    }
}

pub(crate) fn equalize_plane(plane: &mut [f32]) {
    let mut counts = [0_usize; 256];
    for x in &*plane {
        counts[level(*x)] += 1;
    }
    let brightest = counts.iter().rev().find(|count| **count > 0).copied().unwrap_or(0);
    // Pixels per step between levels; there are 255 steps.
    let step = (plane.len() - brightest) / 255;
    if step == 0 {
        for x in plane {
            *x = level(*x) as f32 / 255.0;
        }
        return;
    }
    let mut below = 0;
    let levels = counts.map(|count| {
        let level = ((below + step / 2) / step).min(255);
        below += count;
        level as f32 / 255.0
    });
    for x in plane {
        *x = levels[level(*x)];
    }
}

/// Converts to a byte as torchvision does.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast clamps")]
fn level(x: f32) -> usize {
    usize::from((x * 255.999) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(levels: impl Iterator<Item = usize>) -> PlanarImage {
        let plane: Vec<f32> = levels.map(|level| level as f32 / 255.0).collect();
        PlanarImage { height: 1, width: plane.len(), data: plane.repeat(3) }
    }

    #[test]
    fn even_levels_stay_and_few_are_spread() {
        let even = gray((0..256).flat_map(|level| [level; 4]));
        let mut same = even.clone();
        equalize(&mut same);
        assert_eq!(same, even);
        // 600 dark, 300 in the middle, 100 bright samples: steps of (1000 − 100) / 255 = 3 samples.
        let few = (0..1000).map(|i| {
            if i < 600 {
                100
            } else if i < 900 {
                101
            } else {
                102
            }
        });
        let mut few = gray(few);
        equalize(&mut few);
        let found = [few.data[0], few.data[600], few.data[900]].map(|x| (x * 255.0).round());
        // Below them lie 0, 600 and 900 samples, of which (n + 1) / 3 steps are made.
        assert_eq!(found, [0.0, 200.0, 255.0]);
    }

    #[test]
    fn one_level_and_small_images_stay() {
        for mut image in [gray([7; 600].into_iter()), gray(0..200)] {
            let before = image.clone();
            equalize(&mut image);
            assert_eq!(image, before);
        }
    }
}
