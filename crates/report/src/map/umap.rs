//! UMAP's optimization, single-threaded: equal seeds give equal maps.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use selfsame_metrics::Neighbors;

use super::graph::{Edge, symmetric};

/// Points that push, for each that pulls.
const NEGATIVES: usize = 5;

/// Moves `start` such that rows with an edge are near, and others are not.
///
/// As umap-learn does with its defaults: 500 epochs up to 10,000 rows and 200 above, five negative
/// samples, rate falling from 1 to 0, steps clipped at 4.
pub(super) fn umap(
    mut points: Vec<[f64; 2]>,
    neighbors: &Neighbors,
    min_dist: f64,
    seed: u64,
) -> Vec<[f64; 2]> {
    let rows = points.len();
    let epochs = if rows <= 10_000 { 500 } else { 200 };
    let curve = Curve::fit(min_dist);
    let mut edges = schedule(&memberships(neighbors), epochs);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for epoch in 0..epochs {
        let now = epoch as f64;
        let rate = 1.0 - now / epochs as f64;
        for edge in edges.iter_mut().filter(|edge| edge.next <= now) {
            let (from, to) = (edge.from as usize, edge.to as usize);
            let step = curve.pull(points[from], points[to]);
            for axis in 0..2 {
                points[from][axis] += rate * step[axis];
                points[to][axis] -= rate * step[axis];
            }
            edge.next += edge.period;
            for _ in 0..NEGATIVES {
                let other = below(&mut random, rows);
                if other != from {
                    let step = curve.push(points[from], points[other]);
                    points[from][0] += rate * step[0];
                    points[from][1] += rate * step[1];
                }
            }
        }
    }
    points
}

/// Draws a number below `end`.
fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    // Of a 32-bit draw the high half of the product is below `end`.
    let product = u64::from(random.next_u32()) * end as u64;
    (product >> 32) as usize
}

/// Edge that pulls every `period` epochs.
struct Scheduled {
    from: u32,
    to: u32,
    period: f64,
    next: f64,
}

/// Stronger edges pull in more of the epochs, the strongest in all; the weakest are omitted.
fn schedule(graph: &[Vec<Edge>], epochs: usize) -> Vec<Scheduled> {
    let strongest = graph.iter().flatten().map(|edge| edge.weight).fold(0.0, f64::max);
    let from = |(from, edges): (u32, &Vec<Edge>)| {
        let kept: Vec<Scheduled> = edges
            .iter()
            .map(|edge| (edge.to, strongest / edge.weight))
            .filter(|(_, period)| *period <= epochs as f64)
            .map(|(to, period)| Scheduled { from, to, period, next: period })
            .collect();
        kept
    };
    (0..).zip(graph).flat_map(from).collect()
}

/// Fuzzy union of the neighborhoods: `a + b − ab` of both directions.
fn memberships(neighbors: &Neighbors) -> Vec<Vec<Edge>> {
    let row = |row: usize| {
        let strengths = strengths(neighbors.distances(row));
        let edges = neighbors.indices(row).iter().zip(strengths);
        edges.map(|(&to, weight)| Edge { to, weight }).collect()
    };
    let directed: Vec<Vec<Edge>> = (0..neighbors.queries()).map(row).collect();
    symmetric(&directed, |own, other| own + other - own * other)
}

/// `exp(−(d − ρ) / σ)`, where `ρ` is the smallest distance above 0 and `σ` is such that the sum is
/// `log₂` of the neighbors, the row itself counted.
fn strengths(distances: &[f32]) -> Vec<f64> {
    let distances: Vec<f64> = distances.iter().copied().map(f64::from).collect();
    let nearest = distances.iter().copied().find(|distance| *distance > 0.0).unwrap_or(0.0);
    let target = (distances.len() as f64 + 1.0).log2();
    let beyond: Vec<f64> = distances.iter().map(|distance| (distance - nearest).max(0.0)).collect();
    let sum = |sigma: f64| beyond.iter().map(|d| (-d / sigma).exp()).sum::<f64>();
    let (mut low, mut high, mut sigma) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..64 {
        let found = sum(sigma);
        if (found - target).abs() < 1e-5 {
            break;
        }
        if found > target {
            high = sigma;
            sigma = f64::midpoint(low, high);
        } else {
            low = sigma;
            sigma = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * sigma };
        }
    }
    let mean = distances.iter().sum::<f64>() / distances.len() as f64;
    let sigma = sigma.max(1e-3 * mean).max(f64::MIN_POSITIVE);
    beyond.iter().map(|d| (-d / sigma).exp()).collect()
}

/// Closeness in the map, `1 / (1 + a d²ᵇ)`.
#[derive(Clone, Copy, Debug)]
struct Curve {
    a: f64,
    b: f64,
}

