//! DINO: the student predicts the teacher's output for the other views.

use burn::tensor::Tensor;

use crate::DinoCenter;
use crate::ops::cross_view_entropy::{cross_view_entropy, probabilities};
use crate::ops::shapes::common_dims;

/// Settings of [`dino`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DinoLossConfig {
    /// `τ_s`, above 0, of the student.
    pub student_temperature: f64,
    /// `τ_t`, above 0, of the teacher: below `τ_s`, so that the teacher is the more confident. It
    /// rises in the first epochs, see [`TeacherTemperature`].
    pub teacher_temperature: f64,
}

impl Default for DinoLossConfig {
    /// Returns temperature 0.1 of the student, 0.04 of the teacher (paper, at the start).
    fn default() -> Self {
        Self { student_temperature: 0.1, teacher_temperature: 0.04 }
    }
}

/// The teacher's temperature over the run: linear, then constant.
///
/// # Example
/// ```
/// use selfsame_losses::TeacherTemperature;
///
/// let schedule = TeacherTemperature::default();
/// assert!((schedule.at(15.0) - 0.055).abs() < 1e-12);
/// assert!((schedule.at(100.0) - 0.07).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TeacherTemperature {
    /// The temperature at epoch 0, above 0.
    pub first: f64,
    /// The temperature from the end of the warm-up on, above 0.
    pub last: f64,
    /// Epochs of the warm-up; 0 for none.
    pub warmup_epochs: f64,
}

impl Default for TeacherTemperature {
    /// Returns a rise from 0.04 to 0.07 in 30 epochs (paper). Some peers keep it at 0.04.
    fn default() -> Self {
        Self { first: 0.04, last: 0.07, warmup_epochs: 30.0 }
    }
}

impl TeacherTemperature {
    /// Returns the temperature after `epoch` epochs, which may be a fraction.
    #[must_use]
    pub fn at(&self, epoch: f64) -> f64 {
        if epoch >= self.warmup_epochs {
            return self.last;
        }
        self.first + (self.last - self.first) * (epoch / self.warmup_epochs).max(0.0)
    }
}

/// Returns the cross-entropy of the student's outputs with the teacher's for every other view.
///
/// ```text
/// p = softmax((t − c)/τ_t)          loss = mean over (i, v), i ≠ v, of −Σₖ pᵢₖ log softmax(sᵥ/τ_s)ₖ
/// ```
/// `c` is the center; `i` runs over the teacher's views, `v` over the student's, of which the first
/// are the same views in the same order. The loss is averaged over the pairs and the batch. The
/// teacher is a constant. The center is not changed; call [`DinoCenter::update`] after the
/// optimizer's step.
///
/// # Shapes
/// - `teacher`, `student`: `[batch, dim]` each, row `i` of all from the same image
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, there is no pair of unlike views, or a temperature is not
/// above 0.
///
/// # Source
/// Caron et al., 2021, [arXiv:2104.14294](https://arxiv.org/abs/2104.14294), eq. 1 to 4.
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{DinoCenter, DinoLossConfig, dino};
///
/// let device = Device::flex();
/// let center = DinoCenter::new(3, 0.9, &device);
/// let view = Tensor::<2>::eye(3, &device);
/// let loss = |student: Tensor<2>| {
///     let student = [student.clone(), student];
///     dino(&[view.clone()], &student, &center, &DinoLossConfig::default()).into_scalar::<f32>()
/// };
/// assert!(loss(view.clone()) < 1e-3 && loss(view.clone().flip([0])) > 1.0);
/// ```
#[must_use]
#[track_caller]
pub fn dino(
    teacher: &[Tensor<2>],
    student: &[Tensor<2>],
    center: &DinoCenter,
    config: &DinoLossConfig,
) -> Tensor<1> {
    let temperature = config.teacher_temperature;
    assert!(temperature > 0.0, "dino needs a teacher temperature above 0, got {temperature}");
    let dims = common_dims("dino", 1, teacher);
    assert_eq!(dims, common_dims("dino", 1, student), "dino needs views of one shape");
    assert_eq!(dims[1], center.values().dims()[1], "dino needs a center as wide as the views");
    let center = center.values().cast(teacher[0].dtype());
    let name = |view: &Tensor<2>| probabilities(view.clone(), Some(center.clone()), temperature);
    let targets: Vec<Tensor<2>> = teacher.iter().map(name).collect();
    cross_view_entropy("dino", &targets, student, config.student_temperature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, finite_differences, laws, value};
    use crate::ops::custom_gradient::constant;
    use burn::tensor::Device;

    const CONFIG: DinoLossConfig =
        DinoLossConfig { student_temperature: 0.5, teacher_temperature: 0.2 };

    /// A center that is not zero.
    fn center(like: &Tensor<2>) -> DinoCenter {
        let dim = like.dims()[1];
        let values = constant((0..dim).map(|i| i as f64 * 0.1).collect(), [1, dim], like);
        let mut center = DinoCenter::new(dim, 0.0, &like.device());
        center.update(&[values]);
        center
    }

    /// The student sees a third view; the teacher's views are the student's first two, moved.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let center = center(&a);
        let student = [a.clone(), b.clone(), a.clone() - b.clone()];
        dino(&[a * 0.5, b * 0.5], &student, &center, &CONFIG)
    }

    /// The loss with a fixed teacher, so that only the student varies.
    fn student(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let [rows, columns] = a.dims();
        let values = (0..rows * columns).map(|i| (i as f64).sin()).collect();
        let teacher = constant(values, [rows, columns], &a);
        dino(&[teacher.clone(), teacher], &[a.clone(), b], &center(&a), &CONFIG)
    }

    fn log_softmax(row: &[f64], temperature: f64) -> Vec<f64> {
        let total: f64 = row.iter().map(|x| (x / temperature).exp()).sum();
        row.iter().map(|x| x / temperature - total.ln()).collect()
    }

    /// The formula, term by term.
    fn naive(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
        let rows = a.iter().zip(b);
        let third = rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
        let student = [a.to_vec(), b.to_vec(), third];
        let mut total = 0.0;
        for i in 0..2 {
            for v in (0..3).filter(|&v| v != i) {
                for (teacher, student) in student[i].iter().zip(&student[v]) {
                    let place = |(i, t): (usize, &f64)| t * 0.5 - i as f64 * 0.1;
                    let teacher: Vec<f64> = teacher.iter().enumerate().map(place).collect();
                    let (wanted, found) = (log_softmax(&teacher, 0.2), log_softmax(student, 0.5));
                    total -= wanted.iter().zip(found).map(|(p, q)| p.exp() * q).sum::<f64>();
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

    #[test]
    fn obeys_the_laws() {
        finite_differences(student);
        laws(loss).permutation().extremes(1);
        laws(|a, b| {
            let (center, views) = (center(&a), [a, b]);
            dino(&views, &views, &center, &CONFIG)
        })
        .permutation()
        .symmetry()
        .extremes(1);
    }

    #[test]
    #[should_panic(expected = "[1, 3]")]
    fn shapes_that_differ_are_named() {
        let device = Device::flex();
        let (teacher, student) = (Tensor::ones([2, 3], &device), Tensor::ones([1, 3], &device));
        let center = DinoCenter::new(3, 0.9, &device);
        let _ = dino(&[teacher], &[student], &center, &CONFIG);
    }
}
