//! LeJEPA: views agree with the mean global view, and are distributed as a standard normal.

use burn::tensor::Tensor;

use crate::ops::moments::mean_square;
use crate::ops::shapes::{common_dims, mean_view};
use crate::random_slices::slice_count;
use crate::{SigRegLossConfig, ViewTerms, sigreg};

/// Settings of [`lejepa`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeJepaLossConfig {
    /// λ, in `[0, 1]`: the share of the regularizer.
    pub regularization: f64,
    /// The regularizer's own settings.
    pub sigreg: SigRegLossConfig,
}

impl Default for LeJepaLossConfig {
    /// Returns regularization 0.05 (official code; the paper tries 0.01 to 0.1).
    fn default() -> Self {
        Self { regularization: 0.05, sigreg: SigRegLossConfig::default() }
    }
}

/// Returns the weighted mean of SIGReg and of the views' squared distance to the mean global view.
///
/// ```text
/// loss = λ · mean over v of SIGReg(Zᵥ)  +  (1 − λ) · mean over v, batch, dim of (Zᵥ − Z̄)²
/// ```
/// `v` runs over all views, global and local; `Z̄` is the mean of the global views, which
/// also gets a gradient. The weights add up to 1; some peers leave the second term unweighted.
///
/// # Shapes
/// - `global`, `local`: `[batch, dim]` each, row `i` of all from the same image; `local` may be
///   empty
/// - `slices`: `[dim, slices]`, see [`sigreg`]
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If there is no global view, the shapes differ, or a setting is out of range.
///
/// # Source
/// Balestriero & LeCun, 2025, [arXiv:2511.08544](https://arxiv.org/abs/2511.08544).
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{LeJepaLossConfig, lejepa, random_slices, sigreg};
///
/// // If the views agree, only the regularizer is left.
/// let device = Device::flex();
/// let config = LeJepaLossConfig::default();
/// let (view, slices) = (Tensor::<2>::eye(3, &device), random_slices(3, 8, 0, 0, &device));
/// let loss = lejepa(&[view.clone()], &[view.clone()], slices.clone(), &config);
/// let rest = loss - sigreg(view, slices, &config.sigreg) * 0.05;
/// assert!(rest.into_scalar::<f32>().abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn lejepa(
    global: &[Tensor<2>],
    local: &[Tensor<2>],
    slices: Tensor<2>,
    config: &LeJepaLossConfig,
) -> Tensor<1> {
    lejepa_terms(global, local, slices, config).loss()
}

/// Returns the two terms of [`lejepa`], to log them or to weigh them anew.
///
/// # Shapes
/// - `global`, `local`: `[batch, dim]` each, row `i` of all from the same image; `local` may be
///   empty
/// - `slices`: `[dim, slices]`, see [`sigreg`]
///
/// # Panics
/// If there is no global view, the shapes differ, or a setting is out of range.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{LeJepaLossConfig, lejepa_terms, random_slices};
///
/// let device = Device::flex();
/// let (view, slices) = (Tensor::<2>::eye(3, &device), random_slices(3, 8, 0, 0, &device));
/// let terms = lejepa_terms(&[view.clone(), view], &[], slices, &LeJepaLossConfig::default());
/// assert_eq!(terms.invariance.into_scalar::<f32>(), 0.0);
/// assert!(terms.regularization.into_scalar::<f32>() > 0.0);
/// ```
#[must_use]
#[track_caller]
pub fn lejepa_terms(
    global: &[Tensor<2>],
    local: &[Tensor<2>],
    slices: Tensor<2>,
    config: &LeJepaLossConfig,
) -> ViewTerms {
    let share = config.regularization;
    assert!((0.0..=1.0).contains(&share), "lejepa needs a share in [0, 1], got {share}");
    let (views, invariance) = agreement("lejepa", global, local, &slices);
    let laws = views.into_iter().map(|view| sigreg(view, slices.clone(), &config.sigreg));
    ViewTerms {
        invariance: invariance * (1.0 - share),
        regularization: Tensor::cat(laws.collect(), 0).mean() * share,
    }
}

/// Returns all views, and their mean squared distance to the mean of the global ones.
#[track_caller]
pub(crate) fn agreement(
    name: &str,
    global: &[Tensor<2>],
    local: &[Tensor<2>],
    slices: &Tensor<2>,
) -> (Vec<Tensor<2>>, Tensor<1>) {
    assert!(!global.is_empty(), "{name} needs a global view");
    let views = [global, local].concat();
    let dims = common_dims(name, 1, &views);
    slice_count(name, dims, slices);
    let mean = mean_view(global);
    let apart = views.iter().map(|view| view.clone() - mean.clone()).collect();
    let invariance = mean_square(Tensor::stack::<3>(apart, 0));
    (views, invariance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{assert_close, finite_differences, laws, pair, value};
    use crate::random_slices;
    use burn::tensor::Device;

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let slices = random_slices(a.dims()[1], 5, 2, 0, &Device::flex()).cast(a.dtype());
        let config = LeJepaLossConfig { regularization: 0.3, ..LeJepaLossConfig::default() };
        let local = a.clone() - b.clone() * 0.5;
        lejepa(&[a, b], &[local], slices, &config)
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).permutation().extremes(1);
    }

    #[test]
    fn both_terms_have_their_weight() {
        let views = pair([[1., 0.], [0., 2.]], [[0., 1.], [3., 1.]]);
        let device = Device::flex();
        let tensor =
            |rows: [[f64; 2]; 2]| Tensor::<2>::from_data(rows, (&device, burn::tensor::DType::F64));
        let slices = random_slices(2, 5, 2, 0, &device).cast(burn::tensor::DType::F64);
        let all = [[[1., 0.], [0., 2.]], [[0., 1.], [3., 1.]], [[1., -0.5], [-1.5, 1.5]]];
        let config = SigRegLossConfig::default();
        let law = |rows| sigreg(tensor(rows), slices.clone(), &config).into_scalar::<f64>();
        let law = all.map(law).iter().sum::<f64>() / 3.0;
        // The mean of the global views is [[0.5, 0.5], [1.5, 1.5]].
        let invariance = (4.0 * 0.25 + 2.0 * (2.25 + 0.25) + 0.25 + 1.0 + 9.0) / 12.0;
        assert_close(value(loss, &views), 0.3 * law + 0.7 * invariance, 1e-12);
    }

    #[test]
    #[should_panic(expected = "[3, 2]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let slices = random_slices(2, 5, 2, 0, &device);
        let (global, local) = (Tensor::ones([2, 2], &device), Tensor::ones([3, 2], &device));
        let _ = lejepa(&[global], &[local], slices, &LeJepaLossConfig::default());
    }
}
