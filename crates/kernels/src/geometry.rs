//! How pictures lie in memory while they are convolved.

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
    /// Rows and columns of the output.
    pub(crate) fn output(&self) -> [usize; 2] {
        let side =
            |input: usize, kernel: usize| (input + 2 * self.padding - kernel) / self.stride + 1;
        [side(self.height, self.kernel[0]), side(self.width, self.kernel[1])]
    }
}

/// One weight of a kernel: which pixels of the input it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    /// The plane of input pixels it reads: all whose row and column leave these rests.
    pub(crate) phase: usize,
    /// How far from the output pixel's place, in the plane.
    pub(crate) shift: isize,
}

/// The layout of a few pictures, all their rows one after the other.
///
/// Rows are followed by a gap of zeros and pictures by rows of zeros, wide enough for every weight
/// of the kernel: then an input pixel is always found at a fixed distance from the place of the
/// output pixel, whatever the row, and a convolution is a sum of shifted lines. A stride of `s` cuts
/// the input into `s²` planes, in each of which the stride is 1.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) taps: Vec<Tap>,
    /// From one row to the next, and from one picture to the next.
    pub(crate) row: usize,
    pub(crate) picture: usize,
    /// Zeros before and after the pictures of a line; like a line itself, whole [`BLOCK`]s, which
    /// are whole lines of the processor's cache.
    pub(crate) margin: usize,
    /// Pictures in a line.
    pub(crate) pictures: usize,
}

/// Places worked on at a time; a line has whole blocks of them.
pub(crate) const BLOCK: usize = 48;
/// Bytes of input worked on at a time, to stay in the second-level cache.
const CHUNK_BYTES: usize = 256 << 10;

impl Layout {
    pub(crate) fn new(shape: Shape) -> Self {
        let stride = shape.stride;
        let [out_height, out_width] = shape.output();
        // Weight `k` reads input pixel `stride · place + k − padding`.
        let split = |k: usize| {
            let offset = signed(k) - signed(shape.padding);
            (offset.rem_euclid(signed(stride)).unsigned_abs(), offset.div_euclid(signed(stride)))
        };
        let gap = |kernel: usize| (0..kernel).map(|k| split(k).1.unsigned_abs()).max().unwrap_or(0);
        let columns = out_width.max(shape.width.div_ceil(stride));
        let rows = out_height.max(shape.height.div_ceil(stride));
        let row = columns + gap(shape.kernel[1]);
        let picture = (rows + gap(shape.kernel[0])) * row;
        let tap = |(y, x): (usize, usize)| {
            let ((phase_y, down), (phase_x, right)) = (split(y), split(x));
            Tap { phase: phase_y * stride + phase_x, shift: down * signed(row) + right }
        };
        let taps: Vec<Tap> = (0..shape.kernel[0])
            .flat_map(|y| (0..shape.kernel[1]).map(move |x| (y, x)))
            .map(tap)
            .collect();
        let reach = taps.iter().map(|tap| tap.shift.unsigned_abs()).max().unwrap_or(0);
        let bytes = 4 * shape.d_input.max(shape.d_output) * picture * stride * stride;
        let pictures = (CHUNK_BYTES / bytes.max(1)).clamp(1, shape.batch.max(1));
        Self {
            shape,
            taps,
            row,
            picture,
            margin: (reach + BLOCK).next_multiple_of(BLOCK),
            pictures,
        }
    }

    /// Planes of the input.
    pub(crate) fn phases(&self) -> usize {
        self.shape.stride * self.shape.stride
    }

    /// Places of `pictures` pictures, in whole blocks.
    pub(crate) fn places(&self, pictures: usize) -> usize {
        (pictures * self.picture).next_multiple_of(BLOCK)
    }

    /// From one line to the next.
    pub(crate) fn line(&self) -> usize {
        self.places(self.pictures) + 2 * self.margin
    }

