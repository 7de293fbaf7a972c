//! Limited-memory BFGS: minimizes a smooth convex function.

use std::collections::VecDeque;

/// Steps whose curvature is kept.
const MEMORY: usize = 10;

/// Steps and the changes of the gradient along them, from which the Hessian is approximated.
#[derive(Debug, Default)]
pub(crate) struct Curvature(VecDeque<(Vec<f64>, Vec<f64>)>);

impl Curvature {
    /// Takes over a function to which `penalty / 2 · x²` was added for each variable that `penalized`
    /// names by its index; this changes the gradient along a step by `penalty` times the step.
    pub(crate) fn add_penalty(&mut self, penalty: f64, penalized: impl Fn(usize) -> bool) {
        for (step, change) in &mut self.0 {
            for (at, (step, change)) in step.iter().zip(change).enumerate() {
                if penalized(at) {
                    *change += penalty * step;
                }
            }
        }
        self.0.retain(|(step, change)| dot(step, change) > 0.0);
    }
}

/// Minimizes `function`, which returns its value and gradient, from `start`.
///
/// Ends when no element of the gradient exceeds `tolerance`, after `steps` steps, or when no step
/// along the descent direction lowers the value. Starts with the `curvature` of an earlier call, if
/// any, and leaves its own there.
///
/// # Source
/// Nocedal & Wright, *Numerical Optimization*, algorithms 7.4 and 7.5, with backtracking.
pub(crate) fn minimize(
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
    start: Vec<f64>,
    tolerance: f64,
    steps: usize,
    curvature: &mut Curvature,
) -> Vec<f64> {
    let mut x = start;
    let (mut value, mut gradient) = function(&x);
    let memory = &mut curvature.0;
    for _ in 0..steps {
        if gradient.iter().all(|slope| slope.abs() <= tolerance) {
            break;
        }
        let direction = descent_direction(&gradient, memory);
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
                break None; // at the minimum, up to rounding
            }
        };
        let Some((next, next_value, next_gradient)) = next else { break };
        let step: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&step, &change) > 0.0 {
            memory.push_back((step, change));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (x, value, gradient) = (next, next_value, next_gradient);
    }
    x
}

/// Computes the negative gradient times the inverse Hessian that `memory` approximates.
fn descent_direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut weights = Vec::new();
    for (step, change) in memory.iter().rev() {
        let weight = dot(step, &q) / dot(step, change);
        add_scaled(&mut q, -weight, change);
        weights.push(weight);
    }
    if let Some((step, change)) = memory.back() {
        let scale = dot(step, change) / dot(change, change);
        for q in &mut q {
            *q *= scale;
        }
    }
    for ((step, change), weight) in memory.iter().zip(weights.iter().rev()) {
        let correction = dot(change, &q) / dot(step, change);
        add_scaled(&mut q, weight - correction, step);
    }
    for q in &mut q {
        *q = -*q;
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Adds `scale · x` to `y`.
fn add_scaled(y: &mut [f64], scale: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += scale * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_a_narrow_valley() {
        // (x − 1)² + 1000 (y + 2)² + x y / 10
        let valley = |x: &[f64]| {
            let value = (x[0] - 1.0).powi(2) + 1000.0 * (x[1] + 2.0).powi(2) + 0.1 * x[0] * x[1];
            (value, vec![2.0 * (x[0] - 1.0) + 0.1 * x[1], 2000.0 * (x[1] + 2.0) + 0.1 * x[0]])
        };
        let bottom = minimize(valley, vec![0.0, 0.0], 1e-9, 100, &mut Curvature::default());
        let (_, gradient) = valley(&bottom);
        assert!(gradient.iter().all(|slope| slope.abs() < 1e-6), "{bottom:?}");
        assert!((bottom[0] - 1.100_002_75).abs() < 1e-6, "{bottom:?}");
    }

    #[test]
    fn curvature_kept_from_a_neighboring_function_saves_steps() {
        let bowl = |penalty: f64, calls: &mut usize, x: &[f64]| {
            *calls += 1;
            let curves = [1.0, 30.0, 500.0];
            let at = |i: usize| curves[i] + penalty;
            let value = (0..3).map(|i| at(i) / 2.0 * x[i] * x[i] - x[i]).sum();
            (value, (0..3).map(|i| at(i) * x[i] - 1.0).collect())
        };
        let (mut first, mut warm, mut cold) = (0, 0, 0);
        let mut curvature = Curvature::default();
        let start = vec![0.0; 3];
        let x = minimize(|x| bowl(2.0, &mut first, x), start, 1e-9, 100, &mut curvature);
        curvature.add_penalty(-1.0, |_| true);
        let x = minimize(|x| bowl(1.0, &mut warm, x), x, 1e-9, 100, &mut curvature);
        minimize(|x| bowl(1.0, &mut cold, x), vec![0.0; 3], 1e-9, 100, &mut Curvature::default());
        assert!((x[0] - 0.5).abs() < 1e-8 && warm < cold, "{warm} of {cold} calls");
    }
}
