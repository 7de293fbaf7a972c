//! Winograd's convolution: for kernels of 3 × 3 and stride 1, a quarter of the multiplications.
//!
//! The output is cut into tiles of 4 × 4. The 6 × 6 inputs of a tile and the kernel are transformed
//! to 36 frequencies (`Bᵀ d B` and `G g Gᵀ`), multiplied there, summed over channels, and
//! transformed to the output (`Aᵀ m A`): 36 products a tile and channel instead of 144. Lavin &
//! Gray, 2015, [arXiv:1509.09308](https://arxiv.org/abs/1509.09308), F(4×4, 3×3).

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    clippy::many_single_char_names,
    reason = "code that is not inlined is not compiled for the chosen vectors; matrices are \
              indexed by row and column"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::layout::Shape;
use super::lines::{GROUP, sums_of_lines};
use crate::scratch::{LINE, with_scratch, with_scratch_pair};

/// Side of an output tile, side of the input tile under it, and elements of the latter.
pub(crate) const TILE: usize = 4;
pub(crate) const SIDE: usize = TILE + 2;
pub(crate) const FREQUENCIES: usize = SIDE * SIDE;

/// With fewer channels the transforms cost more than the products they save.
const LEAST_CHANNELS: usize = 24;
/// Elements of a chunk's input, which stay in the second-level cache, and its least number of
/// tiles, so that kernels are not read too often.
const CHUNK: usize = 256 << 10;
const LEAST_TILES: usize = 64;

/// Returns whether Winograd's convolution is faster than the direct one.
pub(crate) fn suits(shape: &Shape) -> bool {
    let kernel = shape.kernel == [3, 3] && shape.stride == 1 && shape.padding <= 2;
    kernel && shape.d_input.min(shape.d_output) >= LEAST_CHANNELS
}

/// Computes the output of a convolution.
pub(crate) fn winograd_convolve(shape: Shape, x: &[f32], weight: &[f32], y: &mut [f32]) {
    let winograd = Winograd {
        channels: [shape.d_input, shape.d_output],
        from: [shape.height, shape.width],
        to: shape.output(),
        padding: shape.padding,
    };
    let at = |output: usize, input: usize, tap: usize| (output * shape.d_input + input) * 9 + tap;
    winograd.convolve(x, |output, input, tap| weight[at(output, input, tap)], y);
}

/// Computes the gradient with respect to the input: a convolution with the kernel rotated by 180°.
pub(crate) fn winograd_input_gradient(shape: Shape, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    let winograd = Winograd {
        channels: [shape.d_output, shape.d_input],
        from: shape.output(),
        to: [shape.height, shape.width],
        padding: 2 - shape.padding,
    };
    let at = |output: usize, input: usize, tap: usize| (output * shape.d_input + input) * 9 + tap;
    winograd.convolve(dy, |input, output, tap| weight[at(output, input, 8 - tap)], dx);
}

/// A convolution with kernels of 3 × 3 and stride 1.
struct Winograd {
    /// Channels of an input image, and of an output image.
    channels: [usize; 2],
    /// Rows and columns of an input image.
    from: [usize; 2],
    /// Rows and columns of an output image.
    to: [usize; 2],
    padding: usize,
}

impl Winograd {
    fn convolve(
        &self,
        x: &[f32],
        weight: impl Fn(usize, usize, usize) -> f32 + Sync,
        y: &mut [f32],
    ) {
        let [d_input, d_output] = self.channels;
        let length = d_output.div_ceil(GROUP) * FREQUENCIES * d_input * GROUP;
        with_scratch(length, |kernels| {
            let kernels = kernels.as_chunks_mut().0;
            self.transform_kernels(weight, kernels);
            self.convolve_with(x, kernels, y);
        });
    }

