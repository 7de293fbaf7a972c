//! Packed matrix products on slices; no result depends on the number of threads.
//!
//! Both factors are packed, a stretch of their common dimension at a time, into the order in which
//! the inner loop reads them (Goto and van de Geijn, 2008, "Anatomy of high-performance matrix
//! multiplication").

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::scratch::{LINE, with_scratch};

/// The way in which stored elements are read while they are packed.
pub(crate) trait ReadElements: Copy + Sync {
    /// Writes neighbors of one stored row times `scale`; the first is in column `column`.
    fn write<'a>(
        self,
        elements: &[f32],
        column: usize,
        scale: f32,
        out: impl Iterator<Item = &'a mut f32>,
    );
}

/// Reads elements as they are stored.
#[derive(Clone, Copy)]
pub(crate) struct AsStored;

impl ReadElements for AsStored {
    #[inline(always)]
    fn write<'a>(
        self,
        elements: &[f32],
        _: usize,
        scale: f32,
        out: impl Iterator<Item = &'a mut f32>,
    ) {
        for (out, x) in out.zip(elements) {
            *out = x * scale;
        }
    }
}

/// A matrix in row-major order, or the transpose of one.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, R = AsStored> {
    elements: &'a [f32],
    shape: [usize; 2],
    transposed: bool,
    read: R,
}

impl<'a> Matrix<'a> {
    pub(crate) fn new(elements: &'a [f32], shape: [usize; 2]) -> Self {
        Self::read_by(AsStored, elements, shape)
    }
}

impl<'a, R: ReadElements> Matrix<'a, R> {
    /// Returns a matrix whose elements are read by `read` while they are packed, and never
    /// materialized.
    pub(crate) fn read_by(read: R, elements: &'a [f32], shape: [usize; 2]) -> Self {
        debug_assert_eq!(elements.len(), shape[0] * shape[1]);
        Self { elements, shape, transposed: false, read }
    }

    pub(crate) fn transpose(self) -> Self {
        let [rows, columns] = self.shape;
        Self { shape: [columns, rows], transposed: !self.transposed, ..self }
    }

    pub(crate) fn rows(&self) -> usize {
        self.shape[0]
    }

    pub(crate) fn columns(&self) -> usize {
        self.shape[1]
    }

    /// Writes neighboring stored elements, from this row and column on, times `scale`.
    #[inline(always)]
    fn write<'b>(
        &self,
        [row, column]: [usize; 2],
        scale: f32,
        out: impl ExactSizeIterator<Item = &'b mut f32>,
    ) {
        let [rows, columns] = self.shape;
        let (place, column) = if self.transposed {
            (column * rows + row, row)
        } else {
            (row * columns + column, column)
        };
        self.read.write(&self.elements[place..][..out.len()], column, scale, out);
    }
}

/// Terms of each sum that are worked on at a time: a strip of them stays in the nearest cache.
const DEPTH: usize = 512;
/// Elements of the right factor that are packed at a time, or one [`DEPTH`] of them if that is
/// more.
const PACKED: usize = 1 << 22;
/// Terms between two tests of the inner loop: the tests cost a tenth of it otherwise.
const UNROLLED: usize = 4;
/// Rows and columns that are mirrored at a time; whole groups of rows, be they of 6 or 8.
const SQUARE: usize = 24;
/// Strips that are packed at a time, as the elements of several are neighbors.
const STRIPS: usize = 16;
/// Columns of a row that are packed at a time.
const PART: usize = 64;

/// Returns the number of rows of a product that one task computes: enough tasks for many cores,
/// each of whole squares.
fn block_length(rows: usize) -> usize {
    (rows / 16).clamp(SQUARE, 96).next_multiple_of(SQUARE)
}

/// Computes `left · right · scale`, in row-major order.
pub(crate) fn multiply<L: ReadElements, R: ReadElements>(
    left: Matrix<'_, L>,
    right: Matrix<'_, R>,
    scale: f32,
) -> Vec<f32> {
    multiply_then(left, right, scale, |_, _| {})
}

