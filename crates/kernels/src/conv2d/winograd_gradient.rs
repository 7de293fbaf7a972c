//! The gradient with respect to the weight by Winograd's algorithm: for kernels of 3 × 3 and stride
//! 1, a quarter of the multiplications.
//!
//! The forward pass of [`winograd`](super::winograd), `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`, is linear in
//! the kernel `g`, so its gradient is `Gᵀ [Σ over tiles of (A dy Aᵀ) ⊙ (Bᵀ d B)] G`: 36 products a
//! tile and pair of channels instead of 144. The sums run over tiles and the vectors over channels,
//! which are contiguous here, so that no sum runs across a vector.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    clippy::many_single_char_names,
    reason = "code that is not inlined is not compiled for the chosen vectors; matrices are \
              indexed by row and column"
)]

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::layout::Shape;
use super::lines::{GROUP, sums_of_lines};
use super::winograd::{FREQUENCIES, SIDE, TILE, area, input_transform};
use crate::scratch::{LINE, with_scratch_pair};

/// Channels of the input worked on at a time; those of the output are a [`GROUP`].
const BLOCK: usize = 2 * LINE;
/// Weights between a block and a group, for one tap or frequency.
const PAIRS: usize = GROUP * BLOCK;
const TAPS: usize = 9;
/// The least number of tiles whose frequencies are kept at a time.
const LEAST_TILES: usize = 64;

/// The largest number of weights of all separate sums: parts of the batch run in parallel, each
/// with separate sums. Their number depends on the shape alone, so the sum does not depend on the
/// number of threads.
const LARGEST_SUMS: usize = 1 << 20;

/// Computes the gradient with respect to the weight.
pub(crate) fn winograd_weight_gradient(shape: Shape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let tiles = shape.output().map(|side| side.div_ceil(TILE));
    let sides = [shape.height, shape.width];
    let input = Side { channels: shape.d_input, sides, padding: shape.padding, tiles };
    let output = Side { channels: shape.d_output, sides: shape.output(), padding: 0, tiles };
    let (blocks, groups) = (shape.d_input.div_ceil(BLOCK), shape.d_output.div_ceil(GROUP));
    let length = blocks * groups * TAPS * PAIRS;
    let images = LEAST_TILES.div_ceil(area(tiles));
    let chunks = shape.batch.div_ceil(images);
    let part = chunks.div_ceil((LARGEST_SUMS / length).max(1)) * images;
    let parts = x.par_chunks(part * input.size()).zip(dy.par_chunks(part * output.size()));
    let sums = parts.map(|(x, dy)| {
        let mut sums = vec![0.0; length];
        let chunks = x.chunks(images * input.size()).zip(dy.chunks(images * output.size()));
        chunks.for_each(|(x, dy)| add_chunk([input, output], x, dy, &mut sums));
        sums
    });
    let sums: Vec<Vec<f32>> = sums.collect();
    let rows = dw.par_chunks_mut(shape.d_input * TAPS).enumerate();
    rows.for_each(|(output, row)| {
        for (input, taps) in row.chunks_mut(TAPS).enumerate() {
            let pair = input / BLOCK * groups + output / GROUP;
            let place = pair * TAPS * PAIRS + output % GROUP * BLOCK + input % BLOCK;
            for (tap, dw) in taps.iter_mut().enumerate() {
                *dw = sums.iter().map(|sums| sums[place + tap * PAIRS]).sum();
            }
        }
    });
}

/// Returns the distance of the lines of `WIDTH` channels.
fn line<const WIDTH: usize>(places: usize) -> usize {
    // An odd number of cache lines, so that the lines do not evict each other.
    ((places * WIDTH).div_ceil(LINE) | 1) * LINE
}

/// Adds the gradient of a few images, for each block of inputs and group of outputs.
fn add_chunk([input, output]: [Side; 2], x: &[f32], dy: &[f32], sums: &mut [f32]) {
    let places = x.len() / input.size() * area(input.tiles);
    let groups = output.channels.div_ceil(GROUP);
    let offsets: Vec<usize> = (0..places).map(|tile| tile * BLOCK).collect();
    let (x_line, dy_line) = (line::<BLOCK>(places), line::<GROUP>(places));
    let lengths = [input.length::<BLOCK>(x_line), output.length::<GROUP>(dy_line)];
    with_scratch_pair(lengths, |x_frequencies, dy_frequencies| {
        input.transform::<BLOCK, false>(x, x_frequencies, x_line);
        output.transform::<GROUP, true>(dy, dy_frequencies, dy_line);
        let (x, dy) = (&*x_frequencies, &*dy_frequencies);
        let pairs = sums.par_chunks_mut(TAPS * PAIRS).enumerate();
        let products = || vec![0.0; FREQUENCIES * PAIRS];
        pairs.for_each_init(products, |products, (pair, sums)| {
            let (block, group) = (pair / groups, pair % groups);
            for (frequency, products) in products.chunks_mut(PAIRS).enumerate() {
                let x = &x[(block * FREQUENCIES + frequency) * x_line..];
                let dy = &dy[(group * FREQUENCIES + frequency) * dy_line..];
                let dy = &dy.as_chunks::<GROUP>().0[..places];
                sums_of_lines(dy, places, &offsets, x, products, BLOCK, BLOCK);
            }
            Arch::new().dispatch(InverseKernelTransform { products, sums });
        });
    });
}

