//! Painting over a part of an image.

use rand::{Rng, RngExt};

use crate::paint::Planes;
use crate::{CropBox, PlanarImage};

/// Paints `part` with one `color`, in `[0, 1]`.
///
/// # Panics
/// If the part reaches beyond the image.
#[track_caller]
pub fn erase(image: &mut PlanarImage, part: CropBox, color: [f32; 3]) {
    erase_planes(&mut image.as_planes(), part, color);
}

#[track_caller]
pub(crate) fn erase_planes(planes: &mut Planes<'_>, part: CropBox, color: [f32; 3]) {
    let CropBox { top, left, height, width } = part;
    let stride = planes.width.max(1);
    for (plane, color) in planes.rows(top, height).channels().into_iter().zip(color) {
        for row in plane.chunks_exact_mut(stride) {
            row[left..][..width].fill(color);
        }
    }
}

/// Draws a part to paint over: area uniform in `area` (shares of the image's), the logarithm of
/// height over width uniform in the logarithms of `aspect`, place uniform. `None` after ten parts
/// that do not fit.
///
/// # Source
/// Zhong et al., 2017, [arXiv:1708.04896](https://arxiv.org/abs/1708.04896), algorithm 1, in the form
/// of torchvision's `RandomErasing`.
pub fn draw_erasure(
    image: [usize; 2],
    area: [f64; 2],
    aspect: [f64; 2],
    rng: &mut impl Rng,
) -> Option<CropBox> {
    let pixels = (image[0] * image[1]) as f64;
    (0..10).find_map(|_| {
        let target = pixels * rng.random_range(area[0]..=area[1]);
        let shape = rng.random_range(aspect[0].ln()..=aspect[1].ln()).exp();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sides of parts"
        )]
        let [height, width] =
            [target * shape, target / shape].map(|side| side.sqrt().round() as usize);
        if height == 0 || width == 0 || height >= image[0] || width >= image[1] {
            return None;
        }
        let top = rng.random_range(0..=image[0] - height);
        let left = rng.random_range(0..=image[1] - width);
        Some(CropBox { top, left, height, width })
    })
}

/// Draws a square of `side` whose middle is anywhere in the image; what lies beyond it is cut off.
///
/// # Source
/// DeVries & Taylor, 2017, [arXiv:1708.04552](https://arxiv.org/abs/1708.04552), section 3.2.
pub fn draw_cutout([height, width]: [usize; 2], side: usize, rng: &mut impl Rng) -> CropBox {
    let mut stretch = |length: usize| {
        let middle = rng.random_range(0..length);
        let start = middle.saturating_sub(side / 2);
        (start, (middle + side.div_ceil(2)).min(length) - start)
    };
    let ((top, height), (left, width)) = (stretch(height), stretch(width));
    CropBox { top, left, height, width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewKey;

    #[test]
    fn only_the_part_is_painted() {
        let mut image = PlanarImage::black(4, 5);
        erase(&mut image, CropBox { top: 1, left: 2, height: 2, width: 3 }, [0.25, 0.5, 1.0]);
        let sums = [0, 1, 2].map(|channel| image.plane(channel).iter().sum::<f32>());
        assert_eq!(sums, [6.0 * 0.25, 6.0 * 0.5, 6.0]);
        assert_eq!((image.data[6], image.data[7], image.data[19]), (0.0, 0.25, 0.0));
    }

    #[test]
    fn areas_and_shapes_follow_their_distributions() {
        let mut rng = ViewKey { seed: 3, epoch: 0, sample: 0, view: 0 }.rng();
        let (mut areas, mut shapes, draws) = (0.0, 0.0, 4_000);
        for _ in 0..draws {
            let part = draw_erasure([1000, 1000], [0.02, 0.2], [0.5, 2.0], &mut rng).unwrap();
            let shape = part.height as f64 / part.width as f64;
            let covered = (part.height * part.width) as f64 / 1e6;
            assert!((0.019..0.201).contains(&covered) && (0.49..2.02).contains(&shape));
            areas += covered / f64::from(draws);
            shapes += shape.ln() / f64::from(draws);
        }
        // Means of uniform draws, within four standard errors.
        assert!((areas - 0.11).abs() < 4.0 * 0.18 / 12_f64.sqrt() / 63.2, "{areas}");
        assert!(shapes.abs() < 4.0 * 4_f64.ln() / 12_f64.sqrt() / 63.2, "{shapes}");
        assert_eq!(draw_erasure([1, 1], [0.5, 0.5], [1.0, 1.0], &mut rng), None);
    }

    #[test]
    fn squares_are_cut_off_at_the_border() {
        let mut rng = ViewKey { seed: 5, epoch: 0, sample: 0, view: 0 }.rng();
        let (mut whole, draws) = (0, 4_000);
        for _ in 0..draws {
            let part = draw_cutout([20, 20], 8, &mut rng);
            assert!(part.height >= 4 && part.width >= 4, "{part:?}");
            assert!(part.top + part.height <= 20 && part.left + part.width <= 20, "{part:?}");
            whole += u32::from(part.height == 8 && part.width == 8);
        }
        // A whole square has its middle in 13 of 20 rows and columns.
        let share = f64::from(whole) / f64::from(draws);
        assert!((share - 0.4225).abs() < 4.0 * 0.494 / 63.2, "{share}");
    }
}