    fn convolve_with(&self, x: &[f32], kernels: &[[f32; GROUP]], y: &mut [f32]) {
        let [d_input, d_output] = self.channels;
        let (input, output) = (d_input * area(self.from), d_output * area(self.to));
        let tiles = area(self.tiles());
        let images = (CHUNK / (FREQUENCIES * d_input * tiles)).max(LEAST_TILES.div_ceil(tiles));
        let chunks = y.par_chunks_mut(images * output).zip(x.par_chunks(images * input));
        chunks.for_each(|(y, x)| {
            let places = (x.len() / input * tiles).next_multiple_of(LINE);
            // An odd number of cache lines, so that the lines of channels do not evict each other.
            let line = ((places / LINE) | 1) * LINE;
            let groups = d_output.div_ceil(GROUP);
            let lines =
                [(d_input * FREQUENCIES).max(d_output * TILE * TILE), groups * GROUP * FREQUENCIES];
            with_scratch_pair(lines.map(|count| count * line), |from, to| {
                let lines = from.par_chunks_mut(FREQUENCIES * line).take(d_input);
                lines.enumerate().for_each(|(channel, lines)| {
                    self.gather_tiles(channel, x, lines, line);
                    Arch::new().dispatch(InputTransform { lines, line, places });
                });
                let per_frequency = to.par_chunks_mut(groups * GROUP * line).enumerate();
                per_frequency.for_each(|(frequency, to)| {
                    let offset = |channel| (channel * FREQUENCIES + frequency) * line;
                    let offsets: Vec<usize> = (0..d_input).map(offset).collect();
                    let (kernels, apart) = (&kernels[frequency * d_input..], FREQUENCIES * d_input);
                    sums_of_lines(kernels, apart, &offsets, from, to, line, places);
                });
                let lines = from.par_chunks_mut(TILE * TILE * line).take(d_output);
                lines.enumerate().for_each(|(channel, lines)| {
                    let (to, apart) = (&to[channel * line..], groups * GROUP * line);
                    Arch::new().dispatch(OutputTransform { to, apart, lines, line, places });
                });
                let images = y.par_chunks_mut(output).enumerate();
                images.for_each(|(image, y)| self.scatter_tiles(image, from, line, y));
            });
        });
    }

    fn tiles(&self) -> [usize; 2] {
        self.to.map(|side| side.div_ceil(TILE))
    }

    /// Computes the transformed kernels `G g Gᵀ`: for each group of outputs, each frequency and
    /// input, the group's.
    fn transform_kernels(
        &self,
        weight: impl Fn(usize, usize, usize) -> f32 + Sync,
        kernels: &mut [[f32; GROUP]],
    ) {
        let [d_input, d_output] = self.channels;
        let groups = kernels.par_chunks_mut(FREQUENCIES * d_input).enumerate();
        groups.for_each(|(group, kernels)| {
            for input in 0..d_input {
                let mut taps = [[[0.0; GROUP]; 3]; 3];
                for (member, output) in (group * GROUP..d_output).take(GROUP).enumerate() {
                    for tap in 0..9 {
                        taps[tap / 3][tap % 3][member] = weight(output, input, tap);
                    }
                }
                let rows = taps.map(kernel_transform);
                for column in 0..SIDE {
                    let taps = [rows[0][column], rows[1][column], rows[2][column]];
                    for (row, kernel) in kernel_transform(taps).into_iter().enumerate() {
                        kernels[(row * SIDE + column) * d_input + input] = kernel;
                    }
                }
            }
        });
    }