/// The images of one side of a convolution.
#[derive(Clone, Copy)]
struct Side {
    channels: usize,
    sides: [usize; 2],
    padding: usize,
    tiles: [usize; 2],
}

impl Side {
    /// Returns the number of elements of an image.
    fn size(&self) -> usize {
        self.channels * area(self.sides)
    }

    /// Returns the number of elements of all frequencies, whose lines have `line` elements.
    fn length<const WIDTH: usize>(self, line: usize) -> usize {
        let unit = WIDTH.max(LINE);
        self.channels.div_ceil(unit) * (unit / WIDTH * FREQUENCIES * line)
    }

    /// Writes the frequencies of all tiles: for each `WIDTH` channels and each frequency a line of
    /// `[tiles, WIDTH]`.
    fn transform<const WIDTH: usize, const OUTPUT: bool>(
        self,
        images: &[f32],
        to: &mut [f32],
        line: usize,
    ) {
        let unit = WIDTH.max(LINE);
        let of_unit = unit / WIDTH * FREQUENCIES * line;
        let [down, across] = self.tiles;
        let row = across * TILE + SIDE - TILE;
        let padded = || vec![[0.0; LINE]; (down * TILE + SIDE - TILE) * row];
        to.par_chunks_mut(of_unit).enumerate().for_each_init(padded, |padded, (first, to)| {
            for channel in (0..unit).step_by(LINE) {
                let transform = TileTransform::<WIDTH, OUTPUT> {
                    side: self,
                    images,
                    first: first * unit + channel,
                    to,
                    line,
                    channel,
                    padded,
                    row,
                };
                Arch::new().dispatch(transform);
            }
        });
    }
}

/// The frequencies of a vector of channels from `first` on, which is `channel` of those in `to`:
/// `A dy Aᵀ` for the output's gradient, else `Bᵀ d B`.
struct TileTransform<'a, const WIDTH: usize, const OUTPUT: bool> {
    side: Side,
    images: &'a [f32],
    first: usize,
    to: &'a mut [f32],
    line: usize,
    channel: usize,
    /// An image's vectors, padded with zeros, in rows of `row`.
    padded: &'a mut [[f32; LINE]],
    row: usize,
}

impl<const WIDTH: usize, const OUTPUT: bool> WithSimd for TileTransform<'_, WIDTH, OUTPUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let ([down, across], row) = (self.side.tiles, self.row);
        let images = self.images.chunks(self.side.size()).enumerate();
        for (image, elements) in images {
            let area = area(self.side.sides);
            let elements = &elements[(self.first * area).min(elements.len())..];
            interleave(elements, &self.side, self.padded, row);
            for tile in 0..down * across {
                let corner = tile / across * TILE * row + tile % across * TILE;
                for part in (0..LINE).step_by(S::F32_LANES) {
                    let found = frequencies::<S, OUTPUT>(simd, &self.padded[corner..], row, part);
                    self.store::<S>(image * down * across + tile, part, &found);
                }
            }
        }
    }
}

impl<const WIDTH: usize, const OUTPUT: bool> TileTransform<'_, WIDTH, OUTPUT> {
    #[inline(always)]
    fn store<S: Simd>(&mut self, tile: usize, part: usize, found: &[[S::f32s; SIDE]; SIDE]) {
        let width = WIDTH.min(S::F32_LANES);
        for (frequency, found) in found.as_flattened().iter().enumerate() {
            let found: &[f32] = bytemuck::cast_slice(std::slice::from_ref(found));
            for (piece, found) in found.chunks_exact(width).enumerate() {
                let channel = self.channel + part + piece * width;
                let line = channel / WIDTH * FREQUENCIES + frequency;
                let at = line * self.line + tile * WIDTH + channel % WIDTH;
                self.to[at..][..width].copy_from_slice(found);
            }
        }
    }
}

