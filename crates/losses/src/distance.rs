//! Distances of rows.

use burn::tensor::Tensor;

use crate::ops::l2_normalize::l2_normalize;

/// A distance of two rows: the smaller, the more similar.
///
/// Squares and products beyond the type's range are limited to a trillionth of its largest value
/// (3e26 in single precision), so that no distance is infinite.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::Distance;
///
/// let device = Device::flex();
/// let (a, b) = ([[0.0, 3.0]], [[4.0, 0.0], [0.0, 3.0]]);
/// let (a, b) = (Tensor::from_floats(a, &device), Tensor::from_floats(b, &device));
/// let found = Distance::Euclidean.pairwise(a, b).into_data().try_to_vec::<f32>().unwrap();
/// assert!((found[0] - 5.0).abs() < 1e-5 && found[1] < 1e-2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// `1 − cos`, from 0 to 2; rows may have any length; a row of zeros is at distance 1 from all.
    Cosine,
    /// Length of the difference.
    Euclidean,
    /// Squared length of the difference.
    SquaredEuclidean,
    /// Sum of the absolute differences.
    Manhattan,
    /// Minus the inner product `q · k`; may be negative.
    InnerProduct,
    /// `var(q − k) / var(q)`, variances over the elements of a row: not symmetric.
    SignalToNoise,
}

impl Distance {
    /// Computes the distance of every query and every key.
    ///
    /// All but [`Manhattan`](Self::Manhattan), which needs memory for `queries · keys · dim`
    /// elements, are one matrix product; their rounding errors are relative to the longest rows.
    ///
    /// # Shapes
    /// - `queries`: `[queries, dim]`; `keys`: `[keys, dim]`
    /// - output: `[queries, keys]`
    ///
    /// # Panics
    /// If the rows differ in width.
    #[must_use]
    #[track_caller]
    pub fn pairwise(self, queries: Tensor<2>, keys: Tensor<2>) -> Tensor<2> {
        let (q, k) = (queries.dims(), keys.dims());
        assert_eq!(q[1], k[1], "distances need rows of one width, got {q:?} and {k:?}");
        self.of(queries, keys, &PAIRWISE)
    }

    /// Computes the distance of each query and the key in the same row.
    ///
    /// # Shapes
    /// - `queries`, `keys`: `[rows, dim]`
    /// - output: `[rows, 1]`
    ///
    /// # Panics
    /// If the shapes differ.
    #[must_use]
    #[track_caller]
    pub fn rowwise(self, queries: Tensor<2>, keys: Tensor<2>) -> Tensor<2> {
        assert_eq!(queries.dims(), keys.dims(), "distances of rows need one shape");
        self.of(queries, keys, &ROWWISE)
    }

    fn of(self, queries: Tensor<2>, keys: Tensor<2>, sums: &Sums) -> Tensor<2> {
        match self {
            Self::Cosine => {
                (-(sums.products)(l2_normalize(queries), l2_normalize(keys)) + 1.0).clamp_min(0.0)
            }
            Self::Manhattan => (sums.differences)(queries, keys),
            Self::InnerProduct => {
                let Scaled { q, k, square, .. } = Scaled::new(queries, keys);
                -(sums.products)(q, k) * square
            }
            Self::SquaredEuclidean => {
                let Scaled { q, k, square, .. } = Scaled::new(queries, keys);
                (sums.squares)(q, k) * square
            }
            Self::Euclidean => {
                let Scaled { q, k, scale, .. } = Scaled::new(queries, keys);
                root((sums.squares)(q, k)) * scale
            }
            Self::SignalToNoise => {
                let Scaled { q, k, .. } = Scaled::new(center_rows(queries), center_rows(keys));
                (sums.squares)(q.clone(), k) / signal(q)
            }
        }
    }
}

/// The sums over the elements of a query and a key that distances are computed from.
struct Sums {
    /// The sum of their products.
    products: fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
    /// The sum of the squares of their differences.
    squares: fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
    /// The sum of the absolute values of their differences.
    differences: fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
}

/// Sums for every query and every key.
const PAIRWISE: Sums = Sums {
    products: |q, k| q.matmul(k.transpose()),
    squares,
    differences: |q, k| {
        let (q, k) = (q.unsqueeze_dim::<3>(1), k.unsqueeze_dim::<3>(0));
        (q - k).abs().sum_dim(2).squeeze_dim(2)
    },
};

/// Sums for every query and the key in the same row.
const ROWWISE: Sums = Sums {
    products: |q, k| (q * k).sum_dim(1),
    squares: |q, k| (q - k).square().sum_dim(1),
    differences: |q, k| (q - k).abs().sum_dim(1),
};

/// Rows scaled so that their squares neither overflow nor vanish.
struct Scaled {
    q: Tensor<2>,
    k: Tensor<2>,
    /// The divisor of both, a constant.
    scale: Tensor<2>,
    /// Its square, limited to the type's range.
    square: Tensor<2>,
}

impl Scaled {
    fn new(q: Tensor<2>, k: Tensor<2>) -> Self {
        let end = q.dtype().finfo().map_or(1e38, |info| info.max);
        let largest = |x: &Tensor<2>| x.clone().inner().abs().max();
        let scale = Tensor::cat(vec![largest(&q), largest(&k)], 0).max();
        let zero = scale.clone().equal_elem(0.0);
        let scale = scale.mask_fill(zero, 1.0).reshape([1, 1]);
        let square = scale.clone().clamp_max((end * 1e-12).sqrt()).square();
        Self { q: q / scale.clone(), k: k / scale.clone(), scale, square }
    }
}

