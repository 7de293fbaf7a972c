//! LiDAR: how many directions tell samples apart, beside what tells their views apart.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, Side};

use crate::gram::{column_gram, effective_rank, eigenvalues, rounding_floor};
use crate::{Features, MetricError};

/// Returns the effective rank of the linear discriminants of samples seen in several views: 1 to
/// `min(samples − 1, dim)`, higher is better.
///
/// ```text
/// Σ_b = mean over samples x of (μₓ − μ)(μₓ − μ)ᵀ      μₓ: the mean over the views of x, μ: of all
/// Σ_w = mean over views of (e − μₓ)(e − μₓ)ᵀ + δ I
/// LiDAR = exp(−Σ pᵢ log pᵢ)      p = λ / Σ λ, eigenvalues λ of Σ_w^(−½) Σ_b Σ_w^(−½)
/// ```
/// Row `i` of every view is sample `i`. δ is 1e-4 in the paper, with 1,000 samples of 50 views. It is
/// not relative: features of norms far below 0.01 are compared with δ alone. Rotation changes
/// nothing, nor does the order of samples or views.
///
/// At most `4 dim²` values are held beside the views.
///
/// # Errors
/// If there are fewer than 2 views or 2 samples, views differ in shape, δ is not above 0, or all
/// samples have the same mean.
///
/// # Source
/// Thilak et al., 2024, [arXiv:2312.04000](https://arxiv.org/abs/2312.04000), section 4.
/// Deviation: eigenvalues of zero are skipped; the paper adds an epsilon of 1e-7 to every share.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, lidar};
///
/// // Four samples on a cross; both views are the same.
/// let view = Features::new(2, vec![1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0])?;
/// assert!((lidar(&[view.clone(), view], 1e-4)? - 2.0).abs() < 1e-9);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn lidar(views: &[Features], delta: f64) -> Result<f64, MetricError> {
    let [first, others @ ..] = views else {
        return Err(MetricError::Rows { rows: 0, least: 2 });
    };
    if others.is_empty() {
        return Err(MetricError::Setting { key: "views", range: "at least 2 of each sample" });
    }
    first.at_least(2)?;
    for other in others {
        first.same_width(other)?;
        first.paired_with(other)?;
    }
    if !(delta > 0.0 && delta.is_finite()) {
        return Err(MetricError::Setting { key: "delta", range: "above 0" });
    }
    let dim = first.dim();
    let between = between_samples(views);
    let whitening = inverse_root(&within_samples(views), dim, delta)?;
    let half = product(&whitening, &symmetric(between, dim), dim);
    let discriminants = product(&half, &transposed(&whitening, dim), dim);
    let values = eigenvalues(&discriminants, dim)?;
    effective_rank(values.iter().copied(), rounding_floor(&values))
        .ok_or(MetricError::Setting { key: "features", range: "different from sample to sample" })
}

/// Writes the mean over the views of a sample.
fn sample_mean(views: &[Features], sample: usize, out: &mut [f64]) {
    out.fill(0.0);
    for view in views {
        let row = view.row(sample).iter().map(|x| f64::from(*x) / views.len() as f64);
        out.iter_mut().zip(row).for_each(|(mean, x)| *mean += x);
    }
}

/// Returns the lower triangle of the mean of `(μₓ − μ)(μₓ − μ)ᵀ`.
fn between_samples(views: &[Features]) -> Vec<f64> {
    let (samples, dim) = (views[0].rows(), views[0].dim());
    let (mut mean, mut first, mut of_sample) = (vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]);
    sample_mean(views, 0, &mut first); // the mean of offsets is exact for equal samples
    for sample in 0..samples {
        sample_mean(views, sample, &mut of_sample);
        let offsets = of_sample.iter().zip(&first).map(|(x, first)| (x - first) / samples as f64);
        mean.iter_mut().zip(offsets).for_each(|(mean, offset)| *mean += offset);
    }
    let scale = (samples as f64).sqrt();
    column_gram(samples, dim, |sample, out| {
        sample_mean(views, sample, out);
        let centers = first.iter().zip(&mean);
        out.iter_mut().zip(centers).for_each(|(x, (f, m))| *x = ((*x - f) - m) / scale);
    })
}

/// Returns the lower triangle of the mean of `(e − μₓ)(e − μₓ)ᵀ`.
fn within_samples(views: &[Features]) -> Vec<f64> {
    let (samples, dim) = (views[0].rows(), views[0].dim());
    let rows = samples * views.len();
    let scale = (rows as f64).sqrt();
    column_gram(rows, dim, |index, out| {
        let (sample, view) = (index / views.len(), index % views.len());
        sample_mean(views, sample, out);
        let row = views[view].row(sample);
        out.iter_mut().zip(row).for_each(|(x, e)| *x = (f64::from(*e) - *x) / scale);
    })
}

