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
        let Shape { height, width, stride, .. } = self.shape;
        self.each_input_row(pictures.len() / self.input_size(), |picture, channel, y, at| {
            let row =
                &pictures[picture * self.input_size() + (channel * height + y) * width..][..width];
            if stride == 1 {
                lines[at(0)..][..width].copy_from_slice(row);
            } else {
                for phase in 0..stride.min(width) {
                    let from = row[phase..].iter().step_by(stride);
                    let to = &mut lines[at(phase)..][..width.div_ceil(stride)];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        });
    }

    /// Gathers pictures of the input from lines: the way back of [`spread_input`](Self::spread_input).
    pub(crate) fn gather_input(&self, lines: &[f32], pictures: &mut [f32]) {
        let Shape { height, width, stride, .. } = self.shape;
        let size = self.input_size();
        self.each_input_row(pictures.len() / size, |picture, channel, y, at| {
            let row = &mut pictures[picture * size + (channel * height + y) * width..][..width];
            if stride == 1 {
                row.copy_from_slice(&lines[at(0)..][..width]);
            } else {
                for phase in 0..stride.min(width) {
                    let to = row[phase..].iter_mut().step_by(stride);
                    to.zip(&lines[at(phase)..]).for_each(|(to, from)| *to = *from);
                }
            }
        });
    }

    /// Calls `visit` with picture, channel, row, and where the row's columns of each phase stand.
    fn each_input_row(
        &self,
        pictures: usize,
        mut visit: impl FnMut(usize, usize, usize, &dyn Fn(usize) -> usize),
    ) {
        let Shape { d_input, height, stride, .. } = self.shape;
        for picture in 0..pictures {
            for channel in 0..d_input {
                for y in 0..height {
                    let place = picture * self.picture + y / stride * self.row;
                    let line = channel * self.phases() + y % stride * stride;
                    let at = |phase: usize| self.offset(line + phase, signed(place));
                    visit(picture, channel, y, &at);
                }
            }
        }
    }

    /// Spreads pictures of the output over lines, one per channel. `lines` is zero.
    pub(crate) fn spread_output(&self, pictures: &[f32], lines: &mut [f32]) {
        let width = self.shape.output()[1];
        for (row, at) in pictures.chunks_exact(width).zip(self.output_rows()) {
            lines[at..][..width].copy_from_slice(row);
        }
    }

    /// Gathers pictures of the output from lines.
    pub(crate) fn gather_output(&self, lines: &[f32], pictures: &mut [f32]) {
        let width = self.shape.output()[1];
        for (row, at) in pictures.chunks_exact_mut(width).zip(self.output_rows()) {
            row.copy_from_slice(&lines[at..][..width]);
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
