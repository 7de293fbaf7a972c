//! The loss of a linear layer and its gradient.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Mean cross-entropy of a linear layer on labeled rows, plus an L2 penalty.
#[derive(Debug)]
pub(super) struct Objective<'a> {
    /// `[labels, width]`, 1 for the bias last.
    rows: &'a [f64],
    labels: &'a [usize],
    classes: usize,
    /// Half of it times the squared weights is added to the mean.
    pub(super) penalty: f64,
}

/// Rows that stay in the cache between the two products that read them.
const BLOCK: usize = 64;
/// Sums that are added in order, whatever the number of threads.
const PARTS: usize = 64;

/// Returns the penalty of an [`Objective`] whose sum over `rows` has the penalty `l2`.
///
/// Two classes have one weight vector in scikit-learn, the difference of our two opposite ones: half
/// its square is the whole sum of theirs.
pub(super) fn penalty(l2: f64, rows: usize, classes: usize) -> f64 {
    let vectors = if classes == 2 { 2.0 } else { 1.0 };
    vectors * l2 / rows as f64
}

impl<'a> Objective<'a> {
    pub(super) fn new(rows: &'a [f64], labels: &'a [usize], classes: usize, penalty: f64) -> Self {
        Self { rows, labels, classes, penalty }
    }

    fn width(&self) -> usize {
        self.rows.len() / self.labels.len()
    }

    /// Computes the value and its gradient with respect to the weights `[classes, width]`.
    pub(super) fn at(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let (width, share) = (self.width(), 1.0 / self.labels.len() as f64);
        let part = self.labels.len().div_ceil(PARTS).next_multiple_of(BLOCK);
        let parts = self.rows.par_chunks(part * width).zip(self.labels.par_chunks(part));
        let sums: Vec<(f64, Vec<f64>)> =
            parts.map(|(rows, labels)| self.part(weights, rows, labels)).collect();
        let mut value = 0.0;
        let mut gradient = vec![0.0; weights.len()];
        for (loss, part) in sums {
            value += loss * share;
            gradient.iter_mut().zip(part).for_each(|(sum, part)| *sum += part * share);
        }
        for (weights, gradient) in weights.chunks(width).zip(gradient.chunks_mut(width)) {
            // The bias, last in its row, has no penalty.
            for (w, g) in weights[..width - 1].iter().zip(gradient) {
                value += self.penalty / 2.0 * w * w;
                *g += self.penalty * w;
            }
        }
        (value, gradient)
    }

    fn part(&self, weights: &[f64], rows: &[f64], labels: &[usize]) -> (f64, Vec<f64>) {
        let (width, classes) = (self.width(), self.classes);
        let (mut loss, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (rows, labels) in rows.chunks(BLOCK * width).zip(labels.chunks(BLOCK)) {
            let mut errors = logits(rows, weights, width);
            for (row, &label) in errors.chunks_mut(classes).zip(labels) {
                loss += cross_entropy(row, label);
            }
            matmul(
                MatMut::from_row_major_slice_mut(&mut gradient, classes, width),
                Accum::Add,
                MatRef::from_row_major_slice(&errors, labels.len(), classes).transpose(),
                MatRef::from_row_major_slice(rows, labels.len(), width),
                1.0,
                Par::Seq,
            );
        }
        (loss, gradient)
    }
}

/// Computes scores `[rows, classes]` of rows `[rows, width]` and weights `[classes, width]`.
pub(super) fn logits(rows: &[f64], weights: &[f64], width: usize) -> Vec<f64> {
    let (count, classes) = (rows.len() / width, weights.len() / width);
    let mut scores = vec![0.0; count * classes];
    matmul(
        MatMut::from_row_major_slice_mut(&mut scores, count, classes),
        Accum::Replace,
        MatRef::from_row_major_slice(rows, count, width),
        MatRef::from_row_major_slice(weights, classes, width).transpose(),
        1.0,
        Par::Seq,
    );
    scores
}

/// Returns `−log softmax(scores)[label]` and replaces the scores by its gradient.
fn cross_entropy(scores: &mut [f64], label: usize) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let difference = largest - scores[label];
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
    scores[label] -= 1.0;
    difference + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_equals_finite_differences() {
        let rows: Vec<f64> = (0..21)
            .map(|i| if i % 3 == 2 { 1.0 } else { f64::from(i * 7919 % 101) / 50.0 - 1.0 })
            .collect();
        let objective = Objective::new(&rows, &[0, 1, 0, 1, 2, 1, 0], 3, 0.3);
        let at: Vec<f64> = (0..9).map(|i| f64::from(i) / 5.0 - 0.7).collect();
        for (place, slope) in objective.at(&at).1.into_iter().enumerate() {
            let moved = |by: f64| {
                let mut at = at.clone();
                at[place] += by;
                objective.at(&at).0
            };
            let measured = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - measured).abs() < 1e-8, "{place}: {slope} is not {measured}");
        }
    }
}
