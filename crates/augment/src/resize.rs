//! Resampling a part of a picture to another size.

use pulp::{Arch, Simd, WithSimd};

use crate::lines::{Sample, sum_of_lines};
use crate::paint::Planes;
use crate::resampling::{Stretch, Weights};
use crate::{CropBox, Picture, Resampling};

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
    let mut resized = Picture::black(size[0], size[1]);
    let resize = Resize::new(part, [picture.height, picture.width], size, resampling);
    Resizer::default().run(&Source::Planes(picture), &resize, resized.as_planes(), |_| {});
    resized
}

/// A part that is resized, and the window of the result that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Resize {
    down: Stretch,
    across: Stretch,
    size: [usize; 2],
    window: CropBox,
    flip: bool,
    resampling: Resampling,
}

impl Resize {
    /// # Panics
    /// If the part is empty or reaches beyond the picture.
    #[track_caller]
    pub(crate) fn new(
        part: CropBox,
        picture: [usize; 2],
        size: [usize; 2],
        resampling: Resampling,
    ) -> Self {
        let CropBox { top, left, height, width } = part;
        assert!(
            height > 0 && width > 0 && top + height <= picture[0] && left + width <= picture[1],
            "{part:?} is no part of {} × {}",
            picture[0],
            picture[1]
        );
        let stretch =
            |start, length, side| Stretch { start: start as f64, length: length as f64, side };
        Self {
            down: stretch(top, height, picture[0]),
            across: stretch(left, width, picture[1]),
            size,
            window: CropBox::whole(size),
            flip: false,
            resampling,
        }
    }

    /// Of what comes out, this much is wanted.
    pub(crate) fn window(self, window: CropBox) -> Self {
        Self { window, ..self }
    }

    /// The window is mirrored left to right.
    pub(crate) fn flipped(self, flip: bool) -> Self {
        Self { flip, ..self }
    }

    /// The same part of the same picture at another size, as decoders that shrink make it: a side of
    /// `n` pixels has become one of `n / scale`, rounded up.
    pub(crate) fn reduced(self, picture: [usize; 2]) -> Self {
        let reduce = |stretch: Stretch, side: usize| {
            let ratio = stretch.side as f64 / side as f64;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 or more")]
            let whole = ratio.round() as usize;
            let exact = stretch.side.div_ceil(whole.max(1)) == side;
            let scale = if exact { whole as f64 } else { ratio };
            Stretch { start: stretch.start / scale, length: stretch.length / scale, side }
        };
        let (down, across) = (reduce(self.down, picture[0]), reduce(self.across, picture[1]));
        Self { down, across, ..self }
    }
}

