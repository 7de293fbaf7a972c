//! Exchanging rows and columns.

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::bytemuck::cast;
#[cfg(target_arch = "x86_64")]
use pulp::{core_arch::x86::Avx, x86::V3};

/// Rows that are turned at a time, side by side in one vector.
pub(crate) const ROWS: usize = 16;
/// The same sample of each of these rows.
pub(crate) type Column = [f32; ROWS];

/// Rows become one of each `E` columns.
pub(crate) fn stand_up<const E: usize>(rows: &[f32], columns: &mut [Column], column: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = V3::try_new() {
        return v3.vectorize(StandUp::<E, _> { turn: v3.avx, rows, columns, column });
    }
    StandUp::<E, _> { turn: Plain, rows, columns, column }.call();
}

struct StandUp<'a, const E: usize, T> {
    turn: T,
    rows: &'a [f32],
    columns: &'a mut [Column],
    column: usize,
}

impl<const E: usize, T: Turn> NullaryFnOnce for StandUp<'_, E, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { turn, rows, columns, column } = self;
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
                for (pixel, part) in pixels.iter_mut().zip(turn.halves(both)) {
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

/// Columns become parts of rows, as many of them as there are.
#[inline(always)]
pub(crate) fn lay_down<const T: usize>(
    turn: impl Turn,
    columns: &[Column; T],
    start: usize,
    plane: &mut [f32],
    width: usize,
) {
    for (number, rows) in plane.chunks_mut(8 * width).enumerate() {
        let part = |column: usize| columns[column].as_chunks::<8>().0[number];
        // Eight rows, as nearly always, need no test of how many there are for each number.
        if T.is_multiple_of(4) && rows.len() == 8 * width {
            let (upper, lower) = rows.split_at_mut(4 * width);
            let (upper, lower) = (four::<T>(upper, width, start), four::<T>(lower, width, start));
            for left in (0..T).step_by(4) {
                let found =
                    turn.halves([part(left), part(left + 1), part(left + 2), part(left + 3)]);
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

/// `T` columns of each of four rows.
#[inline(always)]
fn four<const T: usize>(rows: &mut [f32], width: usize, start: usize) -> [&mut [f32]; 4] {
    let (first, last) = rows.split_at_mut(2 * width);
    let ((a, b), (c, d)) = (first.split_at_mut(width), last.split_at_mut(width));
    let part = start..start + T;
    [&mut a[part.clone()], &mut b[part.clone()], &mut c[part.clone()], &mut d[part]]
}

/// A way to exchange rows and columns.
pub(crate) trait Turn: Copy {
    /// Exchanges those of the first and of the last four columns.
    fn halves(self, rows: [[f32; 8]; 4]) -> [[f32; 8]; 4];
}

/// Number by number.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Turn for Plain {
    #[inline(always)]
    fn halves(self, rows: [[f32; 8]; 4]) -> [[f32; 8]; 4] {
        let mut turned = [[0.0; 8]; 4];
        for (place, row) in rows.iter().enumerate() {
            for (column, x) in row.iter().enumerate() {
                turned[column % 4][column / 4 * 4 + place] = *x;
            }
        }
        turned
    }
}

/// With the instructions for it, which compilers do not find by themselves.
#[cfg(target_arch = "x86_64")]
impl Turn for Avx {
    #[inline(always)]
    fn halves(self, [a, b, c, d]: [[f32; 8]; 4]) -> [[f32; 8]; 4] {
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
