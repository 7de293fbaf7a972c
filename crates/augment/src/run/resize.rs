//! Resampling a part of an image to another size.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use pulp::core_arch::x86::Avx;
use pulp::{Arch, Simd, WithSimd};

use crate::lines::{Sample, add_product, read_soon};
use crate::paint::Planes;
use crate::resampling::{Stretch, Weights};
use crate::transpose::{Column, Plain, ROWS, Turn, lay_down, stand_up};
use crate::{CropBox, PlanarImage, Resampling};

/// A part of an image at another size, as torchvision's `resized_crop` makes it on floats.
///
/// # Panics
/// If the part is empty or reaches beyond the image.
#[must_use]
#[track_caller]
pub fn resized_crop(
    image: &PlanarImage,
    part: CropBox,
    size: [usize; 2],
    resampling: Resampling,
) -> PlanarImage {
    let mut resized = PlanarImage::black(size[0], size[1]);
    let resize = Resize::new(part, [image.height, image.width], size, resampling);
    Resizer::default().run(&Source::Planes(image), &resize, resized.as_planes(), |_| {});
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
            "{part:?} is no part of {} × {}",
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

    /// Of what comes out, this much is wanted.
    pub(crate) fn window(self, window: CropBox) -> Self {
        Self { window, ..self }
    }

    /// The window is mirrored left to right.
    pub(crate) fn flipped(self, flip: bool) -> Self {
        Self { flip, ..self }
    }

    /// The same part of the same image at another size, as decoders that shrink make it: a side of
    /// `n` pixels has become one of `n / scale`, rounded up.
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

/// Where samples come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// Pixels of so many bytes, row by row, and the number of columns.
    Bytes(&'a [u8], usize, usize),
    /// Pixels of red, green and blue, row by row, and the number of columns.
    Floats(&'a [f32], usize),
    /// Planes.
    Planes(&'a PlanarImage),
}

impl Source<'_> {
    /// Samples of a pixel.
    fn pixel(&self) -> usize {
        if let Self::Bytes(_, samples, _) = self { *samples } else { 3 }
    }

    fn white(&self) -> f32 {
        if let Self::Bytes(..) = self { u8::WHITE } else { f32::WHITE }
    }
}

/// Room for resizing that is used again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resizer {
    down: Weights,
    across: Weights,
    /// Old pixels of a row that count.
    span: Range<usize>,
    /// Rows that are made, not yet resized across, lying and standing.
    rows: Vec<f32>,
    columns: Vec<Column>,
}

impl Resizer {
    /// Resizes `from` into `to`, and calls `then` with each few rows that are ready.
    ///
    /// Rows are added up first, bytes as they are; then as many rows as a vector holds are resized
    /// across at once.
    pub(crate) fn run(
        &mut self,
        from: &Source<'_>,
        resize: &Resize,
        mut to: Planes<'_>,
        mut then: impl FnMut(Planes<'_>),
    ) {
        self.prepare(from, resize);
        for first in (0..resize.window.height).step_by(ROWS) {
            let mut rows = to.rows(first, ROWS.min(resize.window.height - first));
            self.make(from, first, &mut rows);
            then(rows);
        }
    }

    fn prepare(&mut self, from: &Source<'_>, resize: &Resize) {
        let CropBox { top, left, height, width } = resize.window;
        let Resize { size, resampling, .. } = *resize;
        let Self { down, across, span, rows: lying, columns } = self;
        down.compute(resize.down, size[0], top..top + height, resampling);
        across.compute(resize.across, size[1], left..left + width, resampling);
        if resize.flip {
            across.flip();
        }
        down.scale(1.0 / from.white());
        *span = across.span();
        let samples = span.len() * from.pixel();
        lying.resize(samples * ROWS, 0.0);
        columns.resize(samples, [0.0; ROWS]);
    }

    /// Makes the new rows from `first` on, no more than [`ROWS`].
    fn make(&mut self, from: &Source<'_>, first: usize, rows: &mut Planes<'_>) {
        let Self { down, across, span, rows: lying, columns } = self;
        let pixel = from.pixel();
        let (new, left) = (first..first + rows.height, span.start * pixel);
        match *from {
            Source::Bytes(samples, _, stride) => {
                let lines = Lines { samples, stride: stride * pixel, left };
                lines.add_up(down, new, lying);
                stand_up::<1>(lying, columns, 0);
            }
            Source::Floats(samples, stride) => {
                let lines = Lines { samples, stride: stride * pixel, left };
                lines.add_up(down, new, lying);
                stand_up::<1>(lying, columns, 0);
            }
            Source::Planes(image) => {
                for channel in 0..3 {
                    let samples = image.plane(channel);
                    let lines = Lines { samples, stride: image.width, left: span.start };
                    let lying = &mut lying[..span.len() * ROWS];
                    lines.add_up(down, new.clone(), lying);
                    stand_up::<3>(lying, columns, channel);
                }
            }
        }
        let (start, width) = (span.start, rows.width);
        let to = rows.channels();
        Arch::new().dispatch(Across { weights: across, start, columns, pixel, width, to });
    }
}

/// Rows of samples, of which those from `left` on are wanted.
struct Lines<'a, S> {
    samples: &'a [S],
    stride: usize,
    left: usize,
}

impl<S: Sample> Lines<'_, S> {
    /// Makes `new` rows, no more than [`ROWS`], in `made`, which has room for so many.
    fn add_up(self, weights: &Weights, new: Range<usize>, made: &mut [f32]) {
        Arch::new().dispatch(Down { lines: self, weights, new, made });
    }
}

