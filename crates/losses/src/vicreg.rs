//! VICReg: agree, keep every feature's variance, and make features unlike each other.

use burn::tensor::Tensor;

use crate::ops::gram::self_squares;
use crate::ops::moments::{bounded, center_columns, variance_hinge};
use crate::ops::shapes::common_dims;

/// The combination of the two views' variance terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarianceTerm {
    /// Their mean, as in the official code.
    Mean,
    /// Their sum, as in the paper's eq. 6: twice the weight.
    Sum,
}

/// Settings of [`vicreg`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VicregLossConfig {
    /// λ, the weight of the views' distance.
    pub invariance: f64,
    /// μ, the weight of the variance term.
    pub variance: f64,
    /// ν, the weight of the covariance term.
    pub covariance: f64,
    /// Added to every feature's variance before the square root.
    pub epsilon: f64,
    /// Whether the variance terms of the views are averaged or added.
    pub variance_term: VarianceTerm,
}

impl Default for VicregLossConfig {
    /// Returns λ 25, μ 25, ν 1, epsilon 1e-4, variance averaged over the views (official code).
    fn default() -> Self {
        Self {
            invariance: 25.0,
            variance: 25.0,
            covariance: 1.0,
            epsilon: 1e-4,
            variance_term: VarianceTerm::Mean,
        }
    }
}

/// Returns the distance of two views, a hinge on every feature's deviation, and the features'
/// covariances.
///
/// ```text
/// loss = λ mean (aᵢₖ − bᵢₖ)²  +  μ ½ (V(A) + V(B))  +  ν (C(A) + C(B))
/// V(X) = mean over k of max(0, 1 − √(varₖ + ε))        C(X) = Σₖ Σₗ≠ₖ covₖₗ² / dim
/// ```
/// Variances and covariances are unbiased. The ½ is omitted for [`VarianceTerm::Sum`]. With fewer
/// rows than features the sum of squared covariances is computed from the inner products of rows,
/// which gives the same value. Where a hinge is exactly 0 its slope is
/// that below it, as for `torch.clamp`; that of `torch.relu` is 0.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, not normalized
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or `batch < 2`.
///
/// # Source
/// Bardes et al., 2021, [arXiv:2105.04906](https://arxiv.org/abs/2105.04906), eq. 1 to 6.
/// Deviation: a view with entries beyond 1e8 is scaled down to them, as their fourth powers are
/// infinite.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VicregLossConfig, vicreg};
///
/// // Views agree, features are uncorrelated, and their deviation is √(4/3) > 1: the loss is 0.
/// let view = [[1., 1.], [1., -1.], [-1., 1.], [-1., -1.]];
/// let view = Tensor::<2>::from_floats(view, &Device::flex());
/// let loss = vicreg(view.clone(), view, &VicregLossConfig::default());
/// assert!(loss.into_scalar::<f32>().abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn vicreg(view_a: Tensor<2>, view_b: Tensor<2>, config: &VicregLossConfig) -> Tensor<1> {
    vicreg_terms(view_a, view_b, config).loss()
}

/// The three terms of [`vicreg`] or [`vibcreg`](crate::vibcreg()), each `[1]` and weighted, so that
/// they add up to the loss.
#[derive(Clone, Debug)]
pub struct VicregTerms {
    /// λ times the distance of the views.
    pub invariance: Tensor<1>,
    /// μ times the variance term of both views.
    pub variance: Tensor<1>,
    /// ν times the covariance term of both views; VIbCReg's correlation term.
    pub covariance: Tensor<1>,
}

impl VicregTerms {
    /// Returns the sum of the terms, which is the loss.
    #[must_use]
    pub fn loss(&self) -> Tensor<1> {
        self.invariance.clone() + self.variance.clone() + self.covariance.clone()
    }
}

