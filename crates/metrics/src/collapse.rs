//! Collapse: how much of their space the features use, measured without labels.

use faer::{Mat, Side};

use crate::features::l2_norm;
use crate::{Features, MetricError};

/// Returns the standard deviation of the L2-normalized features over rows, averaged over
/// dimensions.
///
/// The result is 0 for rows of one direction (collapse), and about [`uniform_std`] for rows of all
/// directions. The variance is divided by `n`, not by `n − 1`, so that a single row has 0.
///
/// # Source
/// Chen & He, 2021, [arXiv:2011.10566](https://arxiv.org/abs/2011.10566), section 4.1.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, uniform_std, std_of_l2_normalized};
///
/// let collapsed = Features::new(2, vec![1.0, 2.0, 2.0, 4.0])?;
/// assert!(std_of_l2_normalized(&collapsed) < 1e-7);
/// let spread = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0])?;
/// assert!((std_of_l2_normalized(&spread) - uniform_std(2)).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[must_use]
pub fn std_of_l2_normalized(features: &Features) -> f64 {
    let (rows, dim) = (features.rows(), features.dim());
    let mut sums = vec![(0.0, 0.0); dim];
    for index in 0..rows {
        let row = features.row(index);
        let norm = l2_norm(row);
        for (x, (sum, squares)) in row.iter().zip(&mut sums) {
            let x = if norm > 0.0 { f64::from(*x) / norm } else { 0.0 };
            *sum += x;
            *squares += x * x;
        }
    }
    let rows = rows.max(1) as f64;
    let deviation =
        |(sum, squares): &(f64, f64)| (squares / rows - (sum / rows).powi(2)).max(0.0).sqrt();
    sums.iter().map(deviation).sum::<f64>() / dim as f64
}

/// Returns the [`std_of_l2_normalized`] of rows that are uniform on the sphere: `1 / √dim`.
///
/// # Example
/// ```
/// assert_eq!(selfsame_metrics::uniform_std(64), 0.125);
/// ```
#[must_use]
pub fn uniform_std(dim: usize) -> f64 {
    1.0 / (dim as f64).sqrt()
}

/// Returns the mean distance of two views of a sample, `mean ‖x − y‖^α` of normalized rows: 0 to
/// `2^α`, lower is better.
///
/// # Errors
/// If the sets differ in shape or are empty.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.1.1.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, alignment};
///
/// let view_a = Features::new(2, vec![1.0, 0.0, 0.0, 3.0])?;
/// let view_b = Features::new(2, vec![-1.0, 0.0, 0.0, 1.0])?;
/// // Squared distances 4 and 0.
/// assert_eq!(alignment(&view_a, &view_b, 2.0)?, 2.0);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn alignment(view_a: &Features, view_b: &Features, alpha: f64) -> Result<f64, MetricError> {
    view_a.same_width(view_b)?;
    view_a.at_least(1)?;
    if view_a.rows() != view_b.rows() {
        return Err(MetricError::Pairs { first: view_a.rows(), second: view_b.rows() });
    }
    let distance = |index| squared_distance(&unit(view_a.row(index)), &unit(view_b.row(index)));
    let all = (0..view_a.rows()).map(|index| distance(index).powf(alpha / 2.0));
    Ok(all.sum::<f64>() / view_a.rows() as f64)
}

/// Returns how evenly normalized rows cover the sphere, `log mean exp(−t ‖x − y‖²)` over all pairs:
/// `−4 t` to 0, lower is better.
///
/// # Errors
/// If there are fewer than two rows.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.1.2.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, uniformity};
///
/// let collapsed = Features::new(2, vec![1.0, 1.0, 2.0, 2.0])?;
/// assert!(uniformity(&collapsed, 2.0)?.abs() < 1e-12);
/// let opposite = Features::new(1, vec![1.0, -1.0])?;
/// assert!((uniformity(&opposite, 2.0)? + 8.0).abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn uniformity(features: &Features, t: f64) -> Result<f64, MetricError> {
    features.at_least(2)?;
    let rows: Vec<Vec<f64>> = (0..features.rows()).map(|index| unit(features.row(index))).collect();
    let pairs = (1..rows.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let sum: f64 = pairs.map(|(i, j)| (-t * squared_distance(&rows[i], &rows[j])).exp()).sum();
    let count = rows.len() * (rows.len() - 1) / 2;
    Ok((sum / count as f64).ln())
}

