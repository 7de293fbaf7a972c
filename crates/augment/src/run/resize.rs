//! Resizing of a part of an image: rows first, then columns.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use pulp::core_arch::x86::Avx;
use pulp::{Arch, Simd, WithSimd};

use crate::planes::Planes;
use crate::run::filter_weights::{FilterWeights, Stretch};
use crate::run::transpose::{Column, Plain, ROWS, Transpose, transpose_in, transpose_out};
use crate::run::weighted_lines::{Sample, add_product, prefetch};
use crate::{CropBox, PlanarImage, Resampling};

/// A part to resize, and the window of the result to compute.
#[derive(Clone, Debug)]
pub(crate) struct Resizing {
    down: Stretch,
    across: Stretch,
    size: [usize; 2],
    window: CropBox,
    flip: bool,
    resampling: Resampling,
}

impl Resizing {
    /// # Panics
    /// If the part is empty or reaches beyond the image.
    #[track_caller]
    pub(crate) fn new(
        part: CropBox,
        image: [usize; 2],
        size: [usize; 2],
        resampling: Resampling,
    ) -> Self {
        let CropBox { top, left, height, width } = part;
        assert!(
            height > 0 && width > 0 && top + height <= image[0] && left + width <= image[1],
            "{part:?} must be inside an image of {} × {} and not empty",
            image[0],
            image[1]
        );
        let stretch =
            |start, length, side| Stretch { start: start as f64, length: length as f64, side };
        Self {
            down: stretch(top, height, image[0]),
            across: stretch(left, width, image[1]),
            size,
            window: CropBox::whole(size),
            flip: false,
            resampling,
        }
    }

    /// Computes only this window of the result.
    pub(crate) fn window(self, window: CropBox) -> Self {
        Self { window, ..self }
    }

    /// Mirrors the window left to right if `flip`.
    pub(crate) fn flipped(self, flip: bool) -> Self {
        Self { flip, ..self }
    }

    /// Adapts to the same image decoded at another size: a side of `n` pixels has become one of
    /// `n / scale`, rounded up.
    pub(crate) fn reduced(self, image: [usize; 2]) -> Self {
        let reduce = |stretch: Stretch, side: usize| {
            let ratio = stretch.side as f64 / side as f64;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 or more")]
            let whole = ratio.round() as usize;
            let exact = stretch.side.div_ceil(whole.max(1)) == side;
            let scale = if exact { whole as f64 } else { ratio };
            Stretch { start: stretch.start / scale, length: stretch.length / scale, side }
        };
        let (down, across) = (reduce(self.down, image[0]), reduce(self.across, image[1]));
        Self { down, across, ..self }
    }
}

/// The samples to resize.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// Rows of pixels, the bytes of a pixel, and the pixels of a row.
    Bytes(&'a [u8], usize, usize),
    /// Rows of red, green and blue pixels, and the pixels of a row.
    Floats(&'a [f32], usize),
    /// Planes of red, green and blue.
    Planes(&'a PlanarImage),
}

impl Source<'_> {
    /// Returns the number of samples of a pixel.
    fn pixel(&self) -> usize {
        if let Self::Bytes(_, samples, _) = self { *samples } else { 3 }
    }

    fn white(&self) -> f32 {
        if let Self::Bytes(..) = self { u8::WHITE } else { f32::WHITE }
    }
}

/// Buffers for resizing, reused from image to image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resizer {
    down: FilterWeights,
    across: FilterWeights,
    /// Old pixels of a row that have any weight.
    span: Range<usize>,
    /// Rows resized vertically, as they are and transposed.
    rows: Vec<f32>,
    columns: Vec<Column>,
}

