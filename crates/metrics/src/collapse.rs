//! Whether features use the room they have.

use faer::{Mat, Side};

use crate::{Features, MetricError};

/// Standard deviation over the rows of the L2-normalized features, averaged over dimensions.
///
/// From 0, when all rows point the same way, to about [`uniform_std`], when they point everywhere.
/// The deviation has `n` below, not `n − 1`, so that a batch of one has 0.
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
        let length = length(row);
        for (x, (sum, squares)) in row.iter().zip(&mut sums) {
            let x = if length > 0.0 { f64::from(*x) / length } else { 0.0 };
            *sum += x;
            *squares += x * x;
        }
    }
    let rows = rows.max(1) as f64;
    let deviation =
        |(sum, squares): &(f64, f64)| (squares / rows - (sum / rows).powi(2)).max(0.0).sqrt();
    sums.iter().map(deviation).sum::<f64>() / dim as f64
}

/// What [`std_of_l2_normalized`] is for rows that point everywhere: `1 / √dim`.
#[must_use]
pub fn uniform_std(dim: usize) -> f64 {
    1.0 / (dim as f64).sqrt()
}

/// Mean distance of the two views of an image, both of length 1: `mean ‖x − y‖^α`, 0 to `2^α`,
/// lower is better.
///
/// # Errors
/// If the sets differ in shape or are empty.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.1.1.
pub fn alignment(view_a: &Features, view_b: &Features, alpha: f64) -> Result<f64, MetricError> {
    view_a.same_width(view_b)?;
    view_a.at_least(1)?;
    if view_a.rows() != view_b.rows() {
        return Err(MetricError::Rows { rows: view_b.rows(), least: view_a.rows() });
    }
    let distance = |index| squared_distance(&unit(view_a.row(index)), &unit(view_b.row(index)));
    let all = (0..view_a.rows()).map(|index| distance(index).powf(alpha / 2.0));
    Ok(all.sum::<f64>() / view_a.rows() as f64)
}

/// How evenly rows, at length 1, cover the sphere: `log mean exp(−t ‖x − y‖²)` over all pairs, from
/// `−4 t` to 0, lower is better.
///
/// # Errors
/// If there are fewer than two rows.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), section 4.1.2.
pub fn uniformity(features: &Features, t: f64) -> Result<f64, MetricError> {
    features.at_least(2)?;
    let rows: Vec<Vec<f64>> = (0..features.rows()).map(|index| unit(features.row(index))).collect();
    let pairs = (1..rows.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let sum: f64 = pairs.map(|(i, j)| (-t * squared_distance(&rows[i], &rows[j])).exp()).sum();
    let count = rows.len() * (rows.len() - 1) / 2;
    Ok((sum / count as f64).ln())
}

/// How many directions features really use: the exponential of the entropy of their singular
/// values, 1 to `min(rows, dim)`, higher is better.
///
/// # Errors
/// If all features are zero or there are none.
///
/// # Source
/// Garrido et al., 2023, [arXiv:2210.02885](https://arxiv.org/abs/2210.02885), eq. 1.
/// Deviation: singular values that are zero are skipped instead of adding an epsilon.
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
    // Squares below the largest by more than rounding are no direction.
    let floor = squares[0] * 1e-14;
    let singular: Vec<f64> = squares.iter().filter(|&&s| s > floor).map(|s| s.sqrt()).collect();
    let total: f64 = singular.iter().sum();
    if total <= 0.0 {
        return Err(MetricError::Setting { key: "features", range: "not all zero" });
    }
    let entropy: f64 = singular.iter().map(|s| s / total).map(|p| -p * p.ln()).sum();
    Ok(entropy.exp())
}

/// Eigenvalues of the covariance of the features, largest first; a steep fall means that few
/// directions are used.
///
/// The covariance has `n − 1` below.
///
/// # Errors
/// If there are fewer than two rows.
///
/// # Source
/// Jing et al., 2022, [arXiv:2110.09348](https://arxiv.org/abs/2110.09348), section 3.
pub fn covariance_spectrum(features: &Features) -> Result<Vec<f64>, MetricError> {
    features.at_least(2)?;
    let rows = features.rows() as f64;
    let mut mean = vec![0.0; features.dim()];
    for row in features.as_slice().chunks(features.dim()) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x) / rows);
    }
    eigenvalues(features, &mean, rows - 1.0)
}

/// Sum of the covariance's eigenvalues over the largest: 1 to `dim`, higher is better.
///
/// # Errors
/// If there are fewer than two rows, or all are the same.
///
/// # Source
/// He & Ozay, 2022, "Exploring the gap between collapsed and whitened features in
/// self-supervised learning", section 3.
pub fn nesum(features: &Features) -> Result<f64, MetricError> {
    let spectrum = covariance_spectrum(features)?;
    if spectrum[0] <= 0.0 {
        return Err(MetricError::Setting { key: "features", range: "not all the same" });
    }
    Ok(spectrum.iter().sum::<f64>() / spectrum[0])
}

/// Eigenvalues of `(X − mean)ᵀ (X − mean) / divisor`, largest first, none below zero.
fn eigenvalues(features: &Features, mean: &[f64], divisor: f64) -> Result<Vec<f64>, MetricError> {
    features.at_least(1)?;
    let centerd = Mat::from_fn(features.rows(), features.dim(), |row, column| {
        f64::from(features.row(row)[column]) - mean[column]
    });
    let gram = centerd.transpose() * &centerd;
    let values = gram.self_adjoint_eigenvalues(Side::Lower);
    let values = values.map_err(|_| MetricError::NotFinite { row: 0 })?;
    let mut values: Vec<f64> = values.into_iter().map(|value| (value / divisor).max(0.0)).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    Ok(values)
}

fn length(row: &[f32]) -> f64 {
    row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}

fn unit(row: &[f32]) -> Vec<f64> {
    let length = length(row);
    let divisor = if length > 0.0 { length } else { 1.0 };
    row.iter().map(|x| f64::from(*x) / divisor).collect()
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}