/// Returns the effective rank of the features, the exponential of the entropy of their normalized
/// singular values: 1 to `min(rows, dim)`, higher is better.
///
/// # Errors
/// If all features are zero or there are none.
///
/// # Source
/// Garrido et al., 2023, [arXiv:2210.02885](https://arxiv.org/abs/2210.02885), eq. 1.
/// Deviation: singular values of zero are skipped; the paper adds an epsilon.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, rankme};
///
/// let corner = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
/// assert!((rankme(&corner)? - 2.0).abs() < 1e-9);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn rankme(features: &Features) -> Result<f64, MetricError> {
    let squares = eigenvalues(features, &vec![0.0; features.dim()], 1.0)?;
    // An eigenvalue this far below the largest is rounding, not a direction.
    let floor = squares[0] * 1e-14;
    let singular: Vec<f64> = squares.iter().filter(|&&s| s > floor).map(|s| s.sqrt()).collect();
    let total: f64 = singular.iter().sum();
    if total <= 0.0 {
        return Err(MetricError::Setting { key: "features", range: "not all zero" });
    }
    let entropy: f64 = singular.iter().map(|s| s / total).map(|p| -p * p.ln()).sum();
    Ok(entropy.exp())
}

/// Returns the eigenvalues of the features' covariance, largest first; a steep decline means that
/// the features use few directions.
///
/// The covariance is divided by `n − 1`.
///
/// # Errors
/// If there are fewer than two rows.
///
/// # Source
/// Jing et al., 2022, [arXiv:2110.09348](https://arxiv.org/abs/2110.09348), section 3.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, covariance_spectrum};
///
/// let line = Features::new(2, vec![1.0, 5.0, 3.0, 5.0])?;
/// let spectrum = covariance_spectrum(&line)?;
/// assert!((spectrum[0] - 2.0).abs() < 1e-12 && spectrum[1].abs() < 1e-12);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn covariance_spectrum(features: &Features) -> Result<Vec<f64>, MetricError> {
    features.at_least(2)?;
    let rows = features.rows() as f64;
    let mut mean = vec![0.0; features.dim()];
    for row in features.as_slice().chunks(features.dim()) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x) / rows);
    }
    eigenvalues(features, &mean, rows - 1.0)
}

/// Returns the sum of the covariance's eigenvalues divided by the largest: 1 to `dim`, higher is
/// better.
///
/// # Errors
/// If there are fewer than two rows, or all are equal.
///
/// # Source
/// He & Ozay, 2022, "Exploring the gap between collapsed and whitened features in
/// self-supervised learning", section 3.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, nesum};
///
/// let cross = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0])?;
/// assert!((nesum(&cross)? - 2.0).abs() < 1e-9);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn nesum(features: &Features) -> Result<f64, MetricError> {
    let spectrum = covariance_spectrum(features)?;
    if spectrum[0] <= 0.0 {
        return Err(MetricError::Setting { key: "features", range: "not all equal" });
    }
    Ok(spectrum.iter().sum::<f64>() / spectrum[0])
}

/// Returns the eigenvalues of `(X − mean)ᵀ (X − mean) / divisor`, largest first, clamped at 0.
fn eigenvalues(features: &Features, mean: &[f64], divisor: f64) -> Result<Vec<f64>, MetricError> {
    features.at_least(1)?;
    let centered = Mat::from_fn(features.rows(), features.dim(), |row, column| {
        f64::from(features.row(row)[column]) - mean[column]
    });
    let gram = centered.transpose() * &centered;
    let values = gram.self_adjoint_eigenvalues(Side::Lower);
    let values = values.map_err(|_| MetricError::NotFinite { row: 0 })?;
    let mut values: Vec<f64> = values.into_iter().map(|value| (value / divisor).max(0.0)).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    Ok(values)
}

fn unit(row: &[f32]) -> Vec<f64> {
    let norm = l2_norm(row);
    let divisor = if norm > 0.0 { norm } else { 1.0 };
    row.iter().map(|x| f64::from(*x) / divisor).collect()
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}
