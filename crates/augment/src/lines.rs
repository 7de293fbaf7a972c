//! The inner loop of resizing and blurring: weighted sums of lines.
//!
//! Loops are plain and of fixed width, so that the compiler turns them into vectors of whatever
//! processor they run on; products and sums are rounded one by one, so all give the same bits.

use pulp::{Arch, Simd, WithSimd};

/// A number a picture is made of.
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

/// `to[i] = Σₖ weights[k] · samples[offsets[k] + i]`.
///
/// # Panics
/// If a line leaves `samples`.
pub(crate) fn sum_of_lines<S: Sample>(
    weights: &[f32],
    offsets: &[usize],
    samples: &[S],
    to: &mut [f32],
) {
    Arch::new().dispatch(SumOfLines { weights, offsets, samples, to });
}

struct SumOfLines<'a, S> {
    weights: &'a [f32],
    offsets: &'a [usize],
    samples: &'a [S],
    to: &'a mut [f32],
}

impl<S: Sample> WithSimd for SumOfLines<'_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        match self.to.len() {
            64.. => self.tiles::<64>(),
            16.. => self.tiles::<16>(),
            1.. => self.tiles::<1>(),
            0 => {}
        }
    }
}

impl<S: Sample> SumOfLines<'_, S> {
    /// Works on `T` places at a time; the last tile overlaps the one before.
    #[inline(always)]
    fn tiles<const T: usize>(self) {
        let length = self.to.len();
        for start in (0..length).step_by(T) {
            let start = start.min(length - T);
            let mut sums = [0.0_f32; T];
            for (weight, offset) in self.weights.iter().zip(self.offsets) {
                let line = &self.samples[offset + start..][..T];
                for (sum, x) in sums.iter_mut().zip(line) {
                    *sum += weight * x.number();
                }
            }
            self.to[start..][..T].copy_from_slice(&sums);
        }
    }
}
