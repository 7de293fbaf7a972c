//! ReSSL: two views have the same similarities to other images.

use burn::tensor::Tensor;

use crate::ops::cross_view_entropy::{cross_entropy, probabilities};
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::shapes::paired_dims;

/// Settings of [`ressl`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResslLossConfig {
    /// `τ_s`, above 0, of the student's relations.
    pub student_temperature: f64,
    /// `τ_t`, above 0, of the teacher's: below `τ_s`, so that the teacher is the more confident.
    pub teacher_temperature: f64,
}

impl Default for ResslLossConfig {
    /// Returns temperature 0.1 of the student, 0.04 of the teacher (paper).
    fn default() -> Self {
        Self { student_temperature: 0.1, teacher_temperature: 0.04 }
    }
}

/// Returns the cross-entropy of the student's similarities to earlier images with the teacher's.
///
/// ```text
/// p = softmax(cos(key, queue)/τ_t)          loss = mean of −Σⱼ pⱼ log softmax(cos(query, queue)/τ_s)ⱼ
/// ```
/// Rows are made unit length. Keys and queue are constants; after the step the keys are pushed to
/// the [`Queue`](crate::Queue) of these rows.
///
/// # Shapes
/// - `query`: `[batch, dim]`, the student's view of each image, strongly augmented
/// - `key`: `[batch, dim]`, the teacher's view, weakly augmented
/// - `queue`: `[queued, dim]`, the teacher's rows for earlier images, without this batch's
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, or a temperature is not above 0.
///
/// # Source
/// Zheng et al., 2021, [arXiv:2107.09282](https://arxiv.org/abs/2107.09282).
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{ResslLossConfig, ressl};
///
/// let queue = Tensor::<2>::eye(3, &Device::flex());
/// let loss = |query: Tensor<2>| {
///     let config = ResslLossConfig::default();
///     ressl(query, queue.clone(), queue.clone(), &config).into_scalar::<f32>()
/// };
/// assert!(loss(queue.clone()) < 0.01 && loss(queue.clone().flip([0])) > 1.0);
/// ```
#[must_use]
#[track_caller]
pub fn ressl(
    query: Tensor<2>,
    key: Tensor<2>,
    queue: Tensor<2>,
    config: &ResslLossConfig,
) -> Tensor<1> {
    let ResslLossConfig { student_temperature, teacher_temperature } = *config;
    for temperature in [student_temperature, teacher_temperature] {
        assert!(temperature > 0.0, "ressl needs temperatures above 0, got {temperature}");
    }
    let [batch, dim] = paired_dims("ressl", &query, &key);
    let [queued, columns] = queue.dims();
    assert!(
        columns == dim && queued > 0,
        "ressl got a queue of shape {:?} for views of {:?}",
        [queued, columns],
        [batch, dim]
    );
    let queue = l2_normalize(queue.inner()).transpose();
    let targets = l2_normalize(key.inner()).matmul(queue.clone());
    let targets = probabilities(targets, None, teacher_temperature);
    let scores = l2_normalize(query).matmul(queue);
    cross_entropy(&[targets], scores, student_temperature) / batch as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use crate::ops::custom_gradient::constant;
    use burn::tensor::Device;

    const CONFIG: ResslLossConfig =
        ResslLossConfig { student_temperature: 0.5, teacher_temperature: 0.3 };

    fn queued(k: usize, j: usize) -> f64 {
        (1.0 + 3.0 * k as f64 + j as f64).sin()
    }

    fn queue(like: &Tensor<2>) -> Tensor<2> {
        let dim = like.dims()[1];
        let values = (0..6).flat_map(|k| (0..dim).map(move |j| queued(k, j))).collect();
        constant(values, [6, dim], like)
    }

    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let queue = queue(&a);
        ressl(a.clone(), b.clone(), queue.clone(), &CONFIG) + ressl(b, a, queue, &CONFIG)
    }

    /// The loss with a fixed teacher, so that only the two students vary.
    fn student(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let queue = queue(&a);
        let teacher = queue.clone().slice_dim(0, 0..a.dims()[0]);
        ressl(a, teacher.clone(), queue.clone(), &CONFIG) + ressl(b, teacher, queue, &CONFIG)
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let log_softmax = |row: &[f64], temperature: f64| {
            let cosine = |k: usize| {
                let other: Vec<f64> = (0..row.len()).map(|j| queued(k, j)).collect();
                let dot = row.iter().zip(&other).map(|(x, y)| x * y).sum::<f64>();
                dot / length(row) / length(&other) / temperature
            };
            let scores: Vec<f64> = (0..6).map(cosine).collect();
            let total = scores.iter().map(|s| s.exp()).sum::<f64>().ln();
            scores.into_iter().map(|s| s - total).collect::<Vec<_>>()
        };
        let one = |(query, key): (&Vec<f64>, &Vec<f64>)| {
            let (q, p) = (log_softmax(query, 0.5), log_softmax(key, 0.3));
            -p.iter().zip(q).map(|(p, q)| p.exp() * q).sum::<f64>()
        };
        a.iter().zip(b).chain(b.iter().zip(a)).map(one).sum::<f64>() / a.len() as f64
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair.a, &pair.b), 1e-9);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(student);
        laws(loss).permutation().symmetry().scale().extremes(1);
    }

    #[test]
    #[should_panic(expected = "[6, 2]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let (view, queue) = (Tensor::ones([2, 3], &device), Tensor::ones([6, 2], &device));
        let _ = ressl(view.clone(), view, queue, &CONFIG);
    }
}
