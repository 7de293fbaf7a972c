//! The lowest point of a smooth convex function: limited-memory BFGS.

use std::collections::VecDeque;

/// Steps whose curvature is remembered.
const MEMORY: usize = 10;

/// Walks downhill from `start` until no entry of the gradient exceeds `tolerance`, or `steps` have
/// been taken, or no step goes further down.
///
/// # Source
/// Nocedal & Wright, *Numerical Optimization*, algorithms 7.4 and 7.5, with backtracking.
pub(crate) fn minimize(
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
    start: Vec<f64>,
    tolerance: f64,
    steps: usize,
) -> Vec<f64> {
    let mut x = start;
    let (mut value, mut gradient) = function(&x);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..steps {
        if gradient.iter().all(|slope| slope.abs() <= tolerance) {
            break;
        }
        let direction = downhill(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        let mut length =
            if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        let next = loop {
            let next: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let (next_value, next_gradient) = function(&next);
            if next_value <= value + 1e-4 * length * slope {
                break Some((next, next_value, next_gradient));
            }
            length /= 2.0;
            if length < 1e-12 {
                break None; // as low as rounding lets us see
            }
        };
        let Some((next, next_value, next_gradient)) = next else { break };
        let moved: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&moved, &turned) > 0.0 {
            memory.push_back((moved, turned));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (x, value, gradient) = (next, next_value, next_gradient);
    }
    x
}

/// The Newton direction under the remembered curvature.
fn downhill(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut shares = Vec::new();
    for (moved, turned) in memory.iter().rev() {
        let share = dot(moved, &q) / dot(moved, turned);
        add(&mut q, -share, turned);
        shares.push(share);
    }
    if let Some((moved, turned)) = memory.back() {
        let scale = dot(moved, turned) / dot(turned, turned);
        for q in &mut q {
            *q *= scale;
        }
    }
    for ((moved, turned), share) in memory.iter().zip(shares.iter().rev()) {
        let back = dot(turned, &q) / dot(moved, turned);
        add(&mut q, share - back, moved);
    }
    for q in &mut q {
        *q = -*q;
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_narrow_valley() {
        // (x − 1)² + 1000 (y + 2)² + x y / 10
        let valley = |x: &[f64]| {
            let value = (x[0] - 1.0).powi(2) + 1000.0 * (x[1] + 2.0).powi(2) + 0.1 * x[0] * x[1];
            (value, vec![2.0 * (x[0] - 1.0) + 0.1 * x[1], 2000.0 * (x[1] + 2.0) + 0.1 * x[0]])
        };
        let bottom = minimize(valley, vec![0.0, 0.0], 1e-9, 100);
        let (_, gradient) = valley(&bottom);
        assert!(gradient.iter().all(|slope| slope.abs() < 1e-6), "{bottom:?}");
        assert!((bottom[0] - 1.100_002_75).abs() < 1e-6, "{bottom:?}");
    }
}