    /// Writes the overlapping input tiles of a channel to `SIDE²` lines, one for each place of a
    /// tile, with the tiles of all images one after the other.
    fn gather_tiles(&self, channel: usize, x: &[f32], lines: &mut [f32], line: usize) {
        let ([height, width], [down, across]) = (self.from, self.tiles());
        let mut padded = vec![0.0; across * TILE + SIDE];
        lines.fill(0.0);
        for (image, x) in x.chunks(self.channels[0] * height * width).enumerate() {
            let plane = &x[channel * height * width..][..height * width];
            for tile in 0..down {
                let first = (image * down + tile) * across;
                for row in 0..SIDE {
                    let y = (tile * TILE + row).wrapping_sub(self.padding);
                    if y >= height {
                        continue;
                    }
                    let shown = width.min(padded.len() - self.padding);
                    padded[self.padding..][..shown].copy_from_slice(&plane[y * width..][..shown]);
                    for column in 0..SIDE {
                        let to = &mut lines[(row * SIDE + column) * line + first..][..across];
                        let from = padded[column..].iter().step_by(TILE);
                        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        }
    }

    /// Writes the output tiles of an image, one line for each channel and place of a tile, to its
    /// pixels.
    fn scatter_tiles(&self, image: usize, lines: &[f32], line: usize, y: &mut [f32]) {
        let ([height, width], [down, across]) = (self.to, self.tiles());
        for (channel, plane) in y.chunks_mut(height * width).enumerate() {
            for (row, y) in plane.chunks_mut(width).enumerate() {
                let first = (image * down + row / TILE) * across;
                for column in 0..TILE.min(width) {
                    let place = (channel * TILE + row % TILE) * TILE + column;
                    let from = &lines[place * line + first..][..across];
                    let to = y[column..].iter_mut().step_by(TILE);
                    to.zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

pub(crate) fn area([height, width]: [usize; 2]) -> usize {
    height * width
}

/// Computes Lavin and Gray's kernel transform, in one dimension: `G g`.
fn kernel_transform([a, b, c]: [[f32; GROUP]; 3]) -> [[f32; GROUP]; SIDE] {
    let mut found = [[0.0; GROUP]; SIDE];
    for lane in 0..GROUP {
        let (a, b, c) = (a[lane], b[lane], c[lane]);
        let (ends, quarter) = ((a + c) / 6.0, a / 24.0 + c / 6.0);
        let all =
            [a / 4.0, -ends - b / 6.0, b / 6.0 - ends, quarter + b / 12.0, quarter - b / 12.0, c];
        for (found, x) in found.iter_mut().zip(all) {
            found[lane] = x;
        }
    }
    found
}

/// The input transform `Bᵀ d B`, in place, for each tile.
struct InputTransform<'a> {
    lines: &'a mut [f32],
    line: usize,
    places: usize,
}

impl WithSimd for InputTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for place in (0..self.places).step_by(S::F32_LANES) {
            let mut tile = [[simd.splat_f32s(0.0); SIDE]; SIDE];
            for row in 0..SIDE {
                for column in 0..SIDE {
                    let at = (row * SIDE + column) * self.line + place;
                    tile[row][column] = S::as_simd_f32s(&self.lines[at..][..S::F32_LANES]).0[0];
                }
                tile[row] = input_transform(simd, tile[row]);
            }
            for column in 0..SIDE {
                let mut rows = [tile[0][column]; SIDE];
                for (row, x) in rows.iter_mut().enumerate() {
                    *x = tile[row][column];
                }
                for (row, x) in input_transform(simd, rows).into_iter().enumerate() {
                    let at = (row * SIDE + column) * self.line + place;
                    S::as_mut_simd_f32s(&mut self.lines[at..][..S::F32_LANES]).0[0] = x;
                }
            }
        }
    }
}

/// Computes the input transform in one dimension: `Bᵀ d`.
#[inline(always)]
pub(crate) fn input_transform<S: Simd>(
    simd: S,
    [a, b, c, d, e, f]: [S::f32s; SIDE],
) -> [S::f32s; SIDE] {
    let times = |factor: f32| simd.splat_f32s(factor);
    let (two, four, five) = (times(2.0), times(4.0), times(-5.0));
    let (minus_four, minus_two) = (times(-4.0), times(-2.0));
    let even = simd.mul_add_e_f32s(minus_four, c, e);
    let odd = simd.mul_add_e_f32s(minus_four, b, d);
    let (near, far) = (simd.sub_f32s(e, c), simd.sub_f32s(d, b));
    [
        simd.mul_add_e_f32s(four, a, simd.mul_add_e_f32s(five, c, e)),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.mul_add_e_f32s(two, far, near),
        simd.mul_add_e_f32s(minus_two, far, near),
        simd.mul_add_e_f32s(four, b, simd.mul_add_e_f32s(five, d, f)),
    ]
}

/// The output transform `Aᵀ m A` for each tile: from the frequencies, `apart` from each other in
/// `to`, to lines.
struct OutputTransform<'a> {
    to: &'a [f32],
    apart: usize,
    lines: &'a mut [f32],
    line: usize,
    places: usize,
}

impl WithSimd for OutputTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for place in (0..self.places).step_by(S::F32_LANES) {
            let mut tile = [[simd.splat_f32s(0.0); TILE]; SIDE];
            for row in 0..SIDE {
                let mut found = [simd.splat_f32s(0.0); SIDE];
                for (column, x) in found.iter_mut().enumerate() {
                    let at = (row * SIDE + column) * self.apart + place;
                    *x = S::as_simd_f32s(&self.to[at..][..S::F32_LANES]).0[0];
                }
                tile[row] = output_transform(simd, found);
            }
            for column in 0..TILE {
                let mut rows = [tile[0][column]; SIDE];
                for (row, x) in rows.iter_mut().enumerate() {
                    *x = tile[row][column];
                }
                for (row, x) in output_transform(simd, rows).into_iter().enumerate() {
                    let at = (row * TILE + column) * self.line + place;
                    S::as_mut_simd_f32s(&mut self.lines[at..][..S::F32_LANES]).0[0] = x;
                }
            }
        }
    }
}

/// Computes the output transform in one dimension: `Aᵀ m`.
#[inline(always)]
fn output_transform<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; SIDE]) -> [S::f32s; TILE] {
    let times = |factor: f32| simd.splat_f32s(factor);
    let (near, near_odd) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
    let (far, far_odd) = (simd.add_f32s(d, e), simd.sub_f32s(d, e));
    [
        simd.add_f32s(a, simd.add_f32s(near, far)),
        simd.mul_add_e_f32s(times(2.0), far_odd, near_odd),
        simd.mul_add_e_f32s(times(4.0), far, near),
        simd.add_f32s(f, simd.mul_add_e_f32s(times(8.0), far_odd, near_odd)),
    ]
}