impl Resizer {
    /// Resizes `from` into `to`, and calls `then` with the finished rows, a few at a time.
    ///
    /// The vertical pass comes first, on bytes as they are; the horizontal pass takes as many rows
    /// at once as a vector holds.
    pub(crate) fn run(
        &mut self,
        from: &Source<'_>,
        resize: &Resizing,
        mut to: Planes<'_>,
        mut then: impl FnMut(Planes<'_>),
    ) {
        self.prepare(from, resize);
        for first in (0..resize.window.height).step_by(ROWS) {
            let mut rows = to.rows(first, ROWS.min(resize.window.height - first));
            self.compute_rows(from, first, &mut rows);
            then(rows);
        }
    }

    fn prepare(&mut self, from: &Source<'_>, resize: &Resizing) {
        let CropBox { top, left, height, width } = resize.window;
        let Resizing { size, resampling, .. } = *resize;
        let Self { down, across, span, rows: made, columns } = self;
        down.compute(resize.down, size[0], top..top + height, resampling);
        across.compute(resize.across, size[1], left..left + width, resampling);
        if resize.flip {
            across.flip();
        }
        down.scale(1.0 / from.white());
        *span = across.span();
        let samples = span.len() * from.pixel();
        made.resize(samples * ROWS, 0.0);
        columns.resize(samples, [0.0; ROWS]);
    }

    /// Computes the new rows from `first` on, no more than [`ROWS`].
    fn compute_rows(&mut self, from: &Source<'_>, first: usize, rows: &mut Planes<'_>) {
        let Self { down, across, span, rows: made, columns } = self;
        let pixel = from.pixel();
        let (new, left) = (first..first + rows.height, span.start * pixel);
        match *from {
            Source::Bytes(samples, _, stride) => {
                let lines = Lines { samples, stride: stride * pixel, left };
                lines.resize_rows(down, new, made);
                transpose_in::<1>(made, columns, 0);
            }
            Source::Floats(samples, stride) => {
                let lines = Lines { samples, stride: stride * pixel, left };
                lines.resize_rows(down, new, made);
                transpose_in::<1>(made, columns, 0);
            }
            Source::Planes(image) => {
                for channel in 0..3 {
                    let samples = image.plane(channel);
                    let lines = Lines { samples, stride: image.width, left: span.start };
                    let made = &mut made[..span.len() * ROWS];
                    lines.resize_rows(down, new.clone(), made);
                    transpose_in::<3>(made, columns, channel);
                }
            }
        }
        let (start, width) = (span.start, rows.width);
        let to = rows.channels();
        Arch::new().dispatch(HorizontalPass { weights: across, start, columns, pixel, width, to });
    }
}

/// Rows of samples, each from `left` on.
struct Lines<'a, S> {
    samples: &'a [S],
    stride: usize,
    left: usize,
}

impl<S: Sample> Lines<'_, S> {
    /// Computes `new` rows, no more than [`ROWS`], in `made`, which holds [`ROWS`] rows.
    fn resize_rows(self, weights: &FilterWeights, new: Range<usize>, made: &mut [f32]) {
        Arch::new().dispatch(VerticalPass { lines: self, weights, new, made });
    }
}

/// Computes new rows as weighted sums of old ones.
struct VerticalPass<'a, S> {
    lines: Lines<'a, S>,
    weights: &'a FilterWeights,
    new: Range<usize>,
    made: &'a mut [f32],
}

impl<S: Sample> WithSimd for VerticalPass<'_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        match self.made.len() / ROWS {
            0 => {}
            1..16 => self.tiles::<1, V>(),
            16..64 => self.tiles::<16, V>(),
            64.. => self.tiles::<64, V>(),
        }
    }
}

impl<S: Sample> VerticalPass<'_, S> {
    /// Computes `T` samples at a time; the last tile overlaps the one before. The old row after the
    /// next is prefetched.
    #[inline(always)]
    fn tiles<const T: usize, V: Simd>(self) {
        let Self { lines: Lines { samples, stride, left }, weights, new, made } = self;
        let length = made.len() / ROWS;
        for (row, made) in new.zip(made.chunks_exact_mut(length)) {
            let (first, weights) = weights.of(row);
            for start in (0..length).step_by(T) {
                let start = start.min(length - T);
                let mut place = first * stride + left + start;
                let mut sums = [0.0; T];
                for weight in weights {
                    let line = &samples[place..][..T];
                    for (sum, x) in sums.iter_mut().zip(line) {
                        *sum = add_product::<V>(*sum, *weight, x.to_f32());
                    }
                    place += stride;
                }
                prefetch(samples.get(place + stride));
                made[start..][..T].copy_from_slice(&sums);
            }
        }
    }
}

