//! From planes of luma and chroma to pixels.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::plane::Plane;
use crate::region::Wanted;

/// Pixels that are computed row after row.
pub(crate) struct Pixels {
    /// The pixels to compute; all others become black.
    wanted: Wanted,
    /// `[height, width]` of the whole image.
    size: [usize; 2],
    /// Gray, or red, green and blue.
    bytes: Vec<u8>,
    channels: usize,
    /// The row that comes next.
    next: usize,
    /// The upsamplers of both chromas, blue and red.
    upsamplers: [Upsampler; 2],
}

impl Pixels {
    pub(crate) fn new(wanted: Wanted, size: [usize; 2], channels: usize) -> Self {
        let mut bytes = Vec::with_capacity(channels * size[0] * size[1]);
        let next = wanted.rows.start;
        bytes.resize(channels * next * size[1], 0);
        Self { wanted, size, bytes, channels, next, upsamplers: Default::default() }
    }

    /// Computes the rows before `end`, from planes that hold the samples for them, and drops the
    /// samples that no later row needs.
    pub(crate) fn add(&mut self, planes: &mut [Plane], end: usize) {
        let rows = self.next..end.min(self.wanted.rows.end);
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
            let neighbors = usize::from(plane.subsampling[0] > 1);
            plane.drop_before((self.next / plane.subsampling[0]).saturating_sub(neighbors));
        }
    }

    /// Returns the values of the whole image, `[height, width, channels]`, once all rows are added.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let [height, width] = self.size;
        self.bytes.resize(self.channels * height * width, 0);
        self.bytes
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
        let Pixels { wanted, size: [_, width], bytes, upsamplers: [of_blue, of_red], .. } = pixels;
        let columns = &wanted.columns;
        for row in rows {
            let start = bytes.len();
            bytes.resize(start + 3 * *width, 0);
            let to = &mut bytes[start..].as_chunks_mut().0[columns.clone()];
            let luma = &luma.row(row)[columns.clone()];
            let (blue, red) = if blue.subsampling == [1, 1] {
                (&blue.row(row)[columns.clone()], &red.row(row)[columns.clone()])
            } else {
                (of_blue.run(blue, row, columns), of_red.run(red, row, columns))
            };
            to_rgb(luma, blue, red, to);
        }
    }
}

/// Converts luma and chroma to red, green and blue as JFIF defines it, in fixed point.
///
/// The factors 1.402, -0.344, -0.714 and 1.772 are in units of 1/65,536. Their whole parts are
/// added separately, so that 16 bits suffice.
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
            byte(y + r + scaled(r, 26_345)),
            byte(y - r + green as i16),
            byte(y + 2 * b + scaled(b, -14_942)),
        ];
    }
}

/// Returns `x · factor / 65,536`, rounded: twice that is rounded down first.
#[inline(always)]
fn scaled(x: i16, factor: i32) -> i16 {
    (((i32::from(2 * x) * factor) >> 16) as i16 + 1) >> 1
}

/// Upsamples a plane with half as many columns, rows or both as the image has: three parts of the
/// nearer sample and one of the farther.
#[derive(Default)]
struct Upsampler {
    /// Three parts of the nearer row and one of the farther, with one more sample on either side.
    mixed: Vec<i16>,
    samples: Vec<u8>,
}

impl Upsampler {
    /// Returns the wanted columns of a row of the image.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    fn run(&mut self, plane: &Plane, row: usize, wanted: &Range<usize>) -> &[u8] {
        let [down, across] = plane.subsampling;
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
            // A value halfway between two is rounded up at every other position.
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
