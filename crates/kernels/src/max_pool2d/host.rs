//! Max pooling on slices, forward and backward.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Pixels of the planes of one task.
const TASK: usize = 1 << 15;

/// The sides of a plane, and of the windows that cut it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) from: [usize; 2],
    pub(crate) window: [usize; 2],
}

impl Windows {
    /// Returns the sides of a pooled plane.
    pub(crate) fn to(self) -> [usize; 2] {
        [self.from[0] / self.window[0], self.from[1] / self.window[1]]
    }

    fn areas(self) -> [usize; 2] {
        [self.from, self.to()].map(|[height, width]| height * width)
    }

    fn planes_per_task(self) -> usize {
        (TASK / self.areas()[0]).max(1)
    }
}

/// Writes the maximum of every window of every plane.
pub(crate) fn max_pool(windows: Windows, x: &[f32], y: &mut [f32]) {
    let ([from, to], planes) = (windows.areas(), windows.planes_per_task());
    let tasks = y.par_chunks_mut(planes * to).zip(x.par_chunks(planes * from));
    tasks.for_each(|(y, x)| Arch::new().dispatch(MaxPool { windows, x, y }));
}

/// [`max_pool`] of some planes.
struct MaxPool<'a> {
    windows: Windows,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for MaxPool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { windows, x, y } = self;
        let ([from, to], [down, across], width) =
            (windows.areas(), windows.window, windows.from[1]);
        let columns = windows.to()[1];
        for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
            for (rows, y) in x.chunks_exact(down * width).zip(y.chunks_exact_mut(columns)) {
                if (down, across) == (2, 2) {
                    let (first, second) = rows.split_at(width);
                    let (first, second) = (first.as_chunks::<2>().0, second.as_chunks::<2>().0);
                    for ((y, [a, b]), [c, d]) in y.iter_mut().zip(first).zip(second) {
                        *y = larger(larger(*a, *b), larger(*c, *d));
                    }
                    continue;
                }
                y.fill(f32::NEG_INFINITY);
                for row in rows.chunks_exact(width) {
                    for (y, row) in y.iter_mut().zip(row.chunks_exact(across)) {
                        for x in row {
                            *y = larger(*y, *x);
                        }
                    }
                }
            }
        }
    }
}

/// Returns the larger value; NaN stays NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

/// Writes the gradient with respect to `x`, which must be zeros before: that of each window, at the
/// first of its largest pixels.
pub(crate) fn max_pool_gradient(
    windows: Windows,
    x: &[f32],
    y: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) {
    let ([from, to], planes) = (windows.areas(), windows.planes_per_task());
    let pooled = y.par_chunks(planes * to).zip(dy.par_chunks(planes * to));
    let tasks = dx.par_chunks_mut(planes * from).zip(x.par_chunks(planes * from)).zip(pooled);
    tasks.for_each(|((dx, x), (y, dy))| {
        Arch::new().dispatch(MaxPoolGradient { windows, x, y, dy, dx });
    });
}

/// [`max_pool_gradient`] of some planes.
struct MaxPoolGradient<'a> {
    windows: Windows,
    x: &'a [f32],
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for MaxPoolGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { windows, x, y, dy, dx } = self;
        let ([from, to], [down, across], width) =
            (windows.areas(), windows.window, windows.from[1]);
        let columns = windows.to()[1];
        let planes = dx.chunks_exact_mut(from).zip(x.chunks_exact(from));
        let pooled = y.chunks_exact(to).zip(dy.chunks_exact(to));
        for ((dx, x), (y, dy)) in planes.zip(pooled) {
            let rows = dx.chunks_exact_mut(down * width).zip(x.chunks_exact(down * width));
            let pooled = y.chunks_exact(columns).zip(dy.chunks_exact(columns));
            for ((dx, x), (y, dy)) in rows.zip(pooled) {
                if (down, across) == (2, 2) {
                    let (first, second) = x.split_at(width);
                    let x = first.as_chunks::<2>().0.iter().zip(second.as_chunks::<2>().0);
                    let (first, second) = dx.split_at_mut(width);
                    let dx = first.as_chunks_mut::<2>().0.iter_mut();
                    let dx = dx.zip(second.as_chunks_mut::<2>().0);
                    for (((to, below), (from, from_below)), (y, dy)) in
                        dx.zip(x).zip(y.iter().zip(dy))
                    {
                        let is = [from[0], from[1], from_below[0], from_below[1]]
                            .map(|x| is_largest(x, *y));
                        to[0] = if is[0] { *dy } else { 0.0 };
                        to[1] = if is[1] && !is[0] { *dy } else { 0.0 };
                        below[0] = if is[2] && !(is[0] || is[1]) { *dy } else { 0.0 };
                        below[1] = if is[3] && !(is[0] || is[1] || is[2]) { *dy } else { 0.0 };
                    }
                    continue;
                }
                for (column, (y, dy)) in y.iter().zip(dy).enumerate() {
                    let place =
                        |place: usize| place / across * width + column * across + place % across;
                    if let Some(first) =
                        (0..down * across).map(place).find(|place| is_largest(x[*place], *y))
                    {
                        dx[first] = *dy;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn is_largest(x: f32, largest: f32) -> bool {
    (x >= largest) | x.is_nan()
}
