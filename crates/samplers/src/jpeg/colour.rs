//! From planes of luma and chroma to pixels.

use pulp::{Simd, WithSimd};

use super::{Part, Plane};

/// Makes pixels of red, green and blue, row after row.
pub(super) struct ToRgb<'a> {
    pub(super) luma: &'a Plane,
    pub(super) chroma: [&'a Plane; 2],
    /// What is made; all else becomes black.
    pub(super) part: &'a Part,
    /// Of the whole picture.
    pub(super) size: [usize; 2],
}

impl WithSimd for ToRgb<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) -> Vec<u8> {
        let Self { luma, chroma, part, size: [height, width] } = self;
        let [mut wide_blue, mut wide_red] = <[Wide; 2]>::default();
        let mut pixels = Vec::with_capacity(3 * height * width);
        pixels.resize(3 * part.rows.start * width, 0);
        for row in part.rows.clone() {
            // One after the other, so that a row is still at hand when it gets its colours.
            pixels.resize(3 * (row + 1) * width, 0);
            let to = &mut pixels.as_chunks_mut().0[row * width..][part.columns.clone()];
            let luma = &luma.row(row)[part.columns.clone()];
            let [blue, red] = chroma;
            let (blue, red) = if blue.shares == [1, 1] {
                (&blue.row(row)[part.columns.clone()], &red.row(row)[part.columns.clone()])
            } else {
                (wide_blue.run(blue, row, part), wide_red.run(red, row, part))
            };
            to_rgb(luma, blue, red, to);
        }
        pixels.resize(3 * height * width, 0);
        pixels
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
        let [y, b, r] = [luma[i], blue[i], red[i]].map(i32::from);
        let (b, r) = (b - 128, r - 128);
        let byte = |x: i32| x.clamp(0, 255) as u8;
        to[i] = [
            byte(y + r + ((26_345 * r + 32_768) >> 16)),
            byte(y - r + ((18_734 * r - 22_554 * b + 32_768) >> 16)),
            byte(y + 2 * b + ((-14_942 * b + 32_768) >> 16)),
        ];
    }
}

/// Rows of a plane with half as many columns, rows or both, widened to what the picture has: three parts
/// of the nearer sample and one of the farther.
#[derive(Default)]
struct Wide {
    /// Of two rows, with one more sample on either side.
    mixed: Vec<i16>,
    samples: Vec<u8>,
}

impl Wide {
    /// The columns of `part`, of a row of the picture.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    fn run(&mut self, plane: &Plane, row: usize, part: &Part) -> &[u8] {
        let [down, across] = plane.shares;
        let [height, width] = plane.size;
        let near = plane.row(row / down);
        let far = plane.row(match (down, row % 2) {
            (1, _) => row,
            (_, 0) => (row / 2).saturating_sub(1),
            _ => (row / 2 + 1).min(height - 1),
        });
        let columns = part.columns.start / across..part.columns.end.div_ceil(across);
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
        &self.samples[part.columns.start - across * columns.start..]
    }
}