/// Computes new columns as weighted sums of old ones, and transposes them into rows.
struct HorizontalPass<'a> {
    weights: &'a FilterWeights,
    /// The first pixel of `columns`.
    start: usize,
    columns: &'a [Column],
    /// Columns of a pixel; with one or two, the first is every channel.
    pixel: usize,
    width: usize,
    to: [&'a mut [f32]; 3],
}

impl WithSimd for HorizontalPass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        #[cfg(target_arch = "x86_64")]
        if !V::IS_SCALAR
            && let Some(avx) = Avx::try_new()
        {
            return self.by::<V>(avx);
        }
        self.by::<V>(Plain);
    }
}

impl HorizontalPass<'_> {
    #[inline(always)]
    fn by<V: Simd>(self, transpose: impl Transpose) {
        match self.width {
            0 => {}
            1..16 => self.tiles::<1, V>(transpose),
            16.. => self.tiles::<16, V>(transpose),
        }
    }

    /// Computes `T` new pixels at a time; the last tile overlaps the one before.
    #[inline(always)]
    fn tiles<const T: usize, V: Simd>(mut self, transpose: impl Transpose) {
        let mut made = [[[0.0; ROWS]; T]; 3];
        for start in (0..self.width).step_by(T) {
            let start = start.min(self.width - T);
            match self.pixel {
                1 => self.tile::<1, T, V>(start, &mut made),
                2 => self.tile::<2, T, V>(start, &mut made),
                3 => self.tile::<3, T, V>(start, &mut made),
                _ => self.tile::<4, T, V>(start, &mut made),
            }
            for (columns, plane) in made.iter().zip(&mut self.to) {
                transpose_out(transpose, columns, start, plane, self.width);
            }
        }
    }

    /// Computes the columns of `T` new pixels from old ones of `P` columns.
    #[inline(always)]
    fn tile<const P: usize, const T: usize, V: Simd>(
        &self,
        start: usize,
        [red, green, blue]: &mut [[Column; T]; 3],
    ) {
        let (pixels, _) = self.columns.as_chunks::<P>();
        for place in 0..T {
            let (first, weights) = self.weights.of(start + place);
            let pixels = &pixels[first - self.start..][..weights.len()];
            let mut sums = [[0.0; ROWS]; 3];
            for (weight, pixel) in weights.iter().zip(pixels) {
                for (number, sum) in sums.iter_mut().enumerate() {
                    let column = if P > 2 { number } else { 0 };
                    for (sum, x) in sum.iter_mut().zip(&pixel[column]) {
                        *sum = add_product::<V>(*sum, *weight, *x);
                    }
                }
            }
            [red[place], green[place], blue[place]] = sums;
        }
    }
}

/// What tests resize, and how.
#[cfg(test)]
pub(crate) mod samples {
    use crate::{Interpolation, PlanarImage, Resampling};

    pub(crate) fn ramp() -> PlanarImage {
        let data = (0..3 * 5 * 7).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        PlanarImage { height: 5, width: 7, data }
    }

