//! Resampling a part of a picture to another size.

use serde::{Deserialize, Serialize};

use crate::{CropBox, Picture};

/// The curve through known pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// A straight line between two pixels.
    Bilinear,
    /// Keys' cubic through four pixels; it may leave `[0, 1]`.
    Bicubic,
}

/// How pixels between pixels are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resampling {
    /// The curve.
    pub interpolation: Interpolation,
    /// Whether a picture that shrinks is blurred accordingly.
    pub antialias: bool,
}

impl Default for Resampling {
    /// Bilinear with antialiasing, torchvision's default.
    fn default() -> Self {
        Self { interpolation: Interpolation::Bilinear, antialias: true }
    }
}

/// A part of a picture at another size, as torchvision's `resized_crop` makes it on floats.
///
/// # Panics
/// If the part is empty or reaches beyond the picture.
#[must_use]
#[track_caller]
pub fn resized_crop(
    picture: &Picture,
    part: CropBox,
    size: [usize; 2],
    resampling: Resampling,
) -> Picture {
    assert!(
        part.height > 0
            && part.width > 0
            && part.top + part.height <= picture.height
            && part.left + part.width <= picture.width,
        "{part:?} is no part of {} × {}",
        picture.height,
        picture.width
    );
    let mut cut = Picture::black(part.height, part.width);
    for channel in 0..3 {
        let rows = picture.plane(channel).chunks_exact(picture.width).skip(part.top);
        let to = cut.planes_mut()[channel].chunks_exact_mut(part.width);
        for (from, to) in rows.zip(to) {
            to.copy_from_slice(&from[part.left..][..part.width]);
        }
    }
    let mut resized = Picture::default();
    Resizer::default().resize(&cut, size, false, resampling, &mut resized);
    resized
}

/// Room for resizing that is used again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resizer {
    down: Weights,
    across: Weights,
    rows: Vec<f32>,
}

impl Resizer {
    /// Resizes, mirroring left and right on the way if `flip` is set.
    pub(crate) fn resize(
        &mut self,
        from: &Picture,
        [height, width]: [usize; 2],
        flip: bool,
        resampling: Resampling,
        to: &mut Picture,
    ) {
        self.down.compute(from.height, height, resampling);
        self.across.compute(from.width, width, resampling);
        if flip {
            self.across.flip();
        }
        to.reshape(height, width);
        // Down first: whole rows are added up, which is what processors do best.
        self.rows.resize(height * from.width, 0.0);
        for channel in 0..3 {
            let plane = from.plane(channel);
            for (row, y) in self.rows.chunks_exact_mut(from.width).zip(0..) {
                let (start, weights) = self.down.of(y);
                row.fill(0.0);
                for (weight, line) in weights.iter().zip(plane[start * from.width..].chunks_exact(from.width)) {
                    row.iter_mut().zip(line).for_each(|(sum, x)| *sum += weight * x);
                }
            }
            let plane = &mut *to.planes_mut()[channel];
            for (row, line) in plane.chunks_exact_mut(width).zip(self.rows.chunks_exact(from.width)) {
                for (x, pixel) in row.iter_mut().enumerate() {
                    let (start, weights) = self.across.of(x);
                    *pixel = weights.iter().zip(&line[start..]).map(|(weight, x)| weight * x).sum();
                }
            }
        }
    }
}

/// For every new pixel the old pixels it is made of.
#[derive(Clone, Debug, Default)]
struct Weights {
    /// First old pixel, and where its weight stands.
    starts: Vec<(usize, usize)>,
    /// The weights of one new pixel after the other.
    weights: Vec<f32>,
    /// End of the last new pixel's weights.
    ends: Vec<usize>,
}

impl Weights {
    fn of(&self, pixel: usize) -> (usize, &[f32]) {
        let (start, place) = self.starts[pixel];
        (start, &self.weights[place..self.ends[pixel]])
    }

