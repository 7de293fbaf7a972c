//! Eight numbers side by side, on processors with instructions for them and on others.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256;
use std::array;

#[cfg(target_arch = "x86_64")]
use pulp::{bytemuck::cast, x86::V3};

use super::transform::sample;

/// A way to compute with eight numbers at once.
pub(super) trait Lanes: Copy {
    /// The numbers.
    type Eight: Copy;

    fn product(self, coefficients: [i16; 8], factors: [f32; 8]) -> Self::Eight;
    fn add(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn subtract(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn scale(self, a: Self::Eight, factor: f32) -> Self::Eight;

    /// Rows become columns.
    fn turn(self, rows: [Self::Eight; 8]) -> [Self::Eight; 8];

    /// The nearest samples, 128 higher.
    fn samples(self, rows: [Self::Eight; 8]) -> [[u8; 8]; 8];
}

/// One number after the other.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    type Eight = [f32; 8];

    #[inline(always)]
    fn product(self, coefficients: [i16; 8], factors: [f32; 8]) -> [f32; 8] {
        array::from_fn(|i| f32::from(coefficients[i]) * factors[i])
    }

    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn subtract(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        array::from_fn(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn scale(self, a: [f32; 8], factor: f32) -> [f32; 8] {
        a.map(|x| x * factor)
    }

    #[inline(always)]
    fn turn(self, rows: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        array::from_fn(|i| rows.map(|row| row[i]))
    }

    #[inline(always)]
    fn samples(self, rows: [[f32; 8]; 8]) -> [[u8; 8]; 8] {
        rows.map(|row| row.map(|x| sample(x + 128.0)))
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for V3 {
    type Eight = __m256;

    #[inline(always)]
    fn product(self, coefficients: [i16; 8], factors: [f32; 8]) -> __m256 {
        let coefficients = self.avx2._mm256_cvtepi16_epi32(cast(coefficients));
        self.avx._mm256_mul_ps(self.avx._mm256_cvtepi32_ps(coefficients), cast(factors))
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        self.avx._mm256_add_ps(a, b)
    }

    #[inline(always)]
    fn subtract(self, a: __m256, b: __m256) -> __m256 {
        self.avx._mm256_sub_ps(a, b)
    }

    #[inline(always)]
    fn scale(self, a: __m256, factor: f32) -> __m256 {
        self.avx._mm256_mul_ps(a, self.avx._mm256_set1_ps(factor))
    }

    #[inline(always)]
    fn turn(self, [a, b, c, d, e, f, g, h]: [__m256; 8]) -> [__m256; 8] {
        let mut turned = [a; 8];
        let halves =
            turn_halves(self, [a, b, c, d]).into_iter().zip(turn_halves(self, [e, f, g, h]));
        for (i, (up, down)) in halves.enumerate() {
            turned[i] = self.avx._mm256_permute2f128_ps::<0x20>(up, down);
            turned[i + 4] = self.avx._mm256_permute2f128_ps::<0x31>(up, down);
        }
        turned
    }

    #[inline(always)]
    fn samples(self, [a, b, c, d, e, f, g, h]: [__m256; 8]) -> [[u8; 8]; 8] {
        cast([four_samples(self, [a, b, c, d]), four_samples(self, [e, f, g, h])])
    }
}

/// Rows of 4 × 4 numbers become columns, in the left and in the right half.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn turn_halves(v3: V3, [a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let avx = v3.avx;
    let (left, right) = (avx._mm256_unpacklo_ps(a, b), avx._mm256_unpackhi_ps(a, b));
    let (left_below, right_below) = (avx._mm256_unpacklo_ps(c, d), avx._mm256_unpackhi_ps(c, d));
    [
        avx._mm256_shuffle_ps::<0x44>(left, left_below),
        avx._mm256_shuffle_ps::<0xEE>(left, left_below),
        avx._mm256_shuffle_ps::<0x44>(right, right_below),
        avx._mm256_shuffle_ps::<0xEE>(right, right_below),
    ]
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn four_samples(v3: V3, [a, b, c, d]: [__m256; 4]) -> [[u8; 8]; 4] {
    let (avx, avx2) = (v3.avx, v3.avx2);
    let (a, b) = (avx._mm256_cvtps_epi32(a), avx._mm256_cvtps_epi32(b));
    let (c, d) = (avx._mm256_cvtps_epi32(c), avx._mm256_cvtps_epi32(d));
    // What is too large or small becomes the nearest that is not; the four rows come in pairs of numbers.
    let bytes =
        avx2._mm256_packs_epi16(avx2._mm256_packs_epi32(a, b), avx2._mm256_packs_epi32(c, d));
    let order = avx._mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let bytes = avx2._mm256_permutevar8x32_epi32(bytes, order);
    cast(avx2._mm256_xor_si256(bytes, avx._mm256_set1_epi8(i8::MIN)))
}
