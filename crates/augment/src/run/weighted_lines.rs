//! Weighted sums of lines: the inner loop of resizing and blurring.
//!
//! Loops are plain and of fixed width, so that the compiler vectorizes them for each processor.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::_MM_HINT_T0;

use pulp::Simd;
#[cfg(target_arch = "x86_64")]
use pulp::core_arch::x86::Sse;

/// A sample of an image.
pub(crate) trait Sample: Copy {
    /// The value of white.
    const WHITE: f32;

    /// Converts without scaling: 0 to [`WHITE`](Self::WHITE).
    fn to_f32(self) -> f32;
}

impl Sample for u8 {
    const WHITE: f32 = 255.0;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

impl Sample for f32 {
    const WHITE: Self = 1.0;

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

/// Returns `sum + weight · x`, rounded once where the processor has the instruction; all processors
/// that have it give the same bits.
#[inline(always)]
pub(crate) fn add_product<V: Simd>(sum: f32, weight: f32, x: f32) -> f32 {
    // Without the instruction, rounding once is a hundred times slower.
    if V::IS_SCALAR || cfg!(target_family = "wasm") {
        sum + weight * x
    } else {
        weight.mul_add(x, sum)
    }
}

/// Prefetches a sample's cache line.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "no such instruction"))]
#[inline(always)]
pub(crate) fn prefetch<S: Sample>(sample: Option<&S>) {
    #[cfg(target_arch = "x86_64")]
    if let (Some(sample), Some(sse)) = (sample, Sse::try_new()) {
        sse._mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(sample).cast());
    }
}

/// Computes `to[i] = first + Σₖ weights[k] · samples[offsets[k] + i]`.
///
/// # Panics
/// If a line reaches beyond `samples`.
#[inline(always)]
pub(crate) fn sum_of_lines<V: Simd>(
    first: f32,
    weights: &[f32],
    offsets: &[usize],
    samples: &[f32],
    to: &mut [f32],
) {
    match to.len() {
        // Rows of 224 pixels are exactly two tiles.
        length if length > 0 && length % 112 == 0 => {
            tiles::<112, V>(first, weights, offsets, samples, to);
        }
        64.. => tiles::<64, V>(first, weights, offsets, samples, to),
        16.. => tiles::<16, V>(first, weights, offsets, samples, to),
        1.. => tiles::<1, V>(first, weights, offsets, samples, to),
        0 => {}
    }
}

/// Computes `T` elements at a time; the last tile overlaps the one before.
#[inline(always)]
fn tiles<const T: usize, V: Simd>(
    first: f32,
    weights: &[f32],
    offsets: &[usize],
    samples: &[f32],
    to: &mut [f32],
) {
    let length = to.len();
    for start in (0..length).step_by(T) {
        let start = start.min(length - T);
        let mut sums = [first; T];
        for (weight, offset) in weights.iter().zip(offsets) {
            let line = &samples[offset + start..][..T];
            for (sum, x) in sums.iter_mut().zip(line) {
                *sum = add_product::<V>(*sum, *weight, *x);
            }
        }
        to[start..][..T].copy_from_slice(&sums);
    }
}