/// [`multiply`], calling `then` with finished rows while they are in a cache, and with the index of
/// the first.
pub(crate) fn multiply_then<L: ReadElements, R: ReadElements>(
    left: Matrix<'_, L>,
    right: Matrix<'_, R>,
    scale: f32,
    then: impl Fn(usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let ([rows, _], [_, columns]) = (left.shape, right.shape);
    let mut out = vec![0.0; rows * columns];
    let length = block_length(rows);
    add_blocks(left, right, scale, length, &mut out, |_| columns, then);
    out
}

/// Computes `x · xᵀ`, in row-major order; of two elements that mirror each other one is computed.
pub(crate) fn multiply_by_own_transpose(x: Matrix<'_>) -> Vec<f32> {
    let [count, _] = x.shape;
    let mut out = vec![0.0; count * count];
    let length = block_length(count);
    add_blocks(x, x.transpose(), 1.0, length, &mut out, |upto| upto, |_, _| {});
    // In squares that stay in a cache, as one side of the diagonal is read down the columns.
    for rows in (0..count).step_by(SQUARE) {
        for columns in (rows / length * length + length..count).step_by(SQUARE) {
            for row in rows..rows + SQUARE.min(count - rows) {
                for column in columns..columns + SQUARE.min(count - columns) {
                    out[row * count + column] = out[column * count + row];
                }
            }
        }
    }
    out
}

/// Writes the product into `out`, which is zero, in blocks of `length` rows; of the block that ends
/// before row `end` only the first `width(end)` columns. Calls `then` with each finished block.
fn add_blocks<L: ReadElements, R: ReadElements>(
    left: Matrix<'_, L>,
    right: Matrix<'_, R>,
    scale: f32,
    length: usize,
    out: &mut [f32],
    width: impl Fn(usize) -> usize + Sync,
    then: impl Fn(usize, &mut [f32]) + Sync,
) {
    let ([_, depth], [_, columns]) = (left.shape, right.shape);
    if columns == 0 {
        return;
    }
    let tile = Arch::new().dispatch(BestTile);
    let lines = columns.next_multiple_of(tile.columns);
    let stage = (PACKED / (lines * DEPTH)).max(1) * DEPTH;
    with_scratch(lines * stage.min(depth), |packed| {
        for first in (0..depth).step_by(stage) {
            let packed = &mut packed[..lines * stage.min(depth - first)];
            packed.par_chunks_mut(lines * DEPTH).enumerate().for_each(|(part, packed)| {
                let (first, depth) = (first + part * DEPTH, packed.len() / lines);
                let strips = packed.par_chunks_mut(STRIPS * tile.columns * depth).enumerate();
                strips.for_each(|(strips, packed)| {
                    let start = [strips * STRIPS * tile.columns, first];
                    pack(right.transpose(), 1.0, start, tile.columns, depth, packed);
                });
            });
            // From the last on, as the last blocks of a symmetric product are the longest.
            let blocks = out.par_chunks_mut(length * columns).enumerate().rev();
            blocks.for_each(|(block, out)| {
                let (start, rows) = (block * length, out.len() / columns);
                let width = width(start + rows);
                let rows = rows.next_multiple_of(tile.rows);
                let all = packed.len() / lines;
                with_scratch(rows * all, |left_packed| {
                    for (part, left_packed) in left_packed.chunks_mut(rows * DEPTH).enumerate() {
                        let depth = left_packed.len() / rows;
                        let place = [start, first + part * DEPTH];
                        pack(left, scale, place, tile.rows, depth, left_packed);
                    }
                    for column in (0..width).step_by(STRIPS * tile.columns) {
                        let width = (width - column).min(STRIPS * tile.columns);
                        let parts = left_packed.chunks(rows * DEPTH);
                        let parts = parts.zip(packed.chunks(lines * DEPTH)).enumerate();
                        for (part, (left, right)) in parts {
                            let depth = right.len() / lines;
                            let right = &right[column * depth..];
                            let right = &right[..width.next_multiple_of(tile.columns) * depth];
                            let (out, more) = (&mut out[column..], first + part > 0);
                            let block = Block { left, right, depth, out, columns, width, more };
                            Arch::new().dispatch(block);
                        }
                    }
                });
                if first + stage >= depth {
                    then(start, out);
                }
            });
        }
    });
}

/// Packs `depth` columns of the rows from `start` on, in groups of `count` rows: the first element
/// of each row of the group, then the second of each, and so on, times `scale`. Missing rows are
/// zeros.
fn pack<R: ReadElements>(
    matrix: Matrix<'_, R>,
    scale: f32,
    start: [usize; 2],
    count: usize,
    depth: usize,
    out: &mut [f32],
) {
    Arch::new().dispatch(Pack { matrix, scale, start, count, depth, out });
}

struct Pack<'a, R> {
    matrix: Matrix<'a, R>,
    scale: f32,
    start: [usize; 2],
    count: usize,
    depth: usize,
    out: &'a mut [f32],
}

