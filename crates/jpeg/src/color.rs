//! From planes of luma and chroma to pixels.

use std::ops::Range;

use image::{DynamicImage, GrayImage, RgbImage};
use pulp::{Arch, Simd, WithSimd};

use super::Part;
use super::plane::Plane;

/// Pixels that are made row after row.
pub(super) struct Pixels {
    /// What is made; all else becomes black.
    part: Part,
    /// `[height, width]` of the whole image.
    size: [usize; 2],
    /// Gray, or red, green and blue.
    bytes: Vec<u8>,
    channels: usize,
    /// The row that comes next.
    next: usize,
    wide: [Wide; 2],
}

impl Pixels {
    pub(super) fn new(part: Part, size: [usize; 2], channels: usize) -> Self {
        let mut bytes = Vec::with_capacity(channels * size[0] * size[1]);
        let next = part.rows.start;
        bytes.resize(channels * next * size[1], 0);
        Self { part, size, bytes, channels, next, wide: Default::default() }
    }

    /// Makes the rows before `end`, of planes that have what these need, and drops from the planes what
    /// is needed no longer.
    pub(super) fn add(&mut self, planes: &mut [Plane], end: usize) {
        let rows = self.next..end.min(self.part.rows.end);
        self.next = rows.end.max(self.next);
        if let [luma, blue, red] = planes {
            let planes = [&*luma, blue, red];
            Arch::new().dispatch(AddColors { pixels: self, planes, rows });
        } else {
            for row in rows {
                self.bytes.extend_from_slice(&planes[0].row(row)[..self.size[1]]);
            }
        }
        for plane in planes {
            let mixing = usize::from(plane.shares[0] > 1);
            plane.drop_before((self.next / plane.shares[0]).saturating_sub(mixing));
        }
    }

    /// The image, when all its rows are made.
    pub(super) fn finish(mut self) -> Option<DynamicImage> {
        let [height, width] = self.size;
        self.bytes.resize(self.channels * height * width, 0);
        let (high, wide) = (u32::try_from(height).ok()?, u32::try_from(width).ok()?);
        match self.channels {
            1 => GrayImage::from_raw(wide, high, self.bytes).map(Into::into),
            _ => RgbImage::from_raw(wide, high, self.bytes).map(Into::into),
        }
    }
}

struct AddColors<'a> {
    pixels: &'a mut Pixels,
    planes: [&'a Plane; 3],
    rows: Range<usize>,
}

impl WithSimd for AddColors<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        let Self { pixels, planes: [luma, blue, red], rows } = self;
        let Pixels { part, size: [_, width], bytes, wide: [wide_blue, wide_red], .. } = pixels;
        let columns = &part.columns;
        for row in rows {
            let start = bytes.len();
            bytes.resize(start + 3 * *width, 0);
            let to = &mut bytes[start..].as_chunks_mut().0[columns.clone()];
            let luma = &luma.row(row)[columns.clone()];
            let (blue, red) = if blue.shares == [1, 1] {
                (&blue.row(row)[columns.clone()], &red.row(row)[columns.clone()])
            } else {
                (wide_blue.run(blue, row, columns), wide_red.run(red, row, columns))
            };
            to_rgb(luma, blue, red, to);
        }
    }
}

/// As JFIF says, rounded after a product with whole 65,536ths: of 1.402, -0.344 and -0.714, and 1.772, less
/// whole ones, so that 16 bits suffice.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn to_rgb(luma: &[u8], blue: &[u8], red: &[u8], to: &mut [[u8; 3]]) {
    let n = to.len();
    let (luma, blue, red) = (&luma[..n], &blue[..n], &red[..n]);
    for i in 0..n {
        let y = i16::from(luma[i]);
        let (b, r) = (i16::from(blue[i]) - 128, i16::from(red[i]) - 128);
        let green = (18_734 * i32::from(r) - 22_554 * i32::from(b) + 32_768) >> 16;
        let byte = |x: i16| x.clamp(0, 255) as u8;
        to[i] = [
            byte(y + r + share(r, 26_345)),
            byte(y - r + green as i16),
            byte(y + 2 * b + share(b, -14_942)),
        ];
    }
}

/// So many 65,536ths of `x`, rounded: twice as many are rounded down first.
#[inline(always)]
fn share(x: i16, parts: i32) -> i16 {
    (((i32::from(2 * x) * parts) >> 16) as i16 + 1) >> 1
}

/// Rows of a plane with half as many columns, rows or both, widened to what the image has: three parts
/// of the nearer sample and one of the farther.
#[derive(Default)]
struct Wide {
    /// Of two rows, with one more sample on either side.
    mixed: Vec<i16>,
    samples: Vec<u8>,
}

impl Wide {
    /// The columns that are wanted, of a row of the image.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    fn run(&mut self, plane: &Plane, row: usize, wanted: &Range<usize>) -> &[u8] {
        let [down, across] = plane.shares;
        let [height, width] = plane.size;
        let near = plane.row(row / down);
        let far = plane.row(match (down, row % 2) {
            (1, _) => row,
            (_, 0) => (row / 2).saturating_sub(1),
            _ => (row / 2 + 1).min(height - 1),
        });
        let columns = wanted.start / across..wanted.end.div_ceil(across);
        let (before, after) = (columns.start.saturating_sub(1), columns.end.min(width - 1));
        let mix = |near: &u8, far: &u8| 3 * i16::from(*near) + i16::from(*far);
        self.mixed.clear();
        self.mixed.push(mix(&near[before], &far[before]));
        let inside = near[columns.clone()].iter().zip(&far[columns.clone()]);
        self.mixed.extend(inside.map(|(near, far)| mix(near, far)));
        self.mixed.push(mix(&near[after], &far[after]));
        let n = columns.len();
        let (left, middle, right) = (&self.mixed[..n], &self.mixed[1..=n], &self.mixed[2..n + 2]);
        self.samples.resize(across * n, 0);
        if across == 2 {
            // What is just between two is rounded up in every other place.
            let halves: [i16; 2] = if down == 2 { [8, 7] } else { [4, 8] };
            let pairs = &mut self.samples.as_chunks_mut().0[..n];
            for i in 0..n {
                let middle = 3 * middle[i];
                pairs[i] = [
                    ((middle + left[i] + halves[0]) >> 4) as u8,
                    ((middle + right[i] + halves[1]) >> 4) as u8,
                ];
            }
        } else {
            let half = if row.is_multiple_of(2) { 1 } else { 2 };
            for (to, x) in self.samples.iter_mut().zip(middle) {
                *to = ((x + half) >> 2) as u8;
            }
        }
        &self.samples[wanted.start - across * columns.start..]
    }
}