    pub(crate) fn every_resampling() -> impl Iterator<Item = Resampling> {
        [Interpolation::Bilinear, Interpolation::Bicubic].into_iter().flat_map(|interpolation| {
            [false, true].map(|antialias| Resampling { interpolation, antialias })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{every_resampling, ramp};
    use super::*;

    #[test]
    fn every_transposition_is_the_same() {
        let row = |row: usize| std::array::from_fn(|column| (8 * row + column) as f32);
        let rows = [row(0), row(1), row(2), row(3)];
        let transposed = Plain.transpose_halves(rows);
        assert_eq!(transposed[1], [1.0, 9.0, 17.0, 25.0, 5.0, 13.0, 21.0, 29.0]);
        #[cfg(target_arch = "x86_64")]
        assert!(Avx::try_new().is_none_or(|avx| avx.transpose_halves(rows) == transposed));
    }

    fn resized(
        image: &PlanarImage,
        part: CropBox,
        size: [usize; 2],
        by: Resampling,
    ) -> PlanarImage {
        let mut resized = PlanarImage::black(size[0], size[1]);
        let resize = Resizing::new(part, [image.height, image.width], size, by);
        Resizer::default().run(&Source::Planes(image), &resize, resized.as_planes(), |_| {});
        resized
    }

    /// Computes each new pixel separately.
    fn naive(image: &PlanarImage, size: [usize; 2]) -> PlanarImage {
        let weights = |side: usize, new: usize| {
            let mut weights = FilterWeights::default();
            let whole = Stretch { start: 0.0, length: side as f64, side };
            weights.compute(whole, new, 0..new, Resampling::default());
            weights
        };
        let [down, across] = [weights(image.height, size[0]), weights(image.width, size[1])];
        let mut made = PlanarImage::black(size[0], size[1]);
        for (place, sum) in made.data.iter_mut().enumerate() {
            let (channel, y, x) =
                (place / (size[0] * size[1]), place / size[1] % size[0], place % size[1]);
            let ((top, rows), (left, columns)) = (down.of(y), across.of(x));
            for (row, a) in (top..).zip(rows) {
                for (column, b) in (left..).zip(columns) {
                    *sum += a * b * image.plane(channel)[row * image.width + column];
                }
            }
        }
        made
    }

    #[test]
    fn tiles_of_every_width_hold_the_sums_of_every_pixel() {
        let mut resizer = Resizer::default();
        for [height, width] in [[5, 3], [40, 20], [33, 70], [20, 150]] {
            for size in [[3, 5], [17, 16], [16, 37], [40, 100]] {
                for channels in 1..=4 {
                    let samples = height * width * channels;
                    let bytes: Vec<u8> = (0..samples).map(|i| (i * i * 7 % 251) as u8).collect();
                    let sample = |channel: usize, pixel: usize| {
                        let channel = if channels > 2 { channel } else { 0 };
                        f32::from(bytes[pixel * channels + channel]) / 255.0
                    };
                    let pixels = height * width;
                    let data = (0..3 * pixels).map(|i| sample(i / pixels, i % pixels)).collect();
                    let image = PlanarImage { height, width, data };
                    let want = naive(&image, size);
                    let sources = [Source::Bytes(&bytes, channels, width), Source::Planes(&image)];
                    for source in sources {
                        let whole = CropBox::whole([height, width]);
                        let resize =
                            Resizing::new(whole, [height, width], size, Resampling::default());
                        let mut made = PlanarImage::black(size[0], size[1]);
                        resizer.run(&source, &resize, made.as_planes(), |_| {});
                        let close =
                            made.data.iter().zip(&want.data).all(|(a, b)| (a - b).abs() < 1e-5);
                        assert!(close, "{channels} × {height} × {width} to {size:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_flip_on_the_way_is_a_flip_afterwards() {
        let part = CropBox { top: 1, left: 2, height: 4, width: 5 };
        for resampling in every_resampling() {
            let mut plain = resized(&ramp(), part, [4, 9], resampling);
            let mut flipped = PlanarImage::black(4, 9);
            let resize = Resizing::new(part, [5, 7], [4, 9], resampling).flipped(true);
            let mut resizer = Resizer::default();
            resizer.run(&Source::Planes(&ramp()), &resize, flipped.as_planes(), |_| {});
            for plane in plain.planes_mut() {
                plane.chunks_exact_mut(9).for_each(<[f32]>::reverse);
            }
            assert_eq!(plain, flipped);
        }
    }

    #[test]
    fn a_window_is_cut_out_of_the_result() {
        let part = CropBox::whole([5, 7]);
        let window = CropBox { top: 3, left: 1, height: 6, width: 9 };
        for resampling in every_resampling() {
            let whole = resized(&ramp(), part, [11, 13], resampling);
            let want = resized(&whole, window, [6, 9], resampling);
            let mut found = PlanarImage::black(6, 9);
            let resize = Resizing::new(part, [5, 7], [11, 13], resampling).window(window);
            let mut resizer = Resizer::default();
            resizer.run(&Source::Planes(&ramp()), &resize, found.as_planes(), |_| {});
            assert_eq!(found, want);
        }
    }
}
