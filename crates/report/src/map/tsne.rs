//! t-SNE by Barnes and Hut's approximation.

use rayon::prelude::*;
use selfsame_metrics::Neighbors;

use super::graph::{Edge, symmetric};
use super::quadtree::Quadtree;

/// Steps in which the attraction is multiplied by [`EXAGGERATION`], and all steps.
const EARLY: usize = 250;
const STEPS: usize = 750;
const EXAGGERATION: f64 = 12.0;
/// Accuracy of the approximation: the ratio of a group's side to its distance.
const THETA: f64 = 0.5;

/// Moves `start` such that close rows stay close.
///
/// As scikit-learn does: early exaggeration of 12 for 250 steps, rate `max(rows / 48, 50)`, momentum
/// 0.5 then 0.8, gains. Deviation: 750 steps in place of 1,000.
pub(super) fn tsne(
    mut points: Vec<[f64; 2]>,
    neighbors: &Neighbors,
    perplexity: f64,
) -> Vec<[f64; 2]> {
    let rows = points.len();
    let edges = affinities(neighbors, perplexity);
    let rate = (rows as f64 / EXAGGERATION / 4.0).max(50.0);
    let mut velocity = vec![[0.0_f64; 2]; rows];
    let mut gains = vec![[1.0_f64; 2]; rows];
    for step in 0..STEPS {
        let (attraction, momentum) = if step < EARLY { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        let gradient = gradient(&points, &edges, attraction, THETA);
        for row in 0..rows {
            for axis in 0..2 {
                let (slope, speed) = (gradient[row][axis], &mut velocity[row][axis]);
                let gain = &mut gains[row][axis];
                *gain = if slope * *speed < 0.0 { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                *speed = momentum * *speed - rate * *gain * slope;
                points[row][axis] += *speed;
            }
        }
    }
    points
}

/// Gradient of the Kullback–Leibler divergence with respect to the points.
fn gradient(
    points: &[[f64; 2]],
    edges: &[Vec<Edge>],
    attraction: f64,
    theta: f64,
) -> Vec<[f64; 2]> {
    let tree = Quadtree::new(points);
    let forces = points.par_iter().zip(edges).map(|(&point, edges)| {
        let mut pull = [0.0; 2];
        for edge in edges {
            let other = points[edge.to as usize];
            let (x, y) = (point[0] - other[0], point[1] - other[1]);
            let weight = edge.weight / (1.0 + x * x + y * y);
            pull = [pull[0] + weight * x, pull[1] + weight * y];
        }
        let (push, total) = tree.repulsion(point, theta);
        (pull, push, total - 1.0)
    });
    let forces: Vec<_> = forces.collect();
    // Summed in order, so that the result does not depend on the threads.
    let total: f64 = forces.iter().map(|force| force.2).sum::<f64>().max(f64::MIN_POSITIVE);
    let slope = |pull: f64, push: f64| 4.0 * (attraction * pull - push / total);
    forces.iter().map(|(pull, push, _)| [0, 1].map(|axis| slope(pull[axis], push[axis]))).collect()
}

/// Symmetric probabilities of the neighbors, which sum to 1.
fn affinities(neighbors: &Neighbors, perplexity: f64) -> Vec<Vec<Edge>> {
    let rows = neighbors.queries();
    let row = |row: usize| {
        let squares: Vec<f64> =
            neighbors.distances(row).iter().map(|distance| f64::from(*distance).powi(2)).collect();
        let weights = probabilities(&squares, perplexity.ln());
        let edges = neighbors.indices(row).iter().zip(weights);
        edges.map(|(&to, weight)| Edge { to, weight }).collect()
    };
    let directed: Vec<Vec<Edge>> = (0..rows).map(row).collect();
    symmetric(&directed, |own, other| (own + other) / (2.0 * rows as f64))
}

/// Probabilities `∝ exp(−β d²)` whose entropy is `entropy`, found by bisection of `β`.
fn probabilities(squares: &[f64], entropy: f64) -> Vec<f64> {
    let nearest = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = squares.iter().map(|square| square - nearest).sum::<f64>() / squares.len() as f64;
    let softmax = |beta: f64| {
        let weights: Vec<f64> = squares.iter().map(|s| (-beta * (s - nearest)).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect::<Vec<f64>>()
    };
    if mean <= 0.0 {
        return softmax(0.0);
    }
    let (mut low, mut high, mut beta) = (0.0, f64::INFINITY, 1.0 / mean);
    for _ in 0..100 {
        let weights = softmax(beta);
        let found: f64 = weights.iter().filter(|&&p| p > 0.0).map(|p| -p * p.ln()).sum();
        if (found - entropy).abs() < 1e-5 {
            break;
        }
        if found > entropy {
            low = beta;
            beta = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * beta };
        } else {
            high = beta;
            beta = f64::midpoint(low, high);
        }
    }
    softmax(beta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_have_the_perplexity_asked_for() {
        let squares: Vec<f64> = (1..60).map(|n| f64::from(n).sqrt()).collect();
        for perplexity in [2.0_f64, 10.0, 30.0] {
            let weights = probabilities(&squares, perplexity.ln());
            let entropy: f64 = weights.iter().map(|p| -p * p.ln()).sum();
            assert!((entropy.exp() - perplexity).abs() < 1e-2, "{}", entropy.exp());
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(weights.is_sorted_by(|a, b| a >= b), "the nearest has the most");
        }
        assert_eq!(probabilities(&[0.0; 4], 1.0), [0.25; 4], "equal distances");
    }

    /// Divergence of `q` from `p`, with all pairs of points, as the gradient's antiderivative.
    fn divergence(points: &[[f64; 2]], edges: &[Vec<Edge>]) -> f64 {
        let weight = |i: usize, j: usize| {
            let (x, y) = (points[i][0] - points[j][0], points[i][1] - points[j][1]);
            1.0 / (1.0 + x * x + y * y)
        };
        let pairs = (0..points.len()).flat_map(|i| (0..points.len()).map(move |j| (i, j)));
        let total: f64 = pairs.filter(|(i, j)| i != j).map(|(i, j)| weight(i, j)).sum();
        let term = |(i, edges): (usize, &Vec<Edge>)| {
            let term = |edge: &Edge| {
                edge.weight * (edge.weight * total / weight(i, edge.to as usize)).ln()
            };
            edges.iter().map(term).sum::<f64>()
        };
        edges.iter().enumerate().map(term).sum()
    }

    #[test]
    fn the_gradient_is_that_of_the_divergence() {
        let points = vec![[0.0, 0.1], [0.4, 0.0], [0.1, 0.5], [0.3, 0.4]];
        let directed: Vec<Vec<Edge>> = (0..4_u32)
            .map(|i| {
                let others = (0..4).filter(|&j| j != i);
                others.map(|j| Edge { to: j, weight: f64::from(1 + (i + j) % 3) / 6.0 }).collect()
            })
            .collect();
        let total: f64 = directed.iter().flatten().map(|edge| edge.weight).sum();
        let edges = symmetric(&directed, |own, other| (own + other) / (2.0 * total));
        let gradient = gradient(&points, &edges, 1.0, 0.0);
        for (row, slope) in gradient.iter().enumerate() {
            for (axis, slope) in slope.iter().enumerate() {
                let at = |step: f64| {
                    let mut moved = points.clone();
                    moved[row][axis] += step;
                    divergence(&moved, &edges)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - expected).abs() < 1e-7, "{slope} {expected}");
            }
        }
    }
}