/// Returns `diag(s + δ)^(−½) Uᵀ` of the matrix `U diag(s) Uᵀ`, whose lower triangle is given.
///
/// Eigenvalues below 0 are rounding and taken as 0.
fn inverse_root(lower: &[f64], dim: usize, delta: f64) -> Result<Vec<f64>, MetricError> {
    let decomposition = MatRef::from_row_major_slice(lower, dim, dim)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| MetricError::Eigenvalues)?;
    let (vectors, values) = (decomposition.U(), decomposition.S().column_vector());
    let entry = |i: usize, j: usize| vectors[(j, i)] / (values[i].max(0.0) + delta).sqrt();
    Ok((0..dim).flat_map(|i| (0..dim).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).collect())
}

/// Mirrors the lower triangle into the upper one.
fn symmetric(mut lower: Vec<f64>, dim: usize) -> Vec<f64> {
    for i in 0..dim {
        for j in 0..i {
            lower[j * dim + i] = lower[i * dim + j];
        }
    }
    lower
}

fn transposed(matrix: &[f64], dim: usize) -> Vec<f64> {
    (0..dim * dim).map(|index| matrix[index % dim * dim + index / dim]).collect()
}

fn product(left: &[f64], right: &[f64], dim: usize) -> Vec<f64> {
    let mut out = vec![0.0; dim * dim];
    let view = |data| MatRef::from_row_major_slice(data, dim, dim);
    let target = MatMut::from_row_major_slice_mut(&mut out, dim, dim);
    matmul(target, Accum::Replace, view(left), view(right), 1.0, Par::Seq);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views() -> Vec<Features> {
        let view = |phase: usize| {
            let data = (0..7 * 3).map(|i| ((i * i * 7 + i * phase) % 19) as f32 / 4.0 - 2.0);
            Features::new(3, data.collect()).unwrap()
        };
        (1..4).map(view).collect()
    }

    #[test]
    fn directions_that_views_disagree_on_count_less() {
        // Samples vary equally along both axes; views also vary along the second one.
        let view = |shift: f32| {
            let rows = [[1.0, shift], [-1.0, shift], [0.0, 1.0 + shift], [0.0, shift - 1.0]];
            Features::new(2, rows.concat()).unwrap()
        };
        // Σ_b = diag(½, ½), Σ_w = diag(0, 1) + δ I: λ₁ = ½ / δ, λ₂ = ½ / (1 + δ).
        let (delta, found) = (0.5_f64, lidar(&[view(1.0), view(-1.0)], 0.5).unwrap());
        let (first, second) = (0.5 / delta, 0.5 / (1.0 + delta));
        let p = first / (first + second);
        let want = (-p * p.ln() - (1.0 - p) * (1.0 - p).ln()).exp();
        assert!((found - want).abs() < 1e-9, "{found} is not {want}");
    }

    #[test]
    fn order_and_rotation_change_nothing() {
        let views = views();
        let want = lidar(&views, 1e-4).unwrap();
        let reversed: Vec<Features> =
            views.iter().rev().map(|view| view.select(&[6, 5, 4, 3, 2, 1, 0])).collect();
        assert!((lidar(&reversed, 1e-4).unwrap() - want).abs() < 1e-9);
        let (sin, cos) = (0.6_f32, 0.8_f32);
        let rotated = views.iter().map(|view| {
            let rows = view.as_slice().chunks(3);
            let turn = |r: &[f32]| [cos * r[0] - sin * r[2], r[1], sin * r[0] + cos * r[2]];
            Features::new(3, rows.flat_map(turn).collect()).unwrap()
        });
        assert!((lidar(&rotated.collect::<Vec<_>>(), 1e-4).unwrap() - want).abs() < 1e-4);
    }

    #[test]
    fn views_that_never_differ_and_huge_norms_have_a_rank() {
        for scale in [1e-3_f32, 1.0, 1e30] {
            let view = Features::new(3, vec![scale, 0.0, 0.0, 0.0, scale, 0.0, 0.0, 0.0, scale]);
            let view = view.unwrap();
            let found = lidar(&[view.clone(), view], 1e-4).unwrap();
            assert!((found - 2.0).abs() < 1e-6, "three centered samples span a plane: {found}");
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let view = Features::new(1, vec![1.0, 2.0]).unwrap();
        assert!(lidar(&[], 1e-4).is_err() && lidar(std::slice::from_ref(&view), 1e-4).is_err());
        let longer = Features::new(1, vec![1.0, 2.0, 3.0]).unwrap();
        let pairs = MetricError::Pairs { first: 2, second: 3 };
        assert_eq!(lidar(&[view.clone(), longer], 1e-4), Err(pairs));
        let wider = Features::new(2, vec![1.0; 4]).unwrap();
        let width = MetricError::Width { first: 1, second: 2 };
        assert_eq!(lidar(&[view.clone(), wider], 1e-4), Err(width));
        assert!(lidar(&[view.clone(), view], 0.0).is_err());
        let one = Features::new(1, vec![1.0]).unwrap();
        assert!(lidar(&[one.clone(), one], 1e-4).is_err());
        let same = Features::new(2, [0.1, 0.2].repeat(4)).unwrap();
        let error = lidar(&[same.clone(), same], 1e-4).unwrap_err();
        assert_eq!(error.to_string(), "`features` must be different from sample to sample");
    }
}
