//! Accuracy, and the mean and spread of several runs.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of repeated runs.
///
/// # Example
/// ```
/// use selfsame_metrics::Summary;
///
/// let summary = Summary::of(&[0.4, 0.5, 0.6]);
/// assert!((summary.mean - 0.5).abs() < 1e-12 && (summary.std - 0.1).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Mean over the runs.
    pub mean: f64,
    /// Standard deviation with `n − 1` in the denominator; 0 for a single run.
    pub std: f64,
}

impl Summary {
    /// Computes mean and standard deviation; both are 0 if there are no runs.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Summary;
    ///
    /// assert_eq!(Summary::of(&[0.7]), Summary { mean: 0.7, std: 0.0 });
    /// assert_eq!(Summary::of(&[]), Summary::default());
    /// ```
    #[must_use]
    pub fn of(runs: &[f64]) -> Self {
        let count = runs.len().max(1) as f64;
        let mean = runs.iter().sum::<f64>() / count;
        let squares: f64 = runs.iter().map(|run| (run - mean).powi(2)).sum();
        Self { mean, std: (squares / (count - 1.0).max(1.0)).sqrt() }
    }

    /// Returns half the width of the 95 % confidence interval of the mean, or `None` for fewer than
    /// two runs, which tell nothing of their spread.
    ///
    /// ```text
    /// mean ± t · std / √runs       t the 97.5 % quantile of Student's t with runs − 1 degrees
    /// ```
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Summary;
    ///
    /// let runs = [0.4, 0.5, 0.6];
    /// let half = Summary::of(&runs).confidence_95(runs.len()).unwrap();
    /// assert!((half - 4.302_653 * 0.1 / 3.0_f64.sqrt()).abs() < 1e-6);
    /// assert_eq!(Summary::of(&[0.5]).confidence_95(1), None);
    /// ```
    #[must_use]
    pub fn confidence_95(&self, runs: usize) -> Option<f64> {
        (runs > 1).then(|| student_t_975(runs - 1) * self.std / (runs as f64).sqrt())
    }
}

/// Returns the 97.5 % quantile of Student's t, by bisection of its closed form for whole degrees.
///
/// # Source
/// Abramowitz & Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.
fn student_t_975(degrees: usize) -> f64 {
    if degrees > 100_000 {
        return 1.959_964; // the normal distribution, equal to five digits
    }
    let (mut low, mut high) = (0.0, 13.0); // 12.71 is the largest, at one degree
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if share_within(middle, degrees) < 0.95 { low = middle } else { high = middle }
    }
    high
}

/// Returns the probability that Student's t is between `−t` and `t`.
fn share_within(t: f64, degrees: usize) -> f64 {
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = degrees % 2 == 1;
    let (mut term, mut sum) = (if odd { cosine } else { 1.0 }, 0.0);
    // Terms sin θ cosⁿ θ up to n = degrees − 2.
    let mut power = usize::from(odd);
    while power + 2 <= degrees {
        sum += term;
        term *= cosine * cosine * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if odd { std::f64::consts::FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

/// Returns the share of predictions that equal their label, 0 to 1; 0 if there are none.
///
/// # Panics
/// If the lengths differ.
///
/// # Example
/// ```
/// use selfsame_metrics::accuracy;
///
/// assert_eq!(accuracy(&[0, 2, 2, 1], &[0, 2, 1, 1]), 0.75);
/// assert_eq!(accuracy(&[], &[]), 0.0);
/// ```
#[must_use]
#[track_caller]
pub fn accuracy(predictions: &[usize], labels: &[usize]) -> f64 {
    assert_eq!(predictions.len(), labels.len(), "one prediction per label");
    let correct = predictions.iter().zip(labels).filter(|(p, l)| p == l).count();
    correct as f64 / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let table =
            [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (10, 2.2281)];
        for (degrees, quantile) in table.into_iter().chain([(30, 2.0423), (120, 1.9799)]) {
            assert!((student_t_975(degrees) - quantile).abs() < 6e-5, "{degrees}");
        }
        assert!((student_t_975(90_000) - student_t_975(110_000)).abs() < 5e-5);
    }
}
