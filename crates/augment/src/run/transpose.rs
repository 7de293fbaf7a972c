//! Transposition of blocks of rows.

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::bytemuck::cast;
#[cfg(target_arch = "x86_64")]
use pulp::{core_arch::x86::Avx, x86::V3};

/// Number of rows that are transposed together, side by side in one vector.
pub(crate) const ROWS: usize = 16;
/// The same sample of each of these rows.
pub(crate) type Column = [f32; ROWS];

/// Transposes rows into every `E`-th column, from `column` on.
pub(crate) fn transpose_in<const E: usize>(rows: &[f32], columns: &mut [Column], column: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = V3::try_new() {
        return v3.vectorize(TransposeIn::<E, _> { transpose: v3.avx, rows, columns, column });
    }
    TransposeIn::<E, _> { transpose: Plain, rows, columns, column }.call();
}

struct TransposeIn<'a, const E: usize, T> {
    transpose: T,
    rows: &'a [f32],
    columns: &'a mut [Column],
    column: usize,
}

impl<const E: usize, T: Transpose> NullaryFnOnce for TransposeIn<'_, E, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { transpose, rows, columns, column } = self;
        let length = rows.len() / ROWS;
        let (pixels, _) = columns[..length * E].as_chunks_mut::<E>();
        let (blocks, rest) = pixels.as_chunks_mut::<4>();
        for (number, eight) in rows.chunks_exact(8 * length).enumerate() {
            let line = |row: usize| &eight[row * length..][..length];
            let fours = [0, 1, 2, 3, 4, 5, 6, 7].map(|row| line(row).as_chunks::<4>().0);
            let fours = fours.map(|fours| &fours[..blocks.len()]);
            for (block, pixels) in blocks.iter_mut().enumerate() {
                let mut both = [[0.0; 8]; 4];
                for (row, both) in both.iter_mut().enumerate() {
                    both[..4].copy_from_slice(&fours[row][block]);
                    both[4..].copy_from_slice(&fours[row + 4][block]);
                }
                for (pixel, part) in pixels.iter_mut().zip(transpose.transpose_halves(both)) {
                    pixel[column].as_chunks_mut().0[number] = part;
                }
            }
        }
        let done = length - rest.len();
        for (place, pixel) in rest.iter_mut().enumerate() {
            for (x, row) in pixel[column].iter_mut().zip(rows.chunks_exact(length)) {
                *x = row[done + place];
            }
        }
    }
}

/// Transposes columns into parts of rows, as many rows as `plane` has.
#[inline(always)]
pub(crate) fn transpose_out<const T: usize>(
    transpose: impl Transpose,
    columns: &[Column; T],
    start: usize,
    plane: &mut [f32],
    width: usize,
) {
    for (number, rows) in plane.chunks_mut(8 * width).enumerate() {
        let part = |column: usize| columns[column].as_chunks::<8>().0[number];
        // With eight rows, the usual case, no element needs a test of how many there are.
        if T.is_multiple_of(4) && rows.len() == 8 * width {
            let (upper, lower) = rows.split_at_mut(4 * width);
            let (upper, lower) = (four::<T>(upper, width, start), four::<T>(lower, width, start));
            for left in (0..T).step_by(4) {
                let found = transpose.transpose_halves([
                    part(left),
                    part(left + 1),
                    part(left + 2),
                    part(left + 3),
                ]);
                for (row, found) in found.iter().enumerate() {
                    upper[row][left..][..4].copy_from_slice(&found[..4]);
                    lower[row][left..][..4].copy_from_slice(&found[4..]);
                }
            }
        } else {
            for place in 0..T {
                for (row, x) in rows.chunks_exact_mut(width).zip(part(place)) {
                    row[start + place] = x;
                }
            }
        }
    }
}

/// Borrows `T` columns of each of four rows.
#[inline(always)]
fn four<const T: usize>(rows: &mut [f32], width: usize, start: usize) -> [&mut [f32]; 4] {
    let (first, last) = rows.split_at_mut(2 * width);
    let ((a, b), (c, d)) = (first.split_at_mut(width), last.split_at_mut(width));
    let part = start..start + T;
    [&mut a[part.clone()], &mut b[part.clone()], &mut c[part.clone()], &mut d[part]]
}

/// An implementation of the transposition.
pub(crate) trait Transpose: Copy {
    /// Transposes the first and the last four columns, each as a square.
    fn transpose_halves(self, rows: [[f32; 8]; 4]) -> [[f32; 8]; 4];
}

/// Transposition element by element.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Transpose for Plain {
    #[inline(always)]
    fn transpose_halves(self, rows: [[f32; 8]; 4]) -> [[f32; 8]; 4] {
        let mut transposed = [[0.0; 8]; 4];
        for (place, row) in rows.iter().enumerate() {
            for (column, x) in row.iter().enumerate() {
                transposed[column % 4][column / 4 * 4 + place] = *x;
            }
        }
        transposed
    }
}

/// Uses shuffle instructions, which compilers do not find on their own.
#[cfg(target_arch = "x86_64")]
impl Transpose for Avx {
    #[inline(always)]
    fn transpose_halves(self, [a, b, c, d]: [[f32; 8]; 4]) -> [[f32; 8]; 4] {
        let (a, b, c, d) = (cast(a), cast(b), cast(c), cast(d));
        let (left, right) = (self._mm256_unpacklo_ps(a, b), self._mm256_unpackhi_ps(a, b));
        let (left_below, right_below) =
            (self._mm256_unpacklo_ps(c, d), self._mm256_unpackhi_ps(c, d));
        [
            cast(self._mm256_shuffle_ps::<0x44>(left, left_below)),
            cast(self._mm256_shuffle_ps::<0xEE>(left, left_below)),
            cast(self._mm256_shuffle_ps::<0x44>(right, right_below)),
            cast(self._mm256_shuffle_ps::<0xEE>(right, right_below)),
        ]
    }
}