/// Interleaves the first channels, at most a vector of them, in rows of `row` places.
#[inline(always)]
fn interleave(elements: &[f32], images: &Side, padded: &mut [[f32; LINE]], row: usize) {
    let [height, width] = images.sides;
    let area = height * width;
    for start in (0..area).step_by(LINE) {
        let length = LINE.min(area - start);
        let mut square = [[0.0; LINE]; LINE];
        for (channel, plane) in elements.chunks(area).take(LINE).enumerate() {
            for (square, x) in square.iter_mut().zip(&plane[start..][..length]) {
                square[channel] = *x;
            }
        }
        for (place, channels) in (start..).zip(&square[..length]) {
            let (y, x) = (place / width + images.padding, place % width + images.padding);
            padded[y * row + x] = *channels;
        }
    }
}

/// Computes the frequencies of the tile that `padded` begins with.
#[inline(always)]
fn frequencies<S: Simd, const OUTPUT: bool>(
    simd: S,
    padded: &[[f32; LINE]],
    row: usize,
    part: usize,
) -> [[S::f32s; SIDE]; SIDE] {
    let mut tile = [[simd.splat_f32s(0.0); SIDE]; SIDE];
    let side = if OUTPUT { TILE } else { SIDE };
    for y in 0..side {
        let mut line = [simd.splat_f32s(0.0); SIDE];
        for x in 0..side {
            line[x] = S::as_simd_f32s(&padded[y * row + x][part..][..S::F32_LANES]).0[0];
        }
        tile[y] = transform_line::<S, OUTPUT>(simd, line);
    }
    for x in 0..SIDE {
        let mut line = [simd.splat_f32s(0.0); SIDE];
        for y in 0..SIDE {
            line[y] = tile[y][x];
        }
        for (y, found) in transform_line::<S, OUTPUT>(simd, line).into_iter().enumerate() {
            tile[y][x] = found;
        }
    }
    tile
}

#[inline(always)]
fn transform_line<S: Simd, const OUTPUT: bool>(simd: S, line: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
    if OUTPUT {
        inverse_output_transform(simd, [line[0], line[1], line[2], line[3]])
    } else {
        input_transform(simd, line)
    }
}

/// Computes the transpose of the output transform, in one dimension: `A y`.
#[inline(always)]
fn inverse_output_transform<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; TILE]) -> [S::f32s; SIDE] {
    let times = |factor: f32| simd.splat_f32s(factor);
    let (even, odd) = (simd.add_f32s(a, c), simd.add_f32s(b, d));
    let far_even = simd.mul_add_e_f32s(times(4.0), c, a);
    let far_odd = simd.mul_add_e_f32s(times(8.0), d, simd.add_f32s(b, b));
    [
        a,
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(far_even, far_odd),
        simd.sub_f32s(far_even, far_odd),
        d,
    ]
}

/// Adds `Gᵀ m G`, the transpose of the kernel transform, to the sums of the taps, for each pair of
/// channels.
struct InverseKernelTransform<'a> {
    products: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for InverseKernelTransform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for place in (0..PAIRS).step_by(S::F32_LANES) {
            let mut rows = [[simd.splat_f32s(0.0); 3]; SIDE];
            for y in 0..SIDE {
                let mut line = [simd.splat_f32s(0.0); SIDE];
                for x in 0..SIDE {
                    let at = (y * SIDE + x) * PAIRS + place;
                    line[x] = S::as_simd_f32s(&self.products[at..][..S::F32_LANES]).0[0];
                }
                rows[y] = inverse_kernel_transform(simd, line);
            }
            for x in 0..3 {
                let mut line = [simd.splat_f32s(0.0); SIDE];
                for y in 0..SIDE {
                    line[y] = rows[y][x];
                }
                for (y, found) in inverse_kernel_transform(simd, line).into_iter().enumerate() {
                    let at = (y * 3 + x) * PAIRS + place;
                    let sum = &mut S::as_mut_simd_f32s(&mut self.sums[at..][..S::F32_LANES]).0[0];
                    *sum = simd.add_f32s(*sum, found);
                }
            }
        }
    }
}

/// Computes the transpose of the kernel transform, in one dimension: `Gᵀ m`.
#[inline(always)]
fn inverse_kernel_transform<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; SIDE]) -> [S::f32s; 3] {
    let times = |factor: f32| simd.splat_f32s(factor);
    let near = simd.mul_f32s(times(-1.0 / 6.0), simd.add_f32s(b, c));
    let near_odd = simd.mul_f32s(times(1.0 / 6.0), simd.sub_f32s(c, b));
    let (far, far_odd) = (simd.add_f32s(d, e), simd.sub_f32s(d, e));
    [
        simd.mul_add_e_f32s(times(0.25), a, simd.mul_add_e_f32s(times(1.0 / 24.0), far, near)),
        simd.mul_add_e_f32s(times(1.0 / 12.0), far_odd, near_odd),
        simd.add_f32s(f, simd.mul_add_e_f32s(times(1.0 / 6.0), far, near)),
    ]
}
