//! The inverse cosine transform: from coefficients to samples.

use std::array;
use std::f32::consts::SQRT_2;
use std::f64::consts::PI;

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

use crate::huffman::Block;
use crate::simd::{Lanes, Scalar, to_sample};

/// Computes the samples of one component from its blocks.
#[derive(Debug)]
pub(crate) struct Transform {
    /// The factor of each coefficient.
    factors: [f32; 64],
    /// Samples of a block, `[down, across]`: 8 or, at reduced scale, 4, 2 or 1.
    samples: [usize; 2],
}

impl Transform {
    /// Prepares the factors for these quantization steps.
    pub(crate) fn new(quantization: &[u16; 64], samples: [usize; 2]) -> Self {
        Self { factors: factors(quantization, samples), samples }
    }

    /// Computes the samples of adjacent blocks, as rows in `to`.
    pub(crate) fn run(&self, blocks: &[Block], to: &mut [u8], stride: usize) {
        if self.samples == [1, 1] {
            // The first coefficient is a multiple of the mean of all samples.
            for (block, to) in blocks.iter().zip(to) {
                *to = to_sample(f32::from(block[0]) * self.factors[0] * 64.0 + 128.0);
            }
            return;
        }
        let &Self { ref factors, samples } = self;
        let all = samples == [8, 8];
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = V3::try_new() {
            return if all {
                lanes.vectorize(FullSize::new(lanes, factors, blocks, to, stride));
            } else {
                lanes.vectorize(Reduced { lanes, factors, samples, blocks, to, stride });
            };
        }
        let lanes = Scalar;
        if all {
            FullSize::new(lanes, factors, blocks, to, stride).call();
        } else {
            Reduced { lanes, factors, samples, blocks, to, stride }.call();
        }
    }
}

/// Returns the factors to apply before [`idct`]: the quantization step, the scale that the
/// transform omits, 1/8, and the weight of a sample in the mean it becomes part of.
#[allow(clippy::cast_possible_truncation, reason = "rounded")]
fn factors(quantization: &[u16; 64], samples: [usize; 2]) -> [f32; 64] {
    let scale = |frequency: usize| match frequency {
        0 => 1.0,
        _ => std::f64::consts::SQRT_2 * (frequency as f64 * PI / 16.0).cos(),
    };
    let scales: [f64; 8] = array::from_fn(scale);
    let weight = (samples[0] * samples[1]) as f64 / 64.0;
    let factor = |i: usize| f64::from(quantization[i]) * scales[i / 8] * scales[i % 8];
    array::from_fn(|i| (factor(i) / 8.0 * weight) as f32)
}

/// Computes 8 × 8 samples of each block.
struct FullSize<'a, L> {
    lanes: L,
    factors: &'a [f32; 64],
    blocks: &'a [Block],
    rows: [&'a mut [[u8; 8]]; 8],
}

impl<'a, L> FullSize<'a, L> {
    fn new(
        lanes: L,
        factors: &'a [f32; 64],
        blocks: &'a [Block],
        to: &'a mut [u8],
        stride: usize,
    ) -> Self {
        let mut rows = to.chunks_mut(stride).map(|row| row.as_chunks_mut().0);
        let rows = array::from_fn(|_| rows.next().unwrap_or_default());
        Self { lanes, factors, blocks, rows }
    }
}

impl<L: Lanes> NullaryFnOnce for FullSize<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, factors, blocks, mut rows } = self;
        for (number, block) in blocks.iter().enumerate() {
            let columns = idct(lanes, dequantized(lanes, block, factors));
            let samples = lanes.to_samples(idct(lanes, lanes.transpose(columns)));
            for (row, samples) in rows.iter_mut().zip(samples) {
                row[number] = samples;
            }
        }
    }
}

/// Computes fewer samples of each block: the means of neighbors among the 8 × 8.
struct Reduced<'a, L> {
    lanes: L,
    factors: &'a [f32; 64],
    samples: [usize; 2],
    blocks: &'a [Block],
    to: &'a mut [u8],
    stride: usize,
}

impl<L: Lanes> NullaryFnOnce for Reduced<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, factors, samples: [down, across], blocks, to, stride } = self;
        for (block, place) in blocks.iter().zip((0..).step_by(across)) {
            let columns =
                neighbor_sums(lanes, idct(lanes, dequantized(lanes, block, factors)), across);
            let samples =
                lanes.to_samples(neighbor_sums(lanes, idct(lanes, lanes.transpose(columns)), down));
            for (row, samples) in to[place..].chunks_mut(stride).zip(samples).take(down) {
                row[..across].copy_from_slice(&samples[..across]);
            }
        }
    }
}

