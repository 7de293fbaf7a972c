//! The layout of images in memory while they are convolved.

use crate::scratch::LINE;

/// Sizes of a convolution with square stride and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) d_input: usize,
    pub(crate) d_output: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Shape {
    /// Returns the number of rows and columns of the output.
    pub(crate) fn output(&self) -> [usize; 2] {
        let side =
            |input: usize, kernel: usize| (input + 2 * self.padding - kernel) / self.stride + 1;
        [side(self.height, self.kernel[0]), side(self.width, self.kernel[1])]
    }
}

/// One weight of a kernel, by the pixels of the input that it multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    /// The index of the layout's plane that it reads.
    pub(crate) plane: usize,
    /// The distance from the output pixel's place, in the plane.
    pub(crate) shift: isize,
}

/// The layout of a few images: the first rows of all, one after the other, then their second rows,
/// and so on.
///
/// Rows are followed by a gap of zeros, and a line of images by a margin, wide enough for every
/// weight of the kernel: then an input pixel is always found at a fixed distance from the place of
/// the output pixel, whatever the row, and a convolution is a sum of shifted lines. A stride of `s`
/// cuts the input into `s²` planes, in each of which the stride is 1; planes that no weight
/// reads are omitted.
#[derive(Clone, Debug)]
pub(crate) struct LineLayout {
    pub(crate) shape: Shape,
    pub(crate) taps: Vec<Tap>,
    /// The first row and column of each plane of the input, less than the stride.
    planes: Vec<[usize; 2]>,
    /// The distance from an image's row to that of the next image.
    row: usize,
    /// The distance from one row to the next.
    band: usize,
    /// Places of a line that hold images, in whole [`LINE`]s.
    pub(crate) places: usize,
    /// Zeros before and after them, in whole [`LINE`]s.
    pub(crate) margin: usize,
    /// Images in a line.
    pub(crate) images: usize,
}

/// Places worked on at a time.
pub(crate) const BLOCK: usize = 48;
/// Bytes of a few images' lines, which stay in the second-level cache.
const CHUNK_BYTES: usize = 256 << 10;

impl LineLayout {
    /// Lays out as many images as stay in the second-level cache, or fill `least` places, but no
    /// more than a `parts`th of the batch.
    pub(crate) fn new(shape: Shape, least: usize, parts: usize) -> Self {
        let one = Self::of(shape, 1);
        let size = one.band * one.rows();
        let bytes = 4 * (shape.d_input * one.planes.len() + shape.d_output) * size;
        let wanted = (CHUNK_BYTES / bytes.max(1)).max(least / size);
        Self::of(shape, wanted.clamp(1, shape.batch.div_ceil(parts).max(1)))
    }

    fn of(shape: Shape, images: usize) -> Self {
        let stride = shape.stride;
        // Weight `k` reads input pixel `stride · place + k − padding`.
        let split = |k: usize| {
            let offset = signed(k) - signed(shape.padding);
            (offset.rem_euclid(signed(stride)).unsigned_abs(), offset.div_euclid(signed(stride)))
        };
        let gap = (0..shape.kernel[1]).map(|k| split(k).1.unsigned_abs()).max().unwrap_or(0);
        let row = shape.output()[1].max(shape.width.div_ceil(stride)) + gap;
        let band = images * row;

        let mut planes = Vec::new();
        let mut tap = |(y, x): (usize, usize)| {
            let ((from_y, down), (from_x, right)) = (split(y), split(x));
            let found = planes.iter().position(|plane| *plane == [from_y, from_x]);
            let plane = found.unwrap_or_else(|| {
                planes.push([from_y, from_x]);
                planes.len() - 1
            });
            Tap { plane, shift: down * signed(band) + right }
        };
        let weights = (0..shape.kernel[0]).flat_map(|y| (0..shape.kernel[1]).map(move |x| (y, x)));
        let taps: Vec<Tap> = weights.map(&mut tap).collect();
        let reach = taps.iter().map(|tap| tap.shift.unsigned_abs()).max().unwrap_or(0);
        let margin = reach.next_multiple_of(LINE);
        let mut layout = Self { shape, taps, planes, row, band, places: 0, margin, images };
        layout.places = (layout.rows() * band).next_multiple_of(LINE);
        layout
    }

    /// Returns the number of rows of a plane.
    fn rows(&self) -> usize {
        self.shape.output()[0].max(self.shape.height.div_ceil(self.shape.stride))
    }

    /// Returns the number of planes of the input.
    pub(crate) fn planes(&self) -> usize {
        self.planes.len()
    }

    /// Returns the distance from one line to the next.
    pub(crate) fn line(&self) -> usize {
        self.places + 2 * self.margin
    }

