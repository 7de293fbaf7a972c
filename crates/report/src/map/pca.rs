//! Principal component analysis: the two directions along which features vary most.

use faer::{Mat, Side};
use selfsame_metrics::{Features, MetricError};

/// Coordinates of every row along the two directions of largest variance.
pub(super) struct Pca {
    /// `[x, y]` of each row; their means are 0.
    pub(super) points: Vec<[f64; 2]>,
    /// Shares of the variance that the directions hold, 0 to 1; 0 if all rows are equal.
    pub(super) explained: [f64; 2],
}

/// Projects centered rows on the two leading eigenvectors of their covariance.
///
/// Exact: the eigenvectors of `XᵀX`, or of `XXᵀ` where that is smaller. The largest element of a
/// direction is positive, which fixes its sign.
pub(super) fn pca(features: &Features) -> Result<Pca, MetricError> {
    let (rows, dim) = (features.rows(), features.dim());
    if rows < 2 {
        return Err(MetricError::Rows { rows, least: 2 });
    }
    let centered = centered(features);
    let total = centered.squared_norm_l2();
    let wide = dim > rows;
    let gram =
        if wide { &centered * centered.transpose() } else { centered.transpose() * &centered };
    let eigen = gram.self_adjoint_eigen(Side::Lower);
    let eigen = eigen.map_err(|_| MetricError::NotFinite { row: 0 })?;
    let mut points = vec![[0.0; 2]; rows];
    let mut explained = [0.0; 2];
    for axis in 0..2.min(gram.nrows()) {
        // Eigenvalues ascend.
        let column = gram.nrows() - 1 - axis;
        let value = eigen.S()[column].max(0.0);
        // Below this, a direction is rounding.
        if value <= total * 1e-14 {
            continue;
        }
        let vector = eigen.U().col(column);
        let direction = if wide { centered.transpose() * vector } else { vector.to_owned() };
        let norm = direction.norm_l2();
        let largest = direction.iter().fold(0.0_f64, |a, b| if b.abs() > a.abs() { *b } else { a });
        let scale = largest.signum() / norm;
        let scores = &centered * &direction;
        for (point, score) in points.iter_mut().zip(scores.iter()) {
            point[axis] = score * scale;
        }
        explained[axis] = value / total;
    }
    Ok(Pca { points, explained })
}

fn centered(features: &Features) -> Mat<f64> {
    let (rows, dim) = (features.rows(), features.dim());
    let mut mean = vec![0.0; dim];
    for row in features.as_slice().chunks(dim) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x));
    }
    for mean in &mut mean {
        *mean /= rows as f64;
    }
    Mat::from_fn(rows, dim, |row, column| f64::from(features.row(row)[column]) - mean[column])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(dim: usize, data: &[f32]) -> Features {
        Features::new(dim, data.to_vec()).unwrap()
    }

    #[test]
    fn a_line_is_laid_along_the_first_axis() {
        // Three points on the line (3, 4) t, with t = -1, 0, 1: distances of 5.
        let pca = pca(&features(2, &[-3.0, -4.0, 0.0, 0.0, 3.0, 4.0])).unwrap();
        for (point, x) in pca.points.iter().zip([-5.0, 0.0, 5.0]) {
            assert!((point[0] - x).abs() < 1e-12 && point[1].abs() < 1e-12, "{point:?}");
        }
        assert!((pca.explained[0] - 1.0).abs() < 1e-12 && pca.explained[1] < 1e-12);
    }

    #[test]
    fn wide_and_narrow_features_take_different_ways_to_the_same_points() {
        // Four rows; padding with zeros makes them wide without moving them.
        let narrow = [1.0, 2.0, 0.5, -1.0, 3.0, 0.2, 2.0, -1.0, 1.5, 0.0, 0.7, -2.0];
        let mut wide = Vec::new();
        for row in narrow.chunks(3) {
            wide.extend_from_slice(row);
            wide.extend([0.0; 5]);
        }
        let (narrow, wide) =
            (pca(&features(3, &narrow)).unwrap(), pca(&features(8, &wide)).unwrap());
        for (a, b) in narrow.points.iter().zip(&wide.points) {
            assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9, "{a:?} {b:?}");
        }
    }

    #[test]
    fn equal_rows_and_a_single_dimension_have_no_second_axis() {
        let equal = pca(&features(2, &[1.0; 6])).unwrap();
        assert_eq!((equal.points, equal.explained), (vec![[0.0; 2]; 3], [0.0; 2]));
        let line = pca(&features(1, &[1.0, 3.0])).unwrap();
        assert_eq!(line.points, [[-1.0, 0.0], [1.0, 0.0]]);
        assert!(pca(&features(1, &[1.0])).is_err());
    }
}