/// Adds up neighbors until `count` sums are left, which come first.
#[inline(always)]
fn neighbor_sums<L: Lanes>(lanes: L, mut line: [L::Eight; 8], count: usize) -> [L::Eight; 8] {
    for _ in count.trailing_zeros()..3 {
        for i in 0..4 {
            line[i] = lanes.add(line[2 * i], line[2 * i + 1]);
        }
    }
    line
}

/// Multiplies coefficients by their factors.
#[inline(always)]
fn dequantized<L: Lanes>(lanes: L, block: &Block, factors: &[f32; 64]) -> [L::Eight; 8] {
    let (columns, factors) = (block.as_chunks().0, factors.as_chunks().0);
    let mut eights = [lanes.product(columns[0], factors[0]); 8];
    for (eight, (column, factors)) in eights.iter_mut().zip(columns.iter().zip(factors)) {
        *eight = lanes.product(*column, *factors);
    }
    eights
}

/// Transforms eight lines at once, with five multiplications (Arai, Agui and Nakajima, 1988).
#[inline(always)]
fn idct<L: Lanes>(l: L, [a, b, c, d, e, f, g, h]: [L::Eight; 8]) -> [L::Eight; 8] {
    let (sum, difference) = (l.add(a, e), l.subtract(a, e));
    let pair = l.add(c, g);
    let twist = l.subtract(l.scale(l.subtract(c, g), SQRT_2), pair);
    let even = [
        l.add(sum, pair),
        l.add(difference, twist),
        l.subtract(difference, twist),
        l.subtract(sum, pair),
    ];
    let (near, far) = (l.add(b, h), l.subtract(b, h));
    let (inner, outer) = (l.add(f, d), l.subtract(f, d));
    // Cosines of multiples of 22.5°.
    let turned = l.scale(l.add(outer, far), 1.847_759_1);
    let first = l.add(near, inner);
    let second = l.subtract(l.subtract(turned, l.scale(outer, 2.613_126)), first);
    let third = l.subtract(l.scale(l.subtract(near, inner), SQRT_2), second);
    let fourth = l.subtract(l.subtract(turned, l.scale(far, 1.082_392_2)), third);
    let mut line = [a; 8];
    for (place, (even, odd)) in even.into_iter().zip([first, second, third, fourth]).enumerate() {
        line[place] = l.add(even, odd);
        line[7 - place] = l.subtract(even, odd);
    }
    line
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]
mod tests {
    use super::*;

    fn block() -> Block {
        array::from_fn(|i| match i {
            0 => 300,
            1.. => ((i * 7919 % 41) as i16 - 20) * 40 / (1 + i as i16 / 8 + i as i16 % 8),
        })
    }

    /// Computes a sample by the definition of the transform.
    fn slowly(block: &Block, x: usize, y: usize) -> f64 {
        let wave = |place: usize, frequency: usize| {
            let first = if frequency == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            first / 2.0 * ((2 * place + 1) as f64 * frequency as f64 * PI / 16.0).cos()
        };
        let sum: f64 = (0..64).map(|i| f64::from(block[i]) * wave(x, i / 8) * wave(y, i % 8)).sum();
        sum + 128.0
    }

    fn transformed(lanes: impl Lanes, blocks: &[Block]) -> [u8; 128] {
        let mut samples = [0; 128];
        FullSize::new(lanes, &factors(&[1; 64], [8, 8]), blocks, &mut samples, 16).call();
        samples
    }

    #[test]
    fn samples_are_those_of_the_definition() {
        let samples = transformed(Scalar, &[[0; 64], block()]);
        for (place, sample) in samples.into_iter().enumerate() {
            let (x, y) = (place % 16, place / 16);
            let exact = if x < 8 { 128.0 } else { slowly(&block(), x - 8, y).clamp(0.0, 255.0) };
            assert!((f64::from(sample) - exact).abs() < 0.51, "{sample} for {exact} at {x}, {y}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn every_processor_makes_the_same_samples() {
        let blocks = [block(), [1_000; 64]];
        if let Some(lanes) = V3::try_new() {
            assert_eq!(transformed(lanes, &blocks), transformed(Scalar, &blocks));
        }
    }

    #[test]
    fn fewer_samples_are_means() {
        for samples in [4, 2, 1] {
            let (mut few, share) = ([0; 64], 8 / samples);
            Transform::new(&[1; 64], [samples; 2]).run(&[block()], &mut few, 8);
            for (x, y) in (0..samples).flat_map(|x| (0..samples).map(move |y| (x, y))) {
                let part =
                    (0..share * share).map(|i| (x * share + i % share, y * share + i / share));
                let sum: f64 = part.map(|(x, y)| slowly(&block(), x, y)).sum();
                let mean = (sum / (share * share) as f64).clamp(0.0, 255.0);
                assert!((f64::from(few[8 * y + x]) - mean).abs() < 0.51, "{few:?} for {mean}");
            }
        }
    }
}