impl<R: ReadElements> WithSimd for Pack<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { matrix, scale, start: [row, column], count, depth, out } = self;
        let end = matrix.rows().min(row + out.len() / depth);
        if matrix.transposed {
            for place in 0..depth {
                for (group, first) in (row..end).step_by(count).enumerate() {
                    let out = &mut out[(group * depth + place) * count..][..count.min(end - first)];
                    matrix.write([first, column + place], scale, out.iter_mut());
                }
            }
        } else {
            for (group, first) in (row..end).step_by(count).enumerate() {
                let out = &mut out[group * depth * count..][..depth * count];
                // In parts that stay in the nearest cache, as they are written row by row, too.
                for (part, out) in out.chunks_mut(count * PART).enumerate() {
                    for row in first..end.min(first + count) {
                        let out = out[row - first..].iter_mut().step_by(count);
                        matrix.write([row, column + part * PART], scale, out);
                    }
                }
            }
        }
        // An earlier block has left its elements there.
        let missing = out.len() / depth - (end - row);
        if missing > 0 {
            let last = out.len() - count * depth;
            for out in out[last..].chunks_mut(count) {
                out[count - missing..].fill(0.0);
            }
        }
    }
}

/// The size of the part of a product whose sums stay in registers.
#[derive(Clone, Copy)]
struct RegisterTile {
    rows: usize,
    columns: usize,
}

/// The tile of [`Block`].
struct BestTile;

impl WithSimd for BestTile {
    type Output = RegisterTile;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> RegisterTile {
        if S::F32_LANES == 16 {
            RegisterTile { rows: 8, columns: 3 * S::F32_LANES }
        } else {
            RegisterTile { rows: 6, columns: 2 * S::F32_LANES }
        }
    }
}

/// Rows of a product, from its packed factors.
struct Block<'a> {
    left: &'a [f32],
    right: &'a [f32],
    depth: usize,
    out: &'a mut [f32],
    columns: usize,
    width: usize,
    /// Whether `out` holds sums already.
    more: bool,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // 24 of 32 registers on AVX-512, 12 of 16 elsewhere.
        if S::F32_LANES == 16 {
            self.add::<S, 8, 3>(simd);
        } else {
            self.add::<S, 6, 2>(simd);
        }
    }
}

impl Block<'_> {
    #[inline(always)]
    fn add<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        let Self { left, right, depth, out, columns, width, more } = self;
        let step = V * S::F32_LANES;
        for (strip, right) in right.chunks_exact(step * depth).enumerate() {
            let right = S::as_simd_f32s(right).0.as_chunks::<V>().0;
            let from = strip * step;
            for (left, out) in left.chunks_exact(R * depth).zip(out.chunks_mut(R * columns)) {
                let sums = sums::<S, R, V>(simd, left.as_chunks::<R>().0, right);
                for (sums, out) in sums.iter().zip(out.chunks_mut(columns)) {
                    let (whole, rest) = S::as_mut_simd_f32s(&mut out[from..width.min(from + step)]);
                    for (out, sum) in whole.iter_mut().zip(sums) {
                        *out = if more { simd.add_f32s(*out, *sum) } else { *sum };
                    }
                    if !rest.is_empty() {
                        let mut last = [0.0; LINE];
                        S::as_mut_simd_f32s(&mut last).0[0] = sums[whole.len()];
                        for (out, sum) in rest.iter_mut().zip(last) {
                            *out = if more { *out + sum } else { sum };
                        }
                    }
                }
            }
        }
    }
}

/// Returns the sums of a tile; they stay in registers throughout.
#[inline(always)]
fn sums<S: Simd, const R: usize, const V: usize>(
    simd: S,
    left: &[[f32; R]],
    right: &[[S::f32s; V]],
) -> [[S::f32s; V]; R] {
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    let (lefts, left_rest) = left.as_chunks::<UNROLLED>();
    let (rights, right_rest) = right[..left.len()].as_chunks::<UNROLLED>();
    for (lefts, rights) in lefts.iter().zip(rights) {
        for (left, right) in lefts.iter().zip(rights) {
            add_terms::<S, R, V>(simd, left, *right, &mut sums);
        }
    }
    for (left, right) in left_rest.iter().zip(right_rest) {
        add_terms::<S, R, V>(simd, left, *right, &mut sums);
    }
    sums
}

