//! Parts of vector loops over one row: sums, the maximum and the exponential.
//!
//! The functions are always inlined into a loop that is compiled for the processor at hand.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

/// Elements that one task works on: with fewer, a second thread costs more than it saves.
pub(crate) const GRAIN: usize = 1 << 15;

/// Partial sums of a loop, enough to fill vector registers; they are added in a fixed order.
const LANES: usize = 64;

#[inline(always)]
fn horizontal_sum(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// Computes the sum of `term(aᵢ, bᵢ)`.
#[inline(always)]
pub(crate) fn sum_of(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let whole = a.len() / LANES * LANES;
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let mut rest = 0.0;
    for (a, b) in a[whole..].iter().zip(&b[whole..]) {
        rest += term(*a, *b);
    }
    horizontal_sum(sums) + rest
}

#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_of(
        a,
        b,
        #[inline(always)]
        |a, b| a * b,
    )
}

#[inline(always)]
pub(crate) fn row_sum(row: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let chunks = row.chunks_exact(LANES);
    let mut rest = 0.0;
    for x in chunks.remainder() {
        rest += x;
    }
    for chunk in chunks {
        for (lane, x) in sums.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    horizontal_sum(sums) + rest
}

/// Returns the largest element; NaN if an element is NaN, −∞ for an empty row.
#[inline(always)]
pub(crate) fn max(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *x);
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| larger(a, *b))
}

/// Computes `eˣ` within 2 units in the last place, for x from −87 to 88.
///
/// `eˣ = 2ⁿ eʳ` with `n = round(x / ln 2)`, `|r| ≤ ½ ln 2`. `ln 2` is split so that `n` times its
/// first part is exact. The polynomial is that of the Cephes library. No operation is fused, so
/// every processor gives the same bits.
#[inline(always)]
pub(crate) fn exponential(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let mut sum = 1.987_569_1e-4;
    sum = sum * rest + 1.398_2e-3;
    sum = sum * rest + 8.333_452e-3;
    sum = sum * rest + 4.166_579_6e-2;
    sum = sum * rest + 1.666_666_5e-1;
    sum = sum * rest + 5e-1;
    sum = sum * (rest * rest) + rest + 1.0;
    f32::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// Computes [`exponential`] of any x up to 88; values below e⁻⁸⁷ become e⁻⁸⁷.
#[inline(always)]
pub(crate) fn exponential_of_any(x: f32) -> f32 {
    exponential(if x < -87.0 { -87.0 } else { x })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_good_to_the_last_bits() {
        for step in -87_000_i32..=88_000 {
            let x = step as f32 * 1e-3;
            let want = f64::from(x).exp();
            let off = (f64::from(exponential(x)) - want).abs() / want;
            assert!(off < 2.0 * f64::from(f32::EPSILON), "e^{x} is off by {off}");
        }
        assert!((exponential(0.0) - 1.0).abs() < f32::EPSILON);
        assert!(exponential_of_any(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn the_maximum_of_any_length_and_nan_is_not_lost() {
        for length in [1_usize, 63, 64, 65, 200] {
            let row: Vec<f32> = (0..length).map(|i| (i * 37 % length) as f32 - 500.0).collect();
            let want = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!((max(&row) - want).abs() < f32::EPSILON);
            for place in [0, length / 2, length - 1] {
                let mut row = row.clone();
                row[place] = f32::NAN;
                assert!(max(&row).is_nan());
            }
        }
    }
}