    /// Where the place that a tap reads stands, for the first place of line `line`.
    pub(crate) fn offset(&self, line: usize, shift: isize) -> usize {
        (line * self.line() + self.margin).wrapping_add_signed(shift)
    }

    /// Numbers of one picture of the input, and of the output.
    pub(crate) fn input_size(&self) -> usize {
        self.shape.d_input * self.shape.height * self.shape.width
    }

    pub(crate) fn output_size(&self) -> usize {
        let [height, width] = self.shape.output();
        self.shape.d_output * height * width
    }

    /// Spreads pictures of the input over lines: line `channel · phases + phase`. `lines` is zero.
    pub(crate) fn spread_input(&self, pictures: &[f32], lines: &mut [f32]) {
        let Shape { width, stride, .. } = self.shape;
        for (row, at) in pictures.chunks_exact(width).zip(self.input_rows()) {
            for phase in 0..stride.min(width) {
                let to = &mut lines[at + phase * self.line()..][..(width - phase).div_ceil(stride)];
                match stride {
                    1 => copy(row, to),
                    2 => take_pairs(&row[phase..], to),
                    _ => to.iter_mut().zip(row[phase..].iter().step_by(stride)).for_each(take),
                }
            }
        }
    }

    /// Gathers pictures of the input from lines: the way back of [`spread_input`](Self::spread_input).
    pub(crate) fn gather_input(&self, lines: &[f32], pictures: &mut [f32]) {
        let Shape { width, stride, .. } = self.shape;
        for (row, at) in pictures.chunks_exact_mut(width).zip(self.input_rows()) {
            for phase in 0..stride.min(width) {
                let from = &lines[at + phase * self.line()..][..(width - phase).div_ceil(stride)];
                match stride {
                    1 => copy(from, row),
                    _ => row[phase..].iter_mut().step_by(stride).zip(from).for_each(take),
                }
            }
        }
    }

    /// Where each row of each channel of each picture of the input stands, with its first phase.
    fn input_rows(&self) -> impl Iterator<Item = usize> {
        let Shape { d_input, height, stride, .. } = self.shape;
        (0..self.pictures).flat_map(move |picture| {
            (0..d_input).flat_map(move |channel| {
                (0..height).map(move |y| {
                    let line = channel * self.phases() + y % stride * stride;
                    self.offset(line, signed(picture * self.picture + y / stride * self.row))
                })
            })
        })
    }

    /// Spreads pictures of the output over lines, one per channel. `lines` is zero.
    pub(crate) fn spread_output(&self, pictures: &[f32], lines: &mut [f32]) {
        let width = self.shape.output()[1];
        for (row, at) in pictures.chunks_exact(width).zip(self.output_rows()) {
            copy(row, &mut lines[at..][..width]);
        }
    }

    /// Gathers pictures of the output from lines.
    pub(crate) fn gather_output(&self, lines: &[f32], pictures: &mut [f32]) {
        let width = self.shape.output()[1];
        for (row, at) in pictures.chunks_exact_mut(width).zip(self.output_rows()) {
            copy(&lines[at..][..width], row);
        }
    }

    /// Where each row of each channel of each picture of the output stands.
    fn output_rows(&self) -> impl Iterator<Item = usize> {
        let height = self.shape.output()[0];
        (0..self.pictures).flat_map(move |picture| {
            (0..self.shape.d_output).flat_map(move |channel| {
                let first = self.offset(channel, signed(picture * self.picture));
                (0..height).map(move |y| first + y * self.row)
            })
        })
    }
}

pub(crate) fn signed(number: usize) -> isize {
    number.cast_signed()
}

/// Copies a row; the usual short ones without a call.
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
        _ => to.copy_from_slice(from),
    }
}

/// Every other number from the first on.
fn take_pairs(from: &[f32], to: &mut [f32]) {
    let (pairs, rest) = from.as_chunks::<2>();
    to.iter_mut().zip(pairs.iter().map(|[first, _]| first).chain(rest)).for_each(take);
}

fn take((to, from): (&mut f32, &f32)) {
    *to = *from;
}
