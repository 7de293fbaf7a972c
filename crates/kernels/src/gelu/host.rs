//! GELU on slices, forward and backward.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::flex::CHUNK;
use crate::simd::exponential_of_any;

/// Computes `Φ(x)` and the density `e^(−x²/2)`, which is not yet divided by `√(2π)`.
///
/// The tail is the rational approximation 7.1.26 of Abramowitz & Stegun, within 1.5e-7.
#[inline(always)]
fn normal(x: f32) -> [f32; 2] {
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let mut sum = 1.061_405_4;
    sum = sum * t - 1.453_152;
    sum = sum * t + 1.421_413_7;
    sum = sum * t - 0.284_496_74;
    sum = sum * t + 0.254_829_6;
    let density = exponential_of_any(-0.5 * x * x);
    let tail = 0.5 * t * sum * density;
    [if x < 0.0 { tail } else { 1.0 - tail }, density]
}

#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    x * normal(x)[0]
}

/// Computes the derivative, `Φ(x) + x φ(x)`.
#[inline(always)]
pub(crate) fn gelu_slope(x: f32) -> f32 {
    const FACTOR: f32 = 0.398_942_3; // 1 / √(2π)
    let [below, density] = normal(x);
    below + FACTOR * x * density
}

/// Writes `gelu(x)` to `y`.
pub(crate) fn gelu_of(x: &[f32], y: &mut [f32]) {
    let tasks = y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK));
    tasks.for_each(|(y, x)| Arch::new().dispatch(Gelu { x, y }));
}

struct Gelu<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y = gelu(*x);
        }
    }
}

/// Turns the gradient with respect to the output into that with respect to `x`, in place.
pub(crate) fn gelu_gradient(x: &[f32], dy: &mut [f32]) {
    let tasks = dy.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK));
    tasks.for_each(|(dy, x)| Arch::new().dispatch(GeluGradient { x, dy }));
}

struct GeluGradient<'a> {
    x: &'a [f32],
    dy: &'a mut [f32],
}

impl WithSimd for GeluGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (dy, x) in self.dy.iter_mut().zip(self.x) {
            *dy *= gelu_slope(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_relatively_good_and_huge_inputs_are_finite() {
        // Φ(−5) and Φ(−8), to more digits than single precision has.
        let tails = [(-5.0_f32, 2.866_515_7e-7_f32, 2e-3), (-8.0, 6.220_960_6e-16, 2e-2)];
        for (x, below, most) in tails {
            let off = (gelu(x) / (x * below) - 1.0).abs();
            assert!(off < most, "{x}: {off}");
        }
        for x in [-1e30_f32, -1e10, 1e10, 1e30] {
            let (y, slope) = if x < 0.0 { (0.0, 0.0) } else { (x, 1.0) };
            assert!((gelu(x) - y).abs() < 1e-6 && (gelu_slope(x) - slope).abs() < 1e-6, "{x}");
        }
        assert!(gelu(f32::NAN).is_nan() && gelu_slope(f32::NAN).is_nan());
    }
}
