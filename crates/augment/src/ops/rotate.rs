//! Rotation about the center of an image.

use crate::PlanarImage;
use crate::planes::Planes;

/// Rotates counter-clockwise by `degrees` about the center, at the same size.
///
/// Values are interpolated bilinearly; beyond its border the image is mirrored with its edge
/// repeated. The content of `scratch` does not matter.
///
/// # Example
/// ```
/// use selfsame_augment::{PlanarImage, rotate};
///
/// let mut image = PlanarImage { height: 2, width: 2, data: [0.0, 0.25, 0.5, 0.75].repeat(3) };
/// rotate(&mut image, 90.0, &mut PlanarImage::default());
/// let want = [0.25, 0.75, 0.0, 0.5].repeat(3);
/// assert!(image.data.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6));
/// ```
pub fn rotate(image: &mut PlanarImage, degrees: f64, scratch: &mut PlanarImage) {
    rotate_planes(&mut image.as_planes(), degrees, scratch);
}

pub(crate) fn rotate_planes(planes: &mut Planes<'_>, degrees: f64, spare: &mut PlanarImage) {
    let (height, width) = (planes.height, planes.width);
    spare.reshape(height, width);
    for (from, to) in planes.channels().into_iter().zip(spare.planes_mut()) {
        to.copy_from_slice(from);
    }
    #[allow(clippy::cast_possible_truncation, reason = "positions in pixels")]
    let [sin, cos] = { [degrees.to_radians().sin() as f32, degrees.to_radians().cos() as f32] };
    let (middle_y, middle_x) = (height as f32 / 2.0 - 0.5, width as f32 / 2.0 - 0.5);
    let from = [0, 1, 2].map(|channel| spare.plane(channel));
    let mut to = planes.channels();
    for y in 0..height {
        let dy = y as f32 - middle_y;
        for x in 0..width {
            let dx = x as f32 - middle_x;
            let (from_y, from_x) = (middle_y + sin * dx + cos * dy, middle_x + cos * dx - sin * dy);
            let (above, below, down) = between(from_y, height);
            let (before, after, across) = between(from_x, width);
            for (from, to) in from.iter().zip(&mut to) {
                let mix = |row: usize| {
                    let (a, b) = (from[row * width + before], from[row * width + after]);
                    a + (b - a) * across
                };
                let (upper, lower) = (mix(above), mix(below));
                to[y * width + x] = upper + (lower - upper) * down;
            }
        }
    }
}

/// Returns the two pixels around a position, mirrored into the image, and the weight of the second.
fn between(position: f32, side: usize) -> (usize, usize, f32) {
    let floor = position.floor();
    #[allow(clippy::cast_possible_truncation, reason = "positions near an image")]
    let first = floor as isize;
    (mirrored(first, side), mirrored(first + 1, side), position - floor)
}

/// Maps a position to the pixel mirrored there, with the edge repeated.
fn mirrored(place: isize, side: usize) -> usize {
    match usize::try_from(place) {
        Ok(place) if place < side => place,
        Ok(place) => {
            let place = place % (2 * side);
            place.min(2 * side - 1 - place)
        }
        Err(_) => mirrored(-1 - place, side),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> PlanarImage {
        PlanarImage { height: 3, width: 3, data: (0..27).map(|i| i as f32 / 27.0).collect() }
    }

    #[test]
    fn a_quarter_turn_moves_the_right_edge_up() {
        let mut turned = image();
        rotate(&mut turned, 90.0, &mut PlanarImage::default());
        let plane: Vec<i32> = turned.plane(0).iter().map(|x| (x * 27.0).round() as i32).collect();
        assert_eq!(plane, [2, 5, 8, 1, 4, 7, 0, 3, 6]);
    }

    #[test]
    fn a_full_turn_is_none_and_no_turn_leaves_the_range() {
        let mut turned = image();
        rotate(&mut turned, 360.0, &mut PlanarImage::default());
        assert!(turned.data.iter().zip(&image().data).all(|(a, b)| (a - b).abs() < 1e-5));
        rotate(&mut turned, 33.0, &mut PlanarImage::default());
        assert!(turned.data.iter().all(|x| (0.0..=1.0).contains(x)));
    }
}
