//! SwAV: predict a view's cluster code from the other views.

use burn::tensor::Tensor;

use crate::ops::cross_view_entropy::cross_view_entropy;
use crate::ops::shapes::common_dims;
use crate::sinkhorn;

/// Settings of [`swav`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SwavLossConfig {
    /// τ, above 0, of the predictions.
    pub temperature: f64,
    /// ε, above 0, of the codes: smaller is sharper.
    pub epsilon: f64,
    /// Rounds of [`sinkhorn`], 1 or more.
    pub iterations: usize,
}

impl Default for SwavLossConfig {
    /// Returns temperature 0.1, epsilon 0.05, 3 rounds (paper).
    fn default() -> Self {
        Self { temperature: 0.1, epsilon: 0.05, iterations: 3 }
    }
}

/// Returns the cross-entropy of each view's prediction with the codes of the high-resolution views.
///
/// ```text
/// loss = mean over high i, over views v ≠ i, over the batch, of −Σₖ qᵢₖ log softmax(scoresᵥ/τ)ₖ
/// ```
/// `qᵢ` are the codes of view `i` by [`sinkhorn`], constants to the gradient. The scores are
/// cosines of embeddings and prototypes, [`Prototypes::scores`](crate::Prototypes::scores).
///
/// With small batches, codes are also balanced over earlier images: `queued[i]` holds the scores of
/// view `i`'s [`Queue`](crate::Queue) by the current prototypes, `prototypes.scores(queue.rows())`;
/// after the step the batch's embeddings are pushed. An empty `queued` means no queue. The paper
/// starts it after 15 epochs, with 3,840 rows; a queue to which embeddings are pushed before that
/// holds none of its random rows by then.
///
/// # Shapes
/// - `high`, `low`: `[batch, prototypes]` each, row `i` of all from the same image
/// - `queued`: none, or for each of `high` `[queued rows, prototypes]`
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, there is no view in `high`, there are fewer than 2 views,
/// `queued` is neither empty nor one for each of `high`, or a setting is out of range.
///
/// # Source
/// Caron et al., 2020, [arXiv:2006.09882](https://arxiv.org/abs/2006.09882), section 3.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{SwavLossConfig, swav};
///
/// let device = Device::flex();
/// let scores = Tensor::<2>::eye(4, &device);
/// let loss = |other: Tensor<2>| {
///     let views = [scores.clone(), other];
///     swav(&views, &[], &[], &SwavLossConfig::default()).into_scalar::<f32>()
/// };
/// assert!(loss(scores.clone()) + 1.0 < loss(scores.clone().flip([0])));
/// ```
#[must_use]
#[track_caller]
pub fn swav(
    high: &[Tensor<2>],
    low: &[Tensor<2>],
    queued: &[Tensor<2>],
    config: &SwavLossConfig,
) -> Tensor<1> {
    assert!(!high.is_empty(), "swav needs a high-resolution view to take codes from");
    let views = [high, low].concat();
    let [batch, prototypes] = common_dims("swav", 2, &views);
    assert!(
        queued.is_empty() || queued.len() == high.len(),
        "swav got {} queues for {} high-resolution views",
        queued.len(),
        high.len()
    );
    let codes = |(view, scores): (usize, &Tensor<2>)| {
        let mut all = vec![scores.clone().inner()];
        if let Some(queued) = queued.get(view) {
            let [_, columns] = queued.dims();
            assert_eq!(columns, prototypes, "swav got {:?} queued scores", queued.dims());
            all.push(queued.clone().inner());
        }
        let all = if all.len() > 1 { Tensor::cat(all, 0) } else { all.remove(0) };
        sinkhorn(all, config.epsilon, config.iterations).slice_dim(0, 0..batch)
    };
    let codes: Vec<Tensor<2>> = high.iter().enumerate().map(codes).collect();
    cross_view_entropy("swav", &codes, &views, config.temperature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use crate::sinkhorn::naive as codes;

    const CONFIG: SwavLossConfig = SwavLossConfig { temperature: 0.3, epsilon: 0.4, iterations: 3 };

    /// Two high-resolution views and a low-resolution one between them; the second is queued.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let low = a.clone() * 0.5 - b.clone() * 0.25;
        swav(&[a.clone(), b.clone()], &[low], &[b, a], &CONFIG)
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let low = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            a.iter().zip(b).map(|(a, b)| a * 0.5 - b * 0.25).collect::<Vec<_>>()
        };
        let views = [a.to_vec(), b.to_vec(), a.iter().zip(b).map(low).collect()];
        let mut total = 0.0;
        for i in 0..2 {
            let q = codes(&[views[i].clone(), views[1 - i].clone()].concat(), 0.4, 3);
            for v in (0..3).filter(|&v| v != i) {
                for (q, s) in q.iter().zip(&views[v]) {
                    let total_exp: f64 = s.iter().map(|s| (s / 0.3).exp()).sum();
                    let log = |s: f64| s / 0.3 - total_exp.ln();
                    total -= q.iter().zip(s).map(|(q, s)| q * log(*s)).sum::<f64>();
                }
            }
        }
        total / (4 * a.len()) as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    /// The loss without the codes, which are constants: slopes are measured on the predictions
    /// alone.
    fn prediction(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let code = sinkhorn(Tensor::ones(a.dims(), (&a.device().inner(), a.dtype())), 1.0, 1);
        cross_view_entropy("swav", &[code.clone(), code], &[a, b], 0.3)
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(prediction);
        laws(loss).permutation().extremes(1);
        laws(|a, b| swav(&[a, b], &[], &[], &CONFIG)).permutation().symmetry().extremes(1);
    }

    #[test]
    #[should_panic(expected = "[3, 2]")]
    fn shapes_that_differ_are_named() {
        let device = burn::tensor::Device::flex();
        let view = Tensor::ones([2, 2], &device);
        let _ = swav(&[view], &[Tensor::ones([3, 2], &device)], &[], &CONFIG);
    }
}