impl Curve {
    /// Fits the curve to 1 within `min_dist` and `exp(min_dist − d)` beyond, by least squares over
    /// 300 distances from 0 to 3.
    fn fit(min_dist: f64) -> Self {
        let distance = |n: i32| f64::from(n) * 3.0 / 299.0;
        let wanted = |d: f64| if d < min_dist { 1.0 } else { (min_dist - d).exp() };
        let samples: Vec<(f64, f64)> = (1..300).map(distance).map(|d| (d, wanted(d))).collect();
        let loss =
            |curve: Self| -> f64 { samples.iter().map(|(d, y)| (curve.at(*d) - y).powi(2)).sum() };
        let (mut curve, mut damping) = (Self { a: 1.0, b: 1.0 }, 1e-3);
        let mut best = loss(curve);
        // Levenberg–Marquardt.
        for _ in 0..200 {
            let (mut gram, mut slope) = ([0.0; 3], [0.0; 2]);
            for (d, y) in &samples {
                let value = curve.at(*d);
                let power = d.powf(2.0 * curve.b);
                let by_a = -power * value * value;
                let by_b = curve.a * by_a * 2.0 * d.ln();
                gram[0] += by_a * by_a;
                gram[1] += by_a * by_b;
                gram[2] += by_b * by_b;
                slope[0] += by_a * (value - y);
                slope[1] += by_b * (value - y);
            }
            let (first, last) = (gram[0] * (1.0 + damping), gram[2] * (1.0 + damping));
            let determinant = first * last - gram[1] * gram[1];
            let step_a = (last * slope[0] - gram[1] * slope[1]) / determinant;
            let step_b = (first * slope[1] - gram[1] * slope[0]) / determinant;
            let next = Self { a: curve.a - step_a, b: curve.b - step_b };
            let found = loss(next);
            if found < best && next.a > 0.0 && next.b > 0.0 {
                (curve, best, damping) = (next, found, damping * 0.1);
            } else {
                damping *= 10.0;
            }
        }
        curve
    }

    fn at(self, distance: f64) -> f64 {
        1.0 / (1.0 + self.a * distance.powf(2.0 * self.b))
    }

    /// Step of `point` to `other`.
    fn pull(self, point: [f64; 2], other: [f64; 2]) -> [f64; 2] {
        let Self { a, b } = self;
        let (difference, square) = difference(point, other);
        if square <= 0.0 {
            return [0.0; 2];
        }
        let power = square.powf(b);
        let slope = -2.0 * a * b * power / square / (a * power + 1.0);
        difference.map(|x| (slope * x).clamp(-4.0, 4.0))
    }

    /// Step of `point` away from `other`.
    fn push(self, point: [f64; 2], other: [f64; 2]) -> [f64; 2] {
        let Self { a, b } = self;
        let (difference, square) = difference(point, other);
        let slope = 2.0 * b / ((0.001 + square) * (a * square.powf(b) + 1.0));
        difference.map(|x| (slope * x).clamp(-4.0, 4.0))
    }
}

fn difference(point: [f64; 2], other: [f64; 2]) -> ([f64; 2], f64) {
    let [x, y] = [point[0] - other[0], point[1] - other[1]];
    ([x, y], x * x + y * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_that_of_umap_learn() {
        // `umap.umap_.find_ab_params(1.0, min_dist)` of umap-learn 0.5.
        for (min_dist, a, b) in [
            (0.1, 1.576_943_460_405_378, 0.895_060_878_152_347_3),
            (0.5, 0.583_030_020_304_336_9, 1.334_166_992_455_065),
        ] {
            let curve = Curve::fit(min_dist);
            assert!((curve.a - a).abs() < 1e-5 && (curve.b - b).abs() < 1e-5, "{curve:?}");
        }
    }

    #[test]
    fn strengths_fall_from_one_and_sum_to_the_logarithm_of_the_neighbors() {
        let strengths = strengths(&[0.0, 0.2, 0.3, 0.5, 0.8, 0.9, 1.4]);
        assert_eq!(strengths[..2], [1.0, 1.0], "a duplicate, and the nearest other row");
        assert!((strengths.iter().sum::<f64>() - 3.0).abs() < 1e-4);
        assert!(strengths.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn duplicates_alone_keep_their_edges() {
        assert_eq!(strengths(&[0.0; 3]), [1.0; 3]);
    }

    #[test]
    fn pull_and_push_are_slopes_of_the_cross_entropy() {
        let curve = Curve::fit(0.1);
        let at = |x: f64| curve.at(x).ln();
        let slope = (at(0.7 + 1e-6) - at(0.7 - 1e-6)) / 2e-6;
        assert!((curve.pull([0.7, 0.0], [0.0; 2])[0] - slope).abs() < 1e-6);
        let at = |x: f64| (1.0 - curve.at(x)).ln();
        let slope = (at(0.7 + 1e-6) - at(0.7 - 1e-6)) / 2e-6;
        // 0.001 in the denominator keeps it finite at 0.
        assert!((curve.push([0.7, 0.0], [0.0; 2])[0] / slope - 1.0).abs() < 3e-3);
    }
}