/// `‖q‖² + ‖k‖² − 2 q·k`, not below 0.
fn squares(q: Tensor<2>, k: Tensor<2>) -> Tensor<2> {
    let lengths = |x: &Tensor<2>| x.clone().square().sum_dim(1);
    let both = lengths(&q) + lengths(&k).transpose();
    (both - q.matmul(k.transpose()) * 2.0).clamp_min(0.0)
}

/// Square root whose slope at 0 is 0.
pub(crate) fn root(squares: Tensor<2>) -> Tensor<2> {
    let zero = squares.clone().equal_elem(0.0);
    squares.mask_fill(zero.clone(), 1.0).sqrt().mask_fill(zero, 0.0)
}

fn center_rows(rows: Tensor<2>) -> Tensor<2> {
    rows.clone() - rows.mean_dim(1)
}

/// Squared length of each centered query; just above 0 for a constant one.
fn signal(q: Tensor<2>) -> Tensor<2> {
    q.square().sum_dim(1).clamp_min(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;
    use burn::tensor::Device;

    fn rows<const R: usize, const C: usize>(rows: [[f32; C]; R]) -> Tensor<2> {
        Tensor::from_floats(rows, &Device::flex())
    }

    fn close(found: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(found.len(), want.len());
        let off = found.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off <= tolerance, "{found:?} is not {want:?}");
    }

    #[test]
    fn inner_products_and_cosines() {
        let ones = || rows([[1.0; 3]; 2]);
        close(&to_f64_vec(Distance::InnerProduct.pairwise(ones(), ones())), &[-3.0; 4], 1e-6);
        let (a, b) = (l2_normalize(rows([[0.1, 0.3, 0.2]])), l2_normalize(rows([[0.0, 0.1, 0.5]])));
        let inner = Distance::InnerProduct.pairwise(a.clone(), b.clone());
        close(&to_f64_vec(inner), &[-0.681_385_16], 1e-6);
        close(&to_f64_vec(Distance::Cosine.pairwise(a.clone(), b)), &[0.318_614_84], 1e-6);
        close(&to_f64_vec(Distance::Cosine.pairwise(a.clone(), a)), &[0.0], 1e-6);
    }

    #[test]
    fn euclidean_and_manhattan_tables() {
        let corners = rows([[0.0, 3.0], [4.0, 0.0]]);
        let found = to_f64_vec(Distance::Euclidean.pairwise(corners.clone(), corners.clone()));
        close(&found, &[0.0, 5.0, 5.0, 0.0], 2e-3);
        let found = to_f64_vec(Distance::SquaredEuclidean.pairwise(corners.clone(), corners));
        close(&found, &[0.0, 25.0, 25.0, 0.0], 1e-5);
        let points = rows([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [3.0, 0.0]]);
        let found = to_f64_vec(Distance::Manhattan.pairwise(points.clone(), points));
        let want = [0., 1., 2., 3., 1., 0., 1., 4., 2., 1., 0., 3., 3., 4., 3., 0.];
        close(&found, &want, 1e-6);
    }

    #[test]
    fn signal_to_noise_is_the_loop_and_not_symmetric() {
        let (q, k) = ([[1.0_f32, 2.0, 4.0], [0.0, -1.0, 5.0]], [[2.0_f32, 2.5, -1.0]]);
        let variance = |x: Vec<f64>| {
            let mean = x.iter().sum::<f64>() / 3.0;
            x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0
        };
        let want = q.map(|q| {
            let noise = q.iter().zip(k[0]).map(|(q, k)| f64::from(q - k)).collect();
            variance(noise) / variance(q.map(f64::from).to_vec())
        });
        close(&to_f64_vec(Distance::SignalToNoise.pairwise(rows(q), rows(k))), &want, 1e-5);
        let back = to_f64_vec(Distance::SignalToNoise.pairwise(rows(k), rows(q)));
        assert!((back[0] - want[0]).abs() > 0.1);
    }

    #[test]
    fn row_by_row_is_the_diagonal_of_all_pairs_at_any_size() {
        use Distance::{
            Cosine, Euclidean, InnerProduct, Manhattan, SignalToNoise, SquaredEuclidean,
        };
        let (q, k) = ([[1.0, 2.0, -0.5], [0.3, -1.0, 2.0]], [[0.2, 1.5, 0.1], [2.0, -0.4, 1.0]]);
        for distance in
            [Cosine, Euclidean, SquaredEuclidean, Manhattan, InnerProduct, SignalToNoise]
        {
            let pairs = to_f64_vec(distance.pairwise(rows(q), rows(k)));
            let beside = to_f64_vec(distance.rowwise(rows(q), rows(k)));
            close(&beside, &[pairs[0], pairs[3]], 1e-5);
            for size in [0.0, 1e-20, 1e20] {
                let (q, k) = (rows(q) * size, rows(k) * size);
                let all = [distance.pairwise(q.clone(), k.clone()), distance.rowwise(q, k)];
                assert!(all.into_iter().flat_map(to_f64_vec).all(f64::is_finite), "{distance:?}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "[1, 2]")]
    fn widths_that_differ_are_named() {
        let _ = Distance::Cosine.pairwise(rows([[1.0; 3]]), rows([[1.0; 2]]));
    }
}
