//! MSN: masked views are assigned to the prototypes of the whole image, and all prototypes are
//! used.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use crate::ops::cross_view_entropy::{cross_entropy, probabilities, softmax_gradient};
use crate::ops::custom_gradient::{constant, custom_gradient};
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::shapes::{common_dims, sum};
use crate::sinkhorn;

/// The expected share of each prototype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MsnPrior {
    /// The same for all (MSN).
    Uniform,
    /// In proportion to `k^−exponent` for prototype `k`, from 1, for data with rare classes (PMSN;
    /// its exponent is 0.25).
    PowerLaw {
        /// 0 is uniform.
        exponent: f64,
    },
}

/// Settings of [`msn`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MsnLossConfig {
    /// τ, above 0, of anchors and targets.
    pub temperature: f64,
    /// T, above 0: targets are sharpened to the power `1/T`.
    pub sharpening: f64,
    /// Rounds of [`sinkhorn`] on the targets; 0 for none.
    pub iterations: usize,
    /// λ, ≥ 0, the weight of the prior.
    pub regularization: f64,
    /// The expected use of the prototypes.
    pub prior: MsnPrior,
}

impl Default for MsnLossConfig {
    /// Returns temperature 0.1, sharpening 0.25, 3 rounds, regularization 1, uniform prior
    /// (official code).
    fn default() -> Self {
        Self {
            temperature: 0.1,
            sharpening: 0.25,
            iterations: 3,
            regularization: 1.0,
            prior: MsnPrior::Uniform,
        }
    }
}

/// Returns the cross-entropy of the anchors' prototypes with the target's, plus the divergence of
/// their use from the prior.
///
/// ```text
/// p = softmax(cos(anchor, prototypes)/τ)     q = softmax(cos(target, prototypes)/(τT)), then Sinkhorn
/// loss = mean over anchors and batch of −Σₖ qₖ log pₖ  +  λ Σₖ p̄ₖ log(p̄ₖ/πₖ)
/// ```
/// `p̄` is the mean of `p` over all anchors, `π` the prior; with the uniform prior the second term
/// is `log K − H(p̄)`, MSN's mean-entropy maximization. All rows are made unit length. Targets are
/// constants; the prototypes learn from the anchors alone.
///
/// # Shapes
/// - `anchors`: 1 or more views of `[batch, dim]`, row `i` of all from the same image
/// - `target`: `[batch, dim]`, by the momentum network
/// - `prototypes`: `[prototypes, dim]`
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or a setting is out of range.
///
/// # Source
/// Assran et al., 2022, [arXiv:2204.07141](https://arxiv.org/abs/2204.07141), section 3; the power
/// law: Assran et al., 2022, [arXiv:2210.07277](https://arxiv.org/abs/2210.07277).
/// Deviation: the divergence is `KL(p̄‖π)` for every prior, so that an exponent of 0 is MSN
/// exactly; lightly's PMSN has `KL(π‖p̄)`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{MsnLossConfig, msn};
///
/// let prototypes = Tensor::<2>::eye(3, &Device::flex());
/// let loss = |anchor: Tensor<2>| {
///     let config = MsnLossConfig::default();
///     msn(&[anchor], prototypes.clone(), prototypes.clone(), &config).into_scalar::<f32>()
/// };
/// assert!(loss(prototypes.clone()) < 0.01 && loss(prototypes.clone().flip([0])) > 1.0);
/// ```
#[must_use]
#[track_caller]
pub fn msn(
    anchors: &[Tensor<2>],
    target: Tensor<2>,
    prototypes: Tensor<2>,
    config: &MsnLossConfig,
) -> Tensor<1> {
    let MsnLossConfig { temperature, sharpening, iterations, regularization, prior } = *config;
    assert!(temperature > 0.0, "msn needs a temperature above 0, got {temperature}");
    assert!(sharpening > 0.0, "msn needs a sharpening above 0, got {sharpening}");
    let [batch, dim] = common_dims("msn", 1, anchors);
    assert_eq!([batch, dim], target.dims(), "msn needs a target of the anchors' shape");
    let [count, columns] = prototypes.dims();
    assert!(
        columns == dim && count > 0,
        "msn got prototypes of shape {:?} for views of {:?}",
        [count, columns],
        [batch, dim]
    );
    let prototypes = l2_normalize(prototypes).transpose();
    let logits = l2_normalize(target.inner()).matmul(prototypes.clone().inner());
    let codes = match iterations {
        0 => probabilities(logits, None, temperature * sharpening),
        rounds => sinkhorn(log_softmax(logits / (temperature * sharpening), 1), 1.0, rounds),
    };
    let codes = [codes];
    let scores = |anchor: &Tensor<2>| l2_normalize(anchor.clone()).matmul(prototypes.clone());
    let scores: Vec<Tensor<2>> = anchors.iter().map(scores).collect();
    let total = (anchors.len() * batch) as f64;
    let terms =
        scores.iter().map(|scores| cross_entropy(&codes, scores.clone(), temperature) / total);
    let wanted = constant(prior.log_probabilities(count), [1, count], &scores[0]);
    let apart = divergence(&scores, &wanted, temperature) * regularization;
    sum(terms).map_or(apart.clone(), |entropy| entropy + apart)
}