#[inline(always)]
fn add_terms<S: Simd, const R: usize, const V: usize>(
    simd: S,
    left: &[f32; R],
    right: [S::f32s; V],
    sums: &mut [[S::f32s; V]; R],
) {
    for (sums, x) in sums.iter_mut().zip(left) {
        let x = simd.splat_f32s(*x);
        for (sum, y) in sums.iter_mut().zip(right) {
            *sum = simd.mul_add_e_f32s(x, y, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Small integers, whose sums of products are exact.
    fn elements(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|index| (index * step % 17) as f32 - 8.0).collect()
    }

    fn at(matrix: &Matrix<'_>, row: usize, column: usize) -> f32 {
        let [rows, columns] = matrix.shape;
        let place = if matrix.transposed { column * rows + row } else { row * columns + column };
        matrix.elements[place]
    }

    fn naive(left: &Matrix<'_>, right: &Matrix<'_>) -> Vec<f32> {
        let sum = |row, column| {
            (0..left.columns()).map(|k| at(left, row, k) * at(right, k, column)).sum::<f32>()
        };
        (0..left.rows()).flat_map(|row| (0..right.columns()).map(move |j| sum(row, j))).collect()
    }

    fn check(
        rows: usize,
        depth: usize,
        columns: usize,
        [transpose_left, transpose_right]: [bool; 2],
    ) {
        let (a, b) = (elements(rows * depth, 7), elements(depth * columns, 5));
        let matrix = |x, [rows, columns]: [usize; 2], transposed: bool| {
            if transposed {
                Matrix::new(x, [columns, rows]).transpose()
            } else {
                Matrix::new(x, [rows, columns])
            }
        };
        let left = matrix(&a, [rows, depth], transpose_left);
        let right = matrix(&b, [depth, columns], transpose_right);
        let want = naive(&left, &right).iter().map(|x| x * 0.5).collect::<Vec<_>>();
        assert!(multiply(left, right, 0.5) == want, "{rows}×{depth}×{columns}");
        assert!(
            multiply_by_own_transpose(left) == naive(&left, &left.transpose()),
            "{rows}×{depth}"
        );
    }

    proptest! {
        #[test]
        fn equal_the_sums(
            rows in 1..120_usize,
            depth in 1..40_usize,
            columns in 1..70_usize,
            transposed in any::<[bool; 2]>(),
        ) {
            check(rows, depth, columns, transposed);
        }
    }

    #[test]
    fn several_depths_and_several_stages() {
        check(50, 2 * DEPTH + 3, 30, [true, false]);
        check(3, 2 * DEPTH + 3, PACKED / DEPTH + 1, [false, true]);
    }

    /// The product by the tiles that `simd` chooses, on one thread.
    fn tiled<S: Simd>(simd: S, left: Matrix<'_>, right: Matrix<'_>) -> Vec<f32> {
        let tile = BestTile.with_simd(simd);
        let ([rows, depth], [_, columns]) = (left.shape, right.shape);
        let packed = |matrix: Matrix<'_>, count: usize| {
            let mut packed = vec![f32::NAN; matrix.rows().next_multiple_of(count) * depth];
            pack(matrix, 1.0, [0, 0], count, depth, &mut packed);
            packed
        };
        let (left, right) = (packed(left, tile.rows), packed(right.transpose(), tile.columns));
        let (left, right, mut out) = (&left[..], &right[..], vec![0.0; rows * columns]);
        let more = true;
        Block { left, right, depth, out: &mut out, columns, width: columns, more }.with_simd(simd);
        out
    }

    #[test]
    fn tiles_of_every_processor_hold_the_sums() {
        let (a, b) = (elements(50 * 37, 7), elements(37 * 110, 5));
        for rows in [1, 6, 8, 23, 50] {
            for columns in [1, 16, 48, 75, 110] {
                let left = Matrix::new(&a[..rows * 37], [rows, 37]);
                let right = Matrix::new(&b[..37 * columns], [columns, 37]).transpose();
                let want = naive(&left, &right);
                assert!(tiled(pulp::Scalar256b, left, right) == want, "{rows} × {columns}");
                assert!(tiled(pulp::Scalar512b, left, right) == want, "{rows} × {columns}");
            }
        }
    }

    #[test]
    fn nan_stays_in_its_row() {
        let mut x = elements(30 * 9, 7);
        x[4 * 9] = f32::NAN;
        let found =
            multiply(Matrix::new(&x, [30, 9]), Matrix::new(&elements(9 * 20, 5), [9, 20]), 1.0);
        let lost = found.chunks(20).position(|row| row.iter().any(|x| x.is_nan()));
        assert_eq!(lost, Some(4));
        assert_eq!(found.iter().filter(|x| x.is_nan()).count(), 20);
    }

    #[test]
    fn nothing_to_sum_is_zero() {
        assert_eq!(multiply(Matrix::new(&[], [2, 0]), Matrix::new(&[], [0, 3]), 1.0), [0.0; 6]);
        assert!(multiply(Matrix::new(&[], [0, 3]), Matrix::new(&[1.0; 3], [3, 1]), 1.0).is_empty());
    }
}