/// Returns the three terms of [`vicreg`], to log them or to weigh them anew.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, not normalized
///
/// # Panics
/// If the shapes differ or are empty, or `batch < 2`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VicregLossConfig, vicreg, vicreg_terms};
///
/// let config = VicregLossConfig::default();
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let terms = vicreg_terms(view.clone(), view.clone() * 2.0, &config);
/// let loss = vicreg(view.clone(), view * 2.0, &config).into_scalar::<f32>();
/// assert_eq!(terms.loss().into_scalar::<f32>(), loss);
/// ```
#[must_use]
#[track_caller]
pub fn vicreg_terms(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    config: &VicregLossConfig,
) -> VicregTerms {
    vicreg_views_terms(&[view_a, view_b], &[], config)
}

/// Returns the three terms of [`vicreg`] for two views or more: every pair with a global view is to
/// agree, and all views are to vary.
///
/// ```text
/// loss = λ mean over pairs of mean (zᵥᵢₖ − zᵤᵢₖ)²  +  μ mean over v of V(Zᵥ)  +  2 ν mean over v of C(Zᵥ)
/// ```
/// Pairs have a global view or two; `v` runs over all views. For two global views it is [`vicreg`].
///
/// # Shapes
/// - `global`, `local`: `[batch, dim]` each, row `i` of all from the same image; `local` may be empty
///
/// # Panics
/// If there is no global view, there are fewer than 2 views, the shapes differ or are empty, or
/// `batch < 2`.
///
/// # Source
/// Ours: the views of SwAV, Caron et al., 2020, [arXiv:2006.09882](https://arxiv.org/abs/2006.09882),
/// with VICReg's terms.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{VicregLossConfig, vicreg_views_terms};
///
/// let config = VicregLossConfig::default();
/// let view = Tensor::<2>::eye(3, &Device::flex());
/// let terms = vicreg_views_terms(&[view.clone()], &[view.clone(), view], &config);
/// assert_eq!(terms.invariance.into_scalar::<f32>(), 0.0);
/// ```
#[must_use]
#[track_caller]
pub fn vicreg_views_terms(
    global: &[Tensor<2>],
    local: &[Tensor<2>],
    config: &VicregLossConfig,
) -> VicregTerms {
    assert!(!global.is_empty(), "vicreg needs a global view");
    let views = [global, local].concat();
    let [batch, dim] = common_dims("vicreg", 2, &views);
    assert!(batch > 1, "vicreg takes variances over the batch: it needs 2 rows or more");
    let views: Vec<Tensor<2>> = views.into_iter().map(bounded).collect();
    let mean = |terms: Vec<Tensor<1>>| Tensor::cat(terms, 0).mean();
    let pairs = (0..global.len()).flat_map(|one| (one + 1..views.len()).map(move |two| (one, two)));
    let apart = |(one, two): (usize, usize)| {
        (views[one].clone() - views[two].clone()).square().mean() * config.invariance
    };
    let of_variance = match config.variance_term {
        VarianceTerm::Mean => config.variance,
        VarianceTerm::Sum => config.variance * 2.0,
    };
    let of_covariance = config.covariance * 2.0 / ((batch - 1) as f64).powi(2) / dim as f64;
    let (mut variances, mut covariances) = (Vec::new(), Vec::new());
    for view in &views {
        let x = center_columns(view.clone());
        let squares = x.clone().square().sum_dim(0);
        let off_diagonal = self_squares(x) - squares.clone().square().sum();
        variances.push(variance_hinge(squares, batch, config.epsilon));
        covariances.push(off_diagonal);
    }
    VicregTerms {
        invariance: mean(pairs.map(apart).collect()),
        variance: mean(variances) * of_variance,
        covariance: mean(covariances) * of_covariance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, column, finite_differences, laws, mean, value};

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        vicreg(a, b, &VicregLossConfig::default())
    }

    fn summed(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let config =
            VicregLossConfig { variance_term: VarianceTerm::Sum, ..VicregLossConfig::default() };
        vicreg(a, b, &config)
    }

    /// The formula, term by term.
    fn naive(pair: &Pair, of_variance: f64) -> f64 {
        let (rows, dim) = (pair.a.len(), pair.a[0].len());
        let covariance = |x: &[Vec<f64>], i: usize, j: usize| {
            let (x, y) = (column(x, i), column(x, j));
            let (at_x, at_y) = (mean(x.clone()), mean(y.clone()));
            let products = x.iter().zip(&y).map(|(x, y)| (x - at_x) * (y - at_y));
            products.sum::<f64>() / (rows - 1) as f64
        };
        let term = |x: &[Vec<f64>]| {
            let hinge = |i| (1.0 - (covariance(x, i, i) + 1e-4).sqrt()).max(0.0);
            let pairs = (0..dim).flat_map(|i| (0..dim).map(move |j| (i, j)));
            let off = pairs.filter(|(i, j)| i != j).map(|(i, j)| covariance(x, i, j).powi(2));
            of_variance * mean((0..dim).map(hinge)) + off.sum::<f64>() / dim as f64
        };
        let (a, b) = (pair.a.concat(), pair.b.concat());
        let distance = mean(a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)));
        25.0 * distance + term(&pair.a) + term(&pair.b)
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::rows(2)) {
            assert_close(value(loss, &pair), naive(&pair, 12.5), 1e-10);
            assert_close(value(summed, &pair), naive(&pair, 25.0), 1e-10);
        }
    }

    /// Two global views and one local.
    fn three(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let local = a.clone() * 0.5 - b.clone();
        vicreg_views_terms(&[a, b], &[local], &VicregLossConfig::default()).loss()
    }

    #[test]
    fn locals_are_drawn_to_globals_and_all_views_are_regularized() {
        let of = |a: Tensor<2>, b: Tensor<2>| {
            let config = VicregLossConfig::default();
            let local = a.clone() * 0.5 - b.clone();
            let terms = |a: &Tensor<2>, b: &Tensor<2>| vicreg_terms(a.clone(), b.clone(), &config);
            let pairs = [terms(&a, &b), terms(&a, &local), terms(&b, &local)];
            let sum = pairs.into_iter().map(|terms| terms.loss()).reduce(|a, b| a + b);
            sum.expect("three pairs") / 3.0
        };
        let views =
            crate::laws::pair([[1., 2.], [3., 1.], [0., -1.]], [[2., 0.], [1., 1.], [1., 2.]]);
        assert_close(value(three, &views), value(of, &views), 1e-12);
        // Locals are not drawn to each other.
        let local = |a: Tensor<2>, b: Tensor<2>| {
            let terms = vicreg_views_terms(
                std::slice::from_ref(&a),
                &[b.clone(), b * -1.0],
                &VicregLossConfig::default(),
            );
            terms.invariance - (a.clone().square().mean() * 25.0)
        };
        let want = |_: Tensor<2>, b: Tensor<2>| b.square().mean() * 25.0;
        assert_close(value(local, &views), value(want, &views), 1e-12);
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(three);
        laws(three).permutation().precision().extremes(2);
        for loss in [loss, summed] {
            finite_differences(loss);
            laws(loss).permutation().symmetry().precision().shapes().extremes(2).collapse();
        }
    }

    /// λ (a − b)² counts the scale of the views: unlike cosines, this loss depends on it.
    #[test]
    fn the_scale_of_the_views_matters() {
        let views = crate::laws::pair([[1., 2.], [3., 1.]], [[2., 0.], [1., 1.]]);
        let half = crate::laws::pair([[0.5, 1.], [1.5, 0.5]], [[1., 0.], [0.5, 0.5]]);
        assert!((value(loss, &views) - value(loss, &half)).abs() > 1.0);
    }
    /// A deviation of exactly 1.
    #[test]
    fn the_slope_at_the_hinge_itself_is_that_below_it() {
        use crate::laws::gradients;
        use burn::tensor::DType;
        let hinge: crate::laws::Loss = |a, b| {
            let config = VicregLossConfig {
                invariance: 0.0,
                variance: 1.0,
                covariance: 0.0,
                epsilon: 0.0,
                variance_term: VarianceTerm::Sum,
            };
            vicreg(a, b, &config)
        };
        let view = [[1.0], [0.0], [-1.0]];
        let pair = crate::laws::pair(view, view);
        assert_eq!(value(hinge, &pair), 0.0);
        // −x / (2 deviation) for 3 rows.
        assert_eq!(gradients(hinge, &pair, DType::F64)[0], [-0.5, 0.0, 0.5]);
    }
}