/// `Σₖ p̄ₖ (log p̄ₖ − wantedₖ)`, `p̄` the mean over all rows of `softmax(scores/τ)`.
fn divergence(scores: &[Tensor<2>], wanted: &Tensor<2>, temperature: f64) -> Tensor<1> {
    let shares = |scores: &Tensor<2>| probabilities(scores.clone(), None, temperature);
    let shares: Vec<Tensor<2>> = scores.iter().map(shares).collect();
    let rows = scores.iter().map(|scores| scores.dims()[0]).sum::<usize>() as f64;
    let uses = shares.iter().map(|shares| shares.clone().sum_dim(0));
    let use_of = sum(uses).unwrap_or_else(|| wanted.zeros_like()) / rows; // [1, count]
    // A prototype that is never used adds nothing.
    let surprise = use_of.clone().clamp_min(1e-37).log() - wanted.clone();
    let value = (surprise.clone() * use_of).sum();
    // The derivative with respect to p̄ is the surprise plus 1; the softmax cancels the 1.
    let scale = (rows * temperature).recip();
    let slope = |shares: &Tensor<2>| softmax_gradient(shares, surprise.clone(), scale);
    let parts = scores.iter().zip(&shares).enumerate().map(|(view, (scores, shares))| {
        // One of them carries the value.
        let value = if view == 0 { value.clone() } else { value.zeros_like() };
        custom_gradient(scores.clone(), value, || slope(shares))
    });
    sum(parts).unwrap_or(value)
}

impl MsnPrior {
    /// Returns the logarithms of `count` probabilities.
    fn log_probabilities(self, count: usize) -> Vec<f64> {
        let exponent = match self {
            Self::Uniform => 0.0,
            Self::PowerLaw { exponent } => exponent,
        };
        let logs: Vec<f64> = (1..=count).map(|k| -exponent * (k as f64).ln()).collect();
        let total = logs.iter().map(|log| log.exp()).sum::<f64>().ln();
        logs.into_iter().map(|log| log - total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, pair, value};
    use crate::sinkhorn::naive as codes;
    use burn::tensor::Device;

    const CONFIG: MsnLossConfig = MsnLossConfig {
        temperature: 0.3,
        sharpening: 0.5,
        iterations: 2,
        regularization: 0.7,
        prior: MsnPrior::PowerLaw { exponent: 0.25 },
    };

    fn prototype(k: usize, j: usize) -> f64 {
        (1.0 + 3.0 * k as f64 + j as f64).sin()
    }

    fn prototypes(like: &Tensor<2>) -> Tensor<2> {
        let dim = like.dims()[1];
        let values = (0..4).flat_map(|k| (0..dim).map(move |j| prototype(k, j))).collect();
        constant(values, [4, dim], like)
    }

    /// Two anchors, the target is the first of them.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let prototypes = prototypes(&a);
        msn(&[a.clone(), b], a, prototypes, &CONFIG)
    }

