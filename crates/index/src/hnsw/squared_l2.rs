//! The distance that the graph is built by.

use hnsw_rs::prelude::Distance as GraphDistance;
use pulp::Arch;
use selfsame_metrics::Distance;

/// Values that are added up side by side, so that the sum is one of vectors.
const LANES: usize = 32;

/// Squared Euclidean distance, or the sum of absolute differences.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SquaredL2 {
    arch: Arch,
    is_absolute: bool,
}

impl SquaredL2 {
    pub(super) fn for_distance(distance: Distance) -> Self {
        Self { arch: Arch::new(), is_absolute: distance == Distance::L1 }
    }
}

impl GraphDistance<f32> for SquaredL2 {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        if self.is_absolute {
            self.arch.dispatch(
                #[inline(always)]
                || sum(a, b, f32::abs),
            )
        } else {
            self.arch.dispatch(
                #[inline(always)]
                || sum(a, b, |x| x * x),
            )
        }
    }
}

/// Adds up `part` of the differences, in an order that no machine changes.
#[inline(always)]
#[allow(clippy::inline_always, reason = "it must take on the instructions of its caller")]
fn sum(a: &[f32], b: &[f32], part: impl Fn(f32) -> f32) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += part(a[lane] - b[lane]);
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += part(a - b);
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_plain_loops() {
        let a: Vec<f32> = (0_u8..75).map(|i| f32::from(i).sin()).collect();
        let b: Vec<f32> = (0_u8..75).map(|i| f32::from(i).cos()).collect();
        let l2 = f64::from(SquaredL2::for_distance(Distance::L2).eval(&a, &b));
        assert!((l2 - Distance::L2.between(&a, &b).powi(2)).abs() < 1e-4, "{l2}");
        let l1 = f64::from(SquaredL2::for_distance(Distance::L1).eval(&a, &b));
        assert!((l1 - Distance::L1.between(&a, &b)).abs() < 1e-4, "{l1}");
    }
}
