//! Vectors of eight values, with and without AVX2.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256;
use std::array;

#[cfg(target_arch = "x86_64")]
use pulp::{bytemuck::cast, x86::V3};

/// Arithmetic on eight values at once.
pub(crate) trait Lanes: Copy {
    /// Eight values.
    type Eight: Copy;

    fn product(self, coefficients: [i16; 8], factors: [f32; 8]) -> Self::Eight;
    fn add(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn subtract(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn scale(self, a: Self::Eight, factor: f32) -> Self::Eight;

    /// Returns the columns of these rows.
    fn transpose(self, rows: [Self::Eight; 8]) -> [Self::Eight; 8];

    /// Adds 128 and rounds to samples.
    fn to_samples(self, rows: [Self::Eight; 8]) -> [[u8; 8]; 8];
}

/// Arithmetic on one value after the other.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Lanes for Scalar {
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
    fn transpose(self, rows: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        array::from_fn(|i| rows.map(|row| row[i]))
    }

    #[inline(always)]
    fn to_samples(self, rows: [[f32; 8]; 8]) -> [[u8; 8]; 8] {
        rows.map(|row| row.map(|x| to_sample(x + 128.0)))
    }
}

/// Rounds to the nearest value of a sample.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
pub(crate) fn to_sample(x: f32) -> u8 {
    x.round_ties_even().clamp(0.0, 255.0) as u8
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
    fn transpose(self, [a, b, c, d, e, f, g, h]: [__m256; 8]) -> [__m256; 8] {
        let mut transposed = [a; 8];
        let halves = transpose_halves(self, [a, b, c, d])
            .into_iter()
            .zip(transpose_halves(self, [e, f, g, h]));
        for (i, (up, down)) in halves.enumerate() {
            transposed[i] = self.avx._mm256_permute2f128_ps::<0x20>(up, down);
            transposed[i + 4] = self.avx._mm256_permute2f128_ps::<0x31>(up, down);
        }
        transposed
    }

    #[inline(always)]
    fn to_samples(self, [a, b, c, d, e, f, g, h]: [__m256; 8]) -> [[u8; 8]; 8] {
        cast([four_samples(self, [a, b, c, d]), four_samples(self, [e, f, g, h])])
    }
}

/// Transposes the left and the right half, 4 × 4 values each.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose_halves(v3: V3, [a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
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
    // Packing saturates. It leaves the four rows interleaved, in groups of four bytes.
    let bytes =
        avx2._mm256_packs_epi16(avx2._mm256_packs_epi32(a, b), avx2._mm256_packs_epi32(c, d));
    let order = avx._mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let bytes = avx2._mm256_permutevar8x32_epi32(bytes, order);
    cast(avx2._mm256_xor_si256(bytes, avx._mm256_set1_epi8(i8::MIN)))
}
