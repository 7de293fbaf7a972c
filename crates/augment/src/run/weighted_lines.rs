//! The inner loop of resizing and blurring: weighted sums of lines.
//!
//! Loops are plain and of fixed width, so that the compiler turns them into vectors of whatever
//! processor they run on.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::_MM_HINT_T0;

use pulp::Simd;
#[cfg(target_arch = "x86_64")]
use pulp::core_arch::x86::Sse;

/// A number an image is made of.
pub(crate) trait Sample: Copy {
    /// White.
    const WHITE: f32;

    /// As it is, from 0 to [`WHITE`](Self::WHITE).
    fn number(self) -> f32;
}

impl Sample for u8 {
    const WHITE: f32 = 255.0;

    #[inline(always)]
    fn number(self) -> f32 {
        f32::from(self)
    }
}

impl Sample for f32 {
    const WHITE: Self = 1.0;

    #[inline(always)]
    fn number(self) -> f32 {
        self
    }
}

/// `sum + weight · x`, rounded once where the processor can do so; all that can give the same bits.
#[inline(always)]
pub(crate) fn add_product<V: Simd>(sum: f32, weight: f32, x: f32) -> f32 {
    // Without an instruction for it, rounding once is a hundred times slower.
    if V::IS_SCALAR || cfg!(target_family = "wasm") {
        sum + weight * x
    } else {
        weight.mul_add(x, sum)
    }
}

/// Brings a sample's line of the cache near, without waiting for it.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "no such instruction"))]
#[inline(always)]
pub(crate) fn read_soon<S: Sample>(sample: Option<&S>) {
    #[cfg(target_arch = "x86_64")]
    if let (Some(sample), Some(sse)) = (sample, Sse::try_new()) {
        sse._mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(sample).cast());
    }
}

/// `to[i] = first + Σₖ weights[k] · samples[offsets[k] + i]`.
///
/// # Panics
/// If a line leaves `samples`.
#[inline(always)]
pub(crate) fn sum_of_lines<V: Simd>(
    first: f32,
    weights: &[f32],
    offsets: &[usize],
    samples: &[f32],
    to: &mut [f32],
) {
    match to.len() {
        // Rows of 224 pixels are two tiles without a rest.
        length if length > 0 && length % 112 == 0 => {
            tiles::<112, V>(first, weights, offsets, samples, to);
        }
        64.. => tiles::<64, V>(first, weights, offsets, samples, to),
        16.. => tiles::<16, V>(first, weights, offsets, samples, to),
        1.. => tiles::<1, V>(first, weights, offsets, samples, to),
        0 => {}
    }
}

/// Works on `T` places at a time; the last tile overlaps the one before.
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