/// Makes new rows of old ones.
struct Down<'a, S> {
    lines: Lines<'a, S>,
    weights: &'a Weights,
    new: Range<usize>,
    made: &'a mut [f32],
}

impl<S: Sample> WithSimd for Down<'_, S> {
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

impl<S: Sample> Down<'_, S> {
    /// Works on `T` samples at a time; the last tile overlaps the one before. One row is made after the
    /// other, and the old row after the next is asked for, so that it is there when its turn comes.
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
                        *sum = add_product::<V>(*sum, *weight, x.number());
                    }
                    place += stride;
                }
                read_soon(samples.get(place + stride));
                made[start..][..T].copy_from_slice(&sums);
            }
        }
    }
}

/// Resizes columns, and lays them down as rows.
struct Across<'a> {
    weights: &'a Weights,
    /// The first pixel of `columns`.
    start: usize,
    columns: &'a [Column],
    /// Columns of a pixel; the first is that of all channels if there are not three.
    pixel: usize,
    width: usize,
    to: [&'a mut [f32]; 3],
}

impl WithSimd for Across<'_> {
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

impl Across<'_> {
    #[inline(always)]
    fn by<V: Simd>(self, turn: impl Turn) {
        match self.width {
            0 => {}
            1..16 => self.tiles::<1, V>(turn),
            16.. => self.tiles::<16, V>(turn),
        }
    }

    /// Works on `T` new pixels at a time; the last tile overlaps the one before.
    #[inline(always)]
    fn tiles<const T: usize, V: Simd>(mut self, turn: impl Turn) {
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
                lay_down(turn, columns, start, plane, self.width);
            }
        }
    }

    /// Makes columns of `T` new pixels of old ones of `P` columns.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interpolation;

    fn ramp() -> PlanarImage {
        let data = (0..3 * 5 * 7).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        PlanarImage { height: 5, width: 7, data }
    }

    fn every_resampling() -> impl Iterator<Item = Resampling> {
        [Interpolation::Bilinear, Interpolation::Bicubic].into_iter().flat_map(|interpolation| {
            [false, true].map(|antialias| Resampling { interpolation, antialias })
        })
    }

    #[test]
    fn every_way_to_turn_is_the_same() {
        let row = |row: usize| std::array::from_fn(|column| (8 * row + column) as f32);
        let rows = [row(0), row(1), row(2), row(3)];
        let turned = Plain.halves(rows);
        assert_eq!(turned[1], [1.0, 9.0, 17.0, 25.0, 5.0, 13.0, 21.0, 29.0]);
        #[cfg(target_arch = "x86_64")]
        assert!(Avx::try_new().is_none_or(|avx| avx.halves(rows) == turned));
    }

    #[test]
    fn the_same_size_is_the_same_image() {
        for resampling in every_resampling() {
            let same = resized_crop(&ramp(), CropBox::whole([5, 7]), [5, 7], resampling);
            let close = same.data.iter().zip(&ramp().data).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(close, "{resampling:?}");
        }
    }

    /// Every new pixel by itself.
    fn plainly(image: &PlanarImage, size: [usize; 2]) -> PlanarImage {
        let weights = |side: usize, new: usize| {
            let mut weights = Weights::default();
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
                    let want = plainly(&image, size);
                    let sources = [Source::Bytes(&bytes, channels, width), Source::Planes(&image)];
                    for source in sources {
                        let whole = CropBox::whole([height, width]);
                        let resize =
                            Resize::new(whole, [height, width], size, Resampling::default());
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
            let mut plain = resized_crop(&ramp(), part, [4, 9], resampling);
            let mut flipped = PlanarImage::black(4, 9);
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
            let mut found = PlanarImage::black(6, 9);
            let resize = Resize::new(part, [5, 7], [11, 13], resampling).window(window);
            let mut resizer = Resizer::default();
            resizer.run(&Source::Planes(&ramp()), &resize, found.as_planes(), |_| {});
            assert_eq!(found, want);
        }
    }

    #[test]
    fn one_pixel_fills_any_size() {
        let dot = PlanarImage { height: 1, width: 1, data: vec![0.25, 0.5, 0.75] };
        for resampling in every_resampling() {
            let filled = resized_crop(&dot, CropBox::whole([1, 1]), [3, 2], resampling);
            assert!(filled.plane(1).iter().all(|x| (x - 0.5).abs() < 1e-6));
        }
    }

    #[test]
    #[should_panic(expected = "5 × 7")]
    fn a_part_beyond_the_image_is_refused() {
        let part = CropBox { top: 2, left: 0, height: 4, width: 7 };
        let _ = resized_crop(&ramp(), part, [4, 4], Resampling::default());
    }
}