/// Where samples come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// Pixels of so many bytes, row by row, and the number of columns.
    Bytes(&'a [u8], usize, usize),
    /// Pixels of red, green and blue, row by row, and the number of columns.
    Floats(&'a [f32], usize),
    /// Planes.
    Planes(&'a Picture),
}

/// Rows that are resized at a time.
const ROWS: usize = 4;
/// A column of [`ROWS`] pixels of red, green, blue and nothing.
type Column = [f32; 4 * ROWS];

/// Room for resizing that is used again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resizer {
    down: Weights,
    across: Weights,
    /// The weights of one row, and where its lines begin.
    weights: Vec<f32>,
    offsets: Vec<usize>,
    /// Sums of lines, not yet resized across.
    line: Vec<f32>,
    before: Vec<Column>,
    after: Vec<Column>,
}

impl Resizer {
    /// Resizes `from` into `to`, and calls `then` with each few rows that are ready.
    ///
    /// Rows are added up first, bytes as they are; then several rows are resized across at once, with
    /// the channels of a pixel side by side.
    pub(crate) fn run(
        &mut self,
        from: &Source<'_>,
        resize: &Resize,
        mut to: Planes<'_>,
        mut then: impl FnMut(Planes<'_>),
    ) {
        let CropBox { top, left, height, width } = resize.window;
        let Resize { size, resampling, .. } = *resize;
        self.down.compute(resize.down, size[0], top..top + height, resampling);
        self.across.compute(resize.across, size[1], left..left + width, resampling);
        if resize.flip {
            self.across.flip();
        }
        let columns = self.across.span();
        self.before.resize(columns.len(), [0.0; 4 * ROWS]);
        self.after.resize(width, [0.0; 4 * ROWS]);
        for first in (0..height).step_by(ROWS) {
            let rows = ROWS.min(height - first);
            for row in 0..rows {
                let place = (first + row, row, columns.start);
                match *from {
                    Source::Bytes(samples, 1, stride) => self.row::<1, _>(samples, stride, place),
                    Source::Bytes(samples, 2, stride) => self.row::<2, _>(samples, stride, place),
                    Source::Bytes(samples, 3, stride) => self.row::<3, _>(samples, stride, place),
                    Source::Bytes(samples, _, stride) => self.row::<4, _>(samples, stride, place),
                    Source::Floats(samples, stride) => self.row::<3, _>(samples, stride, place),
                    Source::Planes(picture) => self.planes(picture, place),
                }
            }
            let Self { across, before, after, .. } = self;
            Arch::new().dispatch(Across { weights: across, start: columns.start, before, after });
            let mut part = to.rows(first, rows);
            for (channel, plane) in part.channels().into_iter().enumerate() {
                for (row, line) in plane.chunks_exact_mut(width).enumerate() {
                    for (x, column) in line.iter_mut().zip(&*after) {
                        *x = column[4 * row + channel];
                    }
                }
            }
            then(part);
        }
    }

    /// Adds up the lines of one new row of pixels of `C` samples.
    fn row<const C: usize, S: Sample>(
        &mut self,
        samples: &[S],
        stride: usize,
        (new, row, left): (usize, usize, usize),
    ) {
        let width = self.before.len();
        self.lines(new, stride * C, left * C, 1.0 / S::WHITE);
        // One sample more than there are, so that four can be copied for three.
        self.line.resize(width * C + 1, 0.0);
        let sums = &mut self.line[..width * C];
        sum_of_lines(&self.weights, &self.offsets, samples, sums);
        for (x, column) in self.before.iter_mut().enumerate() {
            let column = &mut column[4 * row..][..4];
            if C > 2 {
                column.copy_from_slice(&self.line[C * x..][..4]);
            } else {
                column.fill(self.line[C * x]);
            }
        }
    }

    fn planes(&mut self, picture: &Picture, (new, row, left): (usize, usize, usize)) {
        let width = self.before.len();
        self.lines(new, picture.width, left, 1.0);
        self.line.resize(width, 0.0);
        for channel in 0..3 {
            let plane = picture.plane(channel);
            sum_of_lines(&self.weights, &self.offsets, plane, &mut self.line[..width]);
            for (column, x) in self.before.iter_mut().zip(&self.line) {
                column[4 * row + channel] = *x;
            }
        }
    }

    /// The old lines of a new row: where they begin, and their weights.
    fn lines(&mut self, new: usize, stride: usize, left: usize, unit: f32) {
        let (start, weights) = self.down.of(new);
        self.weights.clear();
        self.weights.extend(weights.iter().map(|weight| weight * unit));
        self.offsets.clear();
        self.offsets.extend((start..start + weights.len()).map(|y| y * stride + left));
    }
}

/// Resizes columns, all rows of a column at once.
struct Across<'a> {
    weights: &'a Weights,
    /// The first column of `before`.
    start: usize,
    before: &'a [Column],
    after: &'a mut [Column],
}

impl WithSimd for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        for (x, to) in self.after.iter_mut().enumerate() {
            let (start, weights) = self.weights.of(x);
            let mut sums = [0.0; 4 * ROWS];
            for (weight, column) in weights.iter().zip(&self.before[start - self.start..]) {
                for lane in 0..4 * ROWS {
                    sums[lane] += weight * column[lane];
                }
            }
            *to = sums;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interpolation;

    fn ramp() -> Picture {
        let data = (0..3 * 5 * 7).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        Picture { height: 5, width: 7, data }
    }

    fn every_resampling() -> impl Iterator<Item = Resampling> {
        [Interpolation::Bilinear, Interpolation::Bicubic].into_iter().flat_map(|interpolation| {
            [false, true].map(|antialias| Resampling { interpolation, antialias })
        })
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        for resampling in every_resampling() {
            let same = resized_crop(&ramp(), CropBox::whole([5, 7]), [5, 7], resampling);
            let close = same.data.iter().zip(&ramp().data).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(close, "{resampling:?}");
        }
    }

    #[test]
    fn a_flip_on_the_way_is_a_flip_afterwards() {
        let part = CropBox { top: 1, left: 2, height: 4, width: 5 };
        for resampling in every_resampling() {
            let mut plain = resized_crop(&ramp(), part, [4, 9], resampling);
            let mut flipped = Picture::black(4, 9);
            let resize = Resize::new(part, [5, 7], [4, 9], resampling).flipped(true);
            let mut resizer = Resizer::default();
            resizer.run(&Source::Planes(&ramp()), &resize, flipped.as_planes(), |_| {});
            crate::horizontal_flip(&mut plain);
            assert_eq!(plain, flipped);
        }
    }

    #[test]
    fn a_window_is_cut_out_of_the_result() {
        let part = CropBox::whole([5, 7]);
        let window = CropBox { top: 3, left: 1, height: 6, width: 9 };
        for resampling in every_resampling() {
            let whole = resized_crop(&ramp(), part, [11, 13], resampling);
            let want = resized_crop(&whole, window, [6, 9], resampling);
            let mut found = Picture::black(6, 9);
            let resize = Resize::new(part, [5, 7], [11, 13], resampling).window(window);
            let mut resizer = Resizer::default();
            resizer.run(&Source::Planes(&ramp()), &resize, found.as_planes(), |_| {});
            assert_eq!(found, want);
        }
    }

    #[test]
    fn one_pixel_fills_any_size() {
        let dot = Picture { height: 1, width: 1, data: vec![0.25, 0.5, 0.75] };
        for resampling in every_resampling() {
            let filled = resized_crop(&dot, CropBox::whole([1, 1]), [3, 2], resampling);
            assert!(filled.plane(1).iter().all(|x| (x - 0.5).abs() < 1e-6));
        }
    }

    #[test]
    #[should_panic(expected = "5 × 7")]
    fn a_part_beyond_the_picture_is_refused() {
        let part = CropBox { top: 2, left: 0, height: 4, width: 7 };
        let _ = resized_crop(&ramp(), part, [4, 4], Resampling::default());
    }
}