    /// The loss with a fixed target, so that only the anchors vary.
    fn anchors(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let prototypes = prototypes(&a);
        msn(&[a, b], prototypes.clone(), prototypes, &CONFIG)
    }

    fn cosines(row: &[f64]) -> Vec<f64> {
        let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let one = |k: usize| {
            let prototype: Vec<f64> = (0..row.len()).map(|j| prototype(k, j)).collect();
            let dot = row.iter().zip(&prototype).map(|(x, y)| x * y).sum::<f64>();
            dot / length(row) / length(&prototype)
        };
        (0..4).map(one).collect()
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let probabilities = |row: &Vec<f64>, power: f64| {
            let likely: Vec<f64> = cosines(row).iter().map(|s| (s / 0.3 * power).exp()).collect();
            let total: f64 = likely.iter().sum();
            likely.into_iter().map(|p| p / total).collect::<Vec<_>>()
        };
        let sharp = |row| probabilities(row, 2.0).iter().map(|p| p.ln()).collect();
        let q = codes(&a.iter().map(sharp).collect::<Vec<_>>(), 1.0, 2);
        let count = (2 * a.len()) as f64;
        let (mut entropy, mut mean) = (0.0, vec![0.0; 4]);
        for view in [a, b] {
            for (row, q) in view.iter().zip(&q) {
                let p = probabilities(row, 1.0);
                entropy -= q.iter().zip(&p).map(|(q, p)| q * p.ln()).sum::<f64>() / count;
                mean.iter_mut().zip(p).for_each(|(mean, p)| *mean += p / count);
            }
        }
        let law: Vec<f64> = (1..5).map(|k| f64::from(k).powf(-0.25)).collect();
        let total: f64 = law.iter().sum();
        let apart = mean.iter().zip(law).map(|(p, law)| p * (p * total / law).ln());
        entropy + 0.7 * apart.sum::<f64>()
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(anchors);
        laws(loss).permutation().scale().extremes(1);
    }

    #[test]
    fn collapse_costs_more_than_spread() {
        let loss = |a: Tensor<2>, _| {
            let prototypes = Tensor::<2>::eye(2, &a.device()).cast(a.dtype());
            msn(std::slice::from_ref(&a), a.clone(), prototypes, &MsnLossConfig::default())
        };
        let spread = value(loss, &pair([[1., 0.], [0., 1.]], [[0.; 2]; 2]));
        assert!(spread + 0.5 < value(loss, &pair([[1., 0.], [1., 0.]], [[0.; 2]; 2])));
    }

    #[test]
    fn prototypes_learn_and_targets_do_not() {
        let device = Device::flex().autodiff();
        let leaf = |rows: [[f32; 2]; 2]| Tensor::<2>::from_floats(rows, &device).require_grad();
        let (target, prototypes) = (leaf([[1.0, 0.2]; 2]), leaf([[1.0, 0.0], [0.3, 1.0]]));
        let anchor = leaf([[0.5, 0.6], [0.1, -0.4]]);
        let loss = msn(std::slice::from_ref(&anchor), target.clone(), prototypes.clone(), &CONFIG);
        let gradients = loss.backward();
        assert!(target.grad(&gradients).is_none());
        assert!(anchor.grad(&gradients).is_some() && prototypes.grad(&gradients).is_some());
    }

    #[test]
    fn a_power_law_of_exponent_0_is_uniform() {
        let flat = MsnPrior::PowerLaw { exponent: 0.0 }.log_probabilities(3);
        assert_eq!(flat, MsnPrior::Uniform.log_probabilities(3));
    }

    #[test]
    #[should_panic(expected = "[3, 2]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let (anchor, target) = (Tensor::ones([2, 2], &device), Tensor::ones([3, 2], &device));
        let _ = msn(&[anchor], target, Tensor::ones([4, 2], &device), &CONFIG);
    }
}
