//! SIGReg: along every direction the embeddings are distributed as a standard normal.

use burn::tensor::Tensor;
use selfsame_kernels::loss::{self, Knot};

use crate::ops::custom_gradient::custom_gradient;
use crate::random_slices::slice_count;

/// Settings of [`sigreg`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigRegLossConfig {
    /// Points, 2 or more, at which the characteristic functions are compared.
    pub knots: usize,
    /// The last of these points, above 0; the first is 0.
    pub t_max: f64,
}

impl Default for SigRegLossConfig {
    /// Returns 17 knots on `[0, 3]` (official code).
    fn default() -> Self {
        Self { knots: 17, t_max: 3.0 }
    }
}

/// Returns the distance of the embedding's distribution from the standard normal, by its
/// characteristic function.
///
/// ```text
/// loss = batch · mean over slices s of ∫ |φ_s(t) − e^(−t²/2)|² e^(−t²/2) dt over [−t_max, t_max]
/// φ_s(t) = mean over the batch of exp(i t · zᵀs)
/// ```
/// This is Epps and Pulley's test along random directions. The integral is the trapezoid rule on
/// `[0, t_max]`, doubled, as the integrand is even. The factor `batch` makes the value independent
/// of the batch size if the distribution is right. Rows are not normalized. Sines and cosines are
/// computed once and rotated from knot to knot, forward and backward, so that memory does not grow
/// with the number of knots.
///
/// # Shapes
/// - `embedding`: `[batch, dim]`
/// - `slices`: `[dim, slices]`, unit columns, new ones every step from
///   [`random_slices`](crate::random_slices); the official code has 1,024
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the slices do not fit, the embedding is empty, or a setting is out of range.
///
/// # Source
/// Balestriero & LeCun, 2025, [arXiv:2511.08544](https://arxiv.org/abs/2511.08544).
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use selfsame_losses::{SigRegLossConfig, random_slices, sigreg};
///
/// let device = Device::flex();
/// let slices = random_slices(2, 64, 0, 0, &device);
/// let cloud = [[1.0, 0.1], [-0.9, 0.3], [0.2, -1.1], [-0.4, 0.8], [0.5, 0.5], [-0.6, -0.7]];
/// let cloud = Tensor::<2>::from_floats(cloud, &device);
/// let loss = |z: Tensor<2>| {
///     sigreg(z, slices.clone(), &SigRegLossConfig::default()).into_scalar::<f32>()
/// };
/// assert!(loss(cloud.clone()) < loss(cloud * 1e-3));
/// ```
#[must_use]
#[track_caller]
pub fn sigreg(embedding: Tensor<2>, slices: Tensor<2>, config: &SigRegLossConfig) -> Tensor<1> {
    let SigRegLossConfig { knots, t_max } = *config;
    assert!(knots > 1, "sigreg needs 2 knots or more, got {knots}");
    assert!(t_max > 0.0, "sigreg needs a t_max above 0, got {t_max}");
    let dims = embedding.dims();
    assert!(dims[0] > 0, "sigreg needs rows, got {dims:?}");
    let count = slice_count("sigreg", dims, &slices);
    let projected = embedding.matmul(slices.inner());
    let gap = t_max / (knots - 1) as f64;
    // At t = 0 both functions are 1.
    let knots = (1..knots).map(|knot| {
        let t = gap * knot as f64;
        let normal = (-t * t / 2.0).exp();
        let trapezoid = if knot + 1 == knots { gap } else { 2.0 * gap };
        Knot { t, normal, weight: trapezoid * normal / count as f64 }
    });
    let knots: Vec<Knot> = knots.collect();
    if let Some(loss) = loss::characteristic_distance(&projected, gap, &knots) {
        return loss;
    }

    let step = projected.clone().inner() * gap;
    let step = Rotation { cos: step.clone().cos(), sin: step.sin() };
    let batch = dims[0] as f64;
    let mut value = Tensor::<1>::zeros([1], (&step.cos.device(), step.cos.dtype()));
    let mut misses = Vec::with_capacity(knots.len());
    let mut rotation = step.clone();
    for (index, knot) in knots.iter().enumerate() {
        if index > 0 {
            rotation = rotation.rotated(&step);
        }
        let cos = rotation.cos.clone().mean_dim(0) - knot.normal; // [1, slices]
        let sin = rotation.sin.clone().mean_dim(0);
        let miss = (cos.clone().square() + sin.clone().square()).sum();
        value = value + miss * (knot.weight * batch);
        misses.push((cos, sin));
    }
    custom_gradient(projected, value, || {
        let mut rotation = step.clone();
        let mut gradient = Tensor::zeros(step.cos.dims(), (&step.cos.device(), step.cos.dtype()));
        for (index, (knot, (cos, sin))) in knots.iter().zip(misses).enumerate() {
            if index > 0 {
                rotation = rotation.rotated(&step);
            }
            let slope = rotation.cos.clone() * sin - rotation.sin.clone() * cos;
            gradient = gradient + slope * (2.0 * knot.weight * knot.t);
        }
        gradient
    })
}

/// Angles by their cosine and sine.
#[derive(Clone)]
struct Rotation {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl Rotation {
    /// Adds the angles.
    fn rotated(self, by: &Self) -> Self {
        let cos = self.cos.clone() * by.cos.clone() - self.sin.clone() * by.sin.clone();
        let sin = self.sin * by.cos.clone() + self.cos * by.sin.clone();
        Self { cos, sin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use crate::ops::custom_gradient::to_f64_vec;
    use crate::random_slices;
    use burn::tensor::Device;

    const CONFIG: SigRegLossConfig = SigRegLossConfig { knots: 9, t_max: 2.5 };

    fn slices(dim: usize) -> Tensor<2> {
        random_slices(dim, 6, 3, 1, &Device::flex())
    }

    /// Both views are one batch.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let slices = slices(a.dims()[1]).cast(a.dtype());
        sigreg(Tensor::cat(vec![a, b], 0), slices, &CONFIG)
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let slices = to_f64_vec(slices(a[0].len()));
        let rows: Vec<&Vec<f64>> = a.iter().chain(b).collect();
        let count = rows.len() as f64;
        let mut total = 0.0;
        for s in 0..6 {
            let along = |row: &&Vec<f64>| -> f64 {
                row.iter().enumerate().map(|(i, x)| x * slices[i * 6 + s]).sum()
            };
            let p: Vec<f64> = rows.iter().map(along).collect();
            let miss = |t: f64| {
                let normal = (-t * t / 2.0).exp();
                let cos = p.iter().map(|p| (t * p).cos()).sum::<f64>() / count;
                let sin = p.iter().map(|p| (t * p).sin()).sum::<f64>() / count;
                ((cos - normal).powi(2) + sin * sin) * normal
            };
            let gap = 2.5 / 8.0;
            let trapezoids = (0..8).map(|k| {
                let t = gap * f64::from(k);
                gap * (miss(t) + miss(t + gap)) / 2.0
            });
            total += 2.0 * count * trapezoids.sum::<f64>() / 6.0;
        }
        total
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().symmetry().precision().extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let cloud = random_slices(3, 40, 5, 0, &Device::flex()).transpose() * 3.0_f64.sqrt();
        let loss = |z: Tensor<2>| sigreg(z, slices(3), &CONFIG).into_scalar::<f32>();
        assert!(loss(cloud.clone()) * 5.0 < loss(cloud * 0.01));
    }

    #[test]
    #[should_panic(expected = "[2, 6]")]
    fn slices_of_another_width_are_named() {
        let _ = sigreg(Tensor::ones([4, 3], &Device::flex()), slices(2), &CONFIG);
    }
}