    /// Returns the offset of the place that a tap reads, for the first place of line `line`.
    pub(crate) fn offset(&self, line: usize, shift: isize) -> usize {
        (line * self.line() + self.margin).wrapping_add_signed(shift)
    }

    /// Returns the number of elements of one image of the input.
    pub(crate) fn input_size(&self) -> usize {
        self.shape.d_input * self.shape.height * self.shape.width
    }

    /// Returns the number of elements of one image of the output.
    pub(crate) fn output_size(&self) -> usize {
        let [height, width] = self.shape.output();
        self.shape.d_output * height * width
    }

    /// Spreads images of the input over lines: line `channel · planes + plane`. `lines` is zero.
    pub(crate) fn spread_input(&self, images: &[f32], lines: &mut [f32]) {
        let Shape { height, width, stride, .. } = self.shape;
        for (number, channel) in images.chunks_exact(height * width).enumerate() {
            let (image, channel_number) =
                (number / self.shape.d_input, number % self.shape.d_input);
            for (plane, &[first, start]) in self.planes.iter().enumerate() {
                let mut at = self.start(channel_number * self.planes() + plane, image);
                let length = width.saturating_sub(start).div_ceil(stride);
                for row in channel.chunks_exact(width).skip(first).step_by(stride) {
                    let (row, to) = (&row[start.min(width)..], &mut lines[at..][..length]);
                    match stride {
                        1 => copy(row, to),
                        2 => take_pairs(row, to),
                        _ => to.iter_mut().zip(row.iter().step_by(stride)).for_each(take),
                    }
                    at += self.band;
                }
            }
        }
    }

    /// Gathers images of the input from lines: the inverse of
    /// [`spread_input`](Self::spread_input). Pixels of planes that no weight reads become 0.
    pub(crate) fn gather_input(&self, lines: &[f32], images: &mut [f32]) {
        let Shape { height, width, stride, .. } = self.shape;
        if self.planes.len() < stride * stride {
            images.fill(0.0);
        }
        for (number, channel) in images.chunks_exact_mut(height * width).enumerate() {
            let (image, channel_number) =
                (number / self.shape.d_input, number % self.shape.d_input);
            for (plane, &[first, start]) in self.planes.iter().enumerate() {
                let mut at = self.start(channel_number * self.planes() + plane, image);
                let length = width.saturating_sub(start).div_ceil(stride);
                for row in channel.chunks_exact_mut(width).skip(first).step_by(stride) {
                    let (row, from) = (&mut row[start.min(width)..], &lines[at..][..length]);
                    match stride {
                        1 => copy(from, row),
                        _ => row.iter_mut().step_by(stride).zip(from).for_each(take),
                    }
                    at += self.band;
                }
            }
        }
    }

    /// Spreads images of the output over lines, one per channel. `lines` is zero.
    pub(crate) fn spread_output(&self, images: &[f32], lines: &mut [f32]) {
        let [height, width] = self.shape.output();
        for (number, channel) in images.chunks_exact(height * width).enumerate() {
            let mut at = self.start(number % self.shape.d_output, number / self.shape.d_output);
            for row in channel.chunks_exact(width) {
                copy(row, &mut lines[at..][..width]);
                at += self.band;
            }
        }
    }

    /// Gathers images of the output from lines.
    pub(crate) fn gather_output(&self, lines: &[f32], images: &mut [f32]) {
        let [height, width] = self.shape.output();
        for (number, channel) in images.chunks_exact_mut(height * width).enumerate() {
            let mut at = self.start(number % self.shape.d_output, number / self.shape.d_output);
            for row in channel.chunks_exact_mut(width) {
                copy(&lines[at..][..width], row);
                at += self.band;
            }
        }
    }

    /// Returns the offset of an image in a line.
    fn start(&self, line: usize, image: usize) -> usize {
        line * self.line() + self.margin + image * self.row
    }
}

pub(crate) fn signed(number: usize) -> isize {
    number.cast_signed()
}

/// Copies a row; rows of common short lengths without a call.
fn copy(from: &[f32], to: &mut [f32]) {
    fn as_array<const N: usize>(from: &[f32], to: &mut [f32]) {
        if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
            *to = *from;
        }
    }
    match from.len() {
        32 => as_array::<32>(from, to),
        16 => as_array::<16>(from, to),
        8 => as_array::<8>(from, to),
        4 => as_array::<4>(from, to),
        2 => as_array::<2>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// Copies every second element, from the first on.
fn take_pairs(from: &[f32], to: &mut [f32]) {
    let (pairs, rest) = from.as_chunks::<2>();
    to.iter_mut().zip(pairs.iter().map(|[first, _]| first).chain(rest)).for_each(take);
}

fn take((to, from): (&mut f32, &f32)) {
    *to = *from;
}
