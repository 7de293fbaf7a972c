//! Supervised contrast: all views of the same class are positives.

use std::collections::BTreeMap;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};

use crate::contrast::check_temperature;
use crate::log_sum_exp::LogSumExp;
use crate::normalize::{normalize, paired_dims};
use crate::skip::Skip;

/// Settings of [`sup_con`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupConConfig {
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for SupConConfig {
    /// Temperature 0.1 (paper).
    fn default() -> Self {
        Self { temperature: 0.1 }
    }
}

/// Mean log-probability of an anchor's positives among all other views of the batch.
///
/// ```text
/// loss = mean over all 2B views i of  −(1/|P(i)|) Σₚ s(i, p)/τ + log Σₖ≠ᵢ exp(s(i, k)/τ)
/// ```
/// `s` is the cosine of two rows. `P(i)` holds the other view of `i`'s picture and all views of
/// pictures with its label; it is never empty. With all labels different this is
/// [`nt_xent`](crate::nt_xent()), and as there memory grows with the number of rows: a class's sum of
/// rows stands for its positives. Reads the labels back to the host.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same picture, any length
/// - `labels`: `[batch]`, any whole numbers
/// - output: `[1]`, ≥ 0
///
/// # Panics
/// If the shapes differ or are empty, the labels are not as many as the rows, or the temperature is
/// not above 0.
///
/// # Source
/// Khosla et al., 2020, [arXiv:2004.11362](https://arxiv.org/abs/2004.11362), eq. 2 (`L_out`).
/// Deviation: the official code multiplies by τ over a base temperature of 0.07; here nothing is.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use selfsame_losses::{SupConConfig, sup_con};
///
/// let device = Device::flex();
/// let view = Tensor::<2>::eye(2, &device);
/// let loss = |labels: [i64; 2]| {
///     let labels = Tensor::<1, Int>::from_data(labels, &device);
///     sup_con(view.clone(), view.clone(), labels, &SupConConfig { temperature: 1.0 })
///         .into_scalar::<f32>()
/// };
/// let denominator = (1.0_f32.exp() + 2.0).ln();
/// assert!((loss([3, 5]) - (denominator - 1.0)).abs() < 1e-6);
/// // Positives at cosines 1, 0 and 0.
/// assert!((loss([3, 3]) - (denominator - 1.0 / 3.0)).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn sup_con(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &SupConConfig,
) -> Tensor<1> {
    let temperature = config.temperature;
    check_temperature("sup_con", temperature);
    let [batch, dim] = paired_dims("sup_con", &view_a, &view_b);
    let (rows, found) = ([batch, dim], labels.dims());
    assert_eq!(found, [batch], "sup_con: labels of shape {found:?} for views of {rows:?}");
    let (a, b) = (normalize(view_a), normalize(view_b));
    let all = Tensor::cat(vec![a, b], 0);

    let classes = Classes::of(&labels);
    let positives = classes.mean_positive(all.clone()) * temperature.recip();
    let oneself = Skip::One((0..2 * batch).collect());
    let denominators = LogSumExp::new(all, None, oneself, temperature);
    denominators.mean() - positives
}

/// Which class each picture belongs to, classes numbered from 0.
struct Classes {
    of_picture: Vec<usize>,
    sizes: Vec<usize>,
}

impl Classes {
    fn of(labels: &Tensor<1, Int>) -> Self {
        let mut numbers = BTreeMap::new();
        let mut sizes = Vec::new();
        let labels = labels.to_data();
        let place = |label: i64| {
            let class = *numbers.entry(label).or_insert(sizes.len());
            if class == sizes.len() {
                sizes.push(0);
            }
            sizes[class] += 1;
            class
        };
        let of_picture = labels.iter::<i64>().map(place).collect();
        Self { of_picture, sizes }
    }

    /// The mean over the views, `[2 · batch, dim]`, of the mean cosine with their positives, `[1]`.
    fn mean_positive(&self, views: Tensor<2>) -> Tensor<1> {
        let [count, dim] = views.dims();
        let constants = views.clone().inner();
        let device = constants.device();
        let both = || self.of_picture.iter().chain(&self.of_picture);
        let places: Vec<i64> = both().map(|&class| class as i64).collect();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device);
        let weight = |class: &usize| 1.0 / (2 * self.sizes[*class] - 1) as f64 / count as f64;
        let weights = TensorData::new(both().map(weight).collect::<Vec<f64>>(), [count, 1]);
        let weights = Tensor::<2>::from_data(weights, (&device, views.dtype()));

        // The sum over the positives is the class's sum less the view itself.
        let zeros = Tensor::<2>::zeros([self.sizes.len(), dim], (&device, views.dtype()));
        let zeros = if views.is_autodiff() { zeros.autodiff() } else { zeros };
        let sums = zeros.select_assign(0, places.clone(), views.clone(), IndexingUpdateOp::Add);
        let others = sums.select(0, places) - views.clone();
        ((others * views).sum_dim(1) * weights).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, finite_differences, laws, mean, value};
    use burn::tensor::Device;

    fn labels(of: &Tensor<2>, classes: i64) -> Tensor<1, Int> {
        let places = Tensor::<1, Int>::arange(0..of.dims()[0] as i64, &Device::flex());
        places.remainder_scalar(classes)
    }

    /// Three classes in turn.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let labels = labels(&a, 3);
        sup_con(a, b, labels, &SupConConfig { temperature: 0.3 })
    }

    fn all_different(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let labels = labels(&a, 1000);
        sup_con(a, b, labels, &SupConConfig { temperature: 0.3 })
    }

    fn nt_xent(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        crate::nt_xent(a, b, &crate::NtXentConfig { temperature: 0.3 })
    }

    /// The formula, term by term.
    fn naive(pair: &Pair) -> f64 {
        let all: Vec<&Vec<f64>> = pair.a.iter().chain(&pair.b).collect();
        let class = |i: usize| (i % pair.a.len()) % 3;
        mean((0..all.len()).map(|i| {
            let score = |k: usize| cosine(all[i], all[k]) / 0.3;
            let others = (0..all.len()).filter(|&k| k != i);
            let sum = others.clone().map(|k| score(k).exp()).sum::<f64>();
            let positives = others.filter(|&k| class(k) == class(i));
            sum.ln() - mean(positives.map(score))
        }))
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair), 1e-10);
            assert_close(value(all_different, &pair), value(nt_xent, &pair), 1e-12);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).symmetry().scale().precision().shapes().extremes(1);
        laws(all_different).permutation().collapse();
    }

    #[test]
    #[should_panic(expected = "labels of shape [3] for views of [2, 4]")]
    fn labels_that_do_not_fit_are_named() {
        let view = Tensor::<2>::ones([2, 4], &Device::flex());
        let labels = Tensor::<1, Int>::from_data([0_i64, 1, 2], &Device::flex());
        let _ = sup_con(view.clone(), view, labels, &SupConConfig::default());
    }
}