    fn flip(&mut self) {
        self.starts.reverse();
        self.ends.reverse();
    }

    fn compute(&mut self, from: usize, to: usize, resampling: Resampling) {
        (self.starts.clear(), self.weights.clear(), self.ends.clear());
        let scale = from as f64 / to as f64;
        // Shrinking with antialiasing widens the curve; otherwise it goes through pixels as it is.
        let spread = if resampling.antialias { scale.max(1.0) } else { 1.0 };
        let reach = match resampling.interpolation {
            Interpolation::Bilinear => 1.0,
            Interpolation::Bicubic => 2.0,
        } * spread;
        for pixel in 0..to {
            let centre = scale * (pixel as f64 + 0.5);
            let weight = |old: i64| curve((old as f64 + 0.5 - centre) / spread, resampling);
            #[allow(clippy::cast_possible_truncation, reason = "pixels of a picture")]
            let (first, last) = ((centre - reach + 0.5).floor() as i64, (centre + reach + 0.5).floor() as i64);
            let place = self.weights.len();
            #[allow(clippy::cast_possible_wrap, reason = "sides of pictures")]
            let end = from as i64;
            let start = first.clamp(0, end - 1);
            if resampling.antialias {
                // Pixels beyond the border do not count.
                self.weights.extend((start..last.clamp(start + 1, end)).map(|old| weight(old) as f32));
            } else {
                // Pixels beyond the border repeat it.
                let stop = (last - 1).clamp(start, end - 1);
                self.weights.resize(place + usize::try_from(stop - start + 1).unwrap_or(1), 0.0);
                for old in first..last {
                    let near = usize::try_from(old.clamp(start, stop) - start).unwrap_or(0);
                    self.weights[place + near] += weight(old) as f32;
                }
            }
            let weights = &mut self.weights[place..];
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
            self.starts.push((usize::try_from(start).unwrap_or(0), place));
            self.ends.push(self.weights.len());
        }
    }
}

/// Weight of a pixel at a distance, in pixels.
fn curve(distance: f64, resampling: Resampling) -> f64 {
    let x = distance.abs();
    match resampling.interpolation {
        Interpolation::Bilinear => (1.0 - x).max(0.0),
        Interpolation::Bicubic => {
            // torchvision has Keys' value with antialiasing, as PIL, and OpenCV's without.
            let a = if resampling.antialias { -0.5 } else { -0.75 };
            match x {
                x if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
                x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * a,
                _ => 0.0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Picture {
        let data = (0..3 * 5 * 7).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        Picture { height: 5, width: 7, data }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let whole = CropBox { top: 0, left: 0, height: 5, width: 7 };
        for antialias in [false, true] {
            for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
                let resampling = Resampling { interpolation, antialias };
                let same = resized_crop(&ramp(), whole, [5, 7], resampling);
                let close = same.data.iter().zip(&ramp().data).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(close, "{resampling:?}");
            }
        }
    }

    #[test]
    fn a_flip_on_the_way_is_a_flip_afterwards() {
        let resampling = Resampling::default();
        let (mut plain, mut flipped) = (Picture::default(), Picture::default());
        Resizer::default().resize(&ramp(), [4, 9], false, resampling, &mut plain);
        Resizer::default().resize(&ramp(), [4, 9], true, resampling, &mut flipped);
        crate::horizontal_flip(&mut plain);
        assert_eq!(plain, flipped);
    }

    #[test]
    fn one_pixel_fills_any_size() {
        let dot = Picture { height: 1, width: 1, data: vec![0.25, 0.5, 0.75] };
        let whole = CropBox { top: 0, left: 0, height: 1, width: 1 };
        for antialias in [false, true] {
            let resampling = Resampling { interpolation: Interpolation::Bicubic, antialias };
            let filled = resized_crop(&dot, whole, [3, 2], resampling);
            assert!(filled.plane(1).iter().all(|x| (x - 0.5).abs() < 1e-6));
        }
    }
}
