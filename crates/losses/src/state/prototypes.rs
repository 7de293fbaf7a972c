//! Prototypes: trainable directions that embeddings are compared with.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::constant::replace;
use super::unit_rows::unit_rows;
use crate::ops::l2_normalize::l2_normalize;

/// Trainable rows of length 1, one for each cluster of [`swav`](crate::swav()).
///
/// Prototypes are a module, and learn by the gradient of their scores. The optimizer changes their
/// length; [`normalize`](Self::normalize), after its step, puts it back to 1.
///
/// They start with random directions, which depend on the seed alone, not on the device.
///
/// # Source
/// Caron et al., 2020, [arXiv:2006.09882](https://arxiv.org/abs/2006.09882), section 3; the
/// lengths: the official code. Deviation: the first directions are uniform over all directions; the
/// length is put back to 1 after a step, not before the next.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_losses::{Prototypes, SwavLossConfig, swav};
///
/// let device = Device::flex().autodiff();
/// let prototypes = Prototypes::new(5, 3, 7, &device);
/// let embedding = Tensor::<2>::from_floats([[9.0, 0.0, 0.0], [0.0, -0.5, 0.5]], &device);
/// let scores = prototypes.scores(embedding);
/// assert_eq!(scores.dims(), [2, 5]);
/// let loss = swav(&[scores.clone(), scores], &[], &[], &SwavLossConfig::default());
/// let gradients = loss.backward();
/// assert_eq!(prototypes.rows().grad(&gradients).unwrap().dims(), [5, 3]);
/// ```
#[derive(Module, Debug)]
pub struct Prototypes {
    rows: Param<Tensor<2>>,
}

impl Prototypes {
    /// Returns `count` random prototypes with `dim` columns. The official code has 3,000 of 128.
    ///
    /// # Panics
    /// If `count` or `dim` is 0.
    #[must_use]
    #[track_caller]
    pub fn new(count: usize, dim: usize, seed: u64, device: &Device) -> Self {
        Self { rows: Param::from_tensor(unit_rows("prototypes", [count, dim], seed, device)) }
    }

    /// Returns the prototypes, `[prototypes, dim]`, with their gradient.
    #[must_use]
    pub fn rows(&self) -> Tensor<2> {
        self.rows.val()
    }

    /// Computes the cosine of each embedding with each prototype of length 1.
    ///
    /// The embeddings are made unit length, the prototypes are taken as they are.
    ///
    /// # Shapes
    /// - `embedding`: `[batch, dim]`, any length
    /// - output: `[batch, prototypes]`
    ///
    /// # Panics
    /// If the embeddings have not `dim` columns.
    #[must_use]
    #[track_caller]
    pub fn scores(&self, embedding: Tensor<2>) -> Tensor<2> {
        let (own, rows) = (self.rows.dims(), embedding.dims());
        assert_eq!(own[1], rows[1], "prototypes of shape {own:?} cannot score rows of {rows:?}");
        l2_normalize(embedding).matmul(self.rows().transpose())
    }

    /// Puts the length of every prototype back to 1; a prototype of zeros stays zero.
    pub fn normalize(&mut self) {
        let rows = self.rows.val();
        let (trained, checkpointing) =
            (rows.is_require_grad(), rows.gradient_checkpointing_strategy());
        // A new leaf: the optimizer must not follow the division.
        let mut unit = l2_normalize(rows.inner());
        if let Some(strategy) = checkpointing {
            unit = unit.autodiff().with_gradient_checkpointing_strategy(strategy);
        }
        replace(&mut self.rows, unit.set_require_grad(trained));
    }
}

#[cfg(test)]
mod tests {
    use super::super::constant::checks::{restored, trainable};
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;
    use burn::optim::{GradientsParams, SgdConfig};

    fn lengths(prototypes: &Prototypes) -> Vec<f64> {
        to_f64_vec(prototypes.rows().square().sum_dim(1))
    }

    fn embedding(device: &Device) -> Tensor<2> {
        Tensor::from_floats([[3.0, 4.0, 0.0], [0.0, 0.0, -0.1]], device)
    }

    /// One step of gradient descent on the sum of the scores.
    fn step(prototypes: Prototypes) -> Prototypes {
        let loss = prototypes.scores(embedding(&Device::flex())).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &prototypes);
        SgdConfig::new().init().step(0.5, prototypes, gradients)
    }

    #[test]
    fn scores_are_cosines() {
        let device = Device::flex();
        let prototypes = Prototypes::new(4, 3, 7, &device);
        let rows = to_f64_vec(prototypes.rows());
        let scores = to_f64_vec(prototypes.scores(embedding(&device)));
        for (place, row) in rows.chunks(3).enumerate() {
            assert!((scores[place] - (0.6 * row[0] + 0.8 * row[1])).abs() < 1e-6);
            assert!((scores[4 + place] + row[2]).abs() < 1e-6);
        }
    }

    #[test]
    fn a_seed_is_one_set_of_prototypes_of_length_one() {
        let rows = |seed, device: &Device| to_f64_vec(Prototypes::new(4, 3, seed, device).rows());
        assert_eq!(rows(1, &Device::flex()), rows(1, &Device::flex().autodiff()));
        assert_ne!(rows(1, &Device::flex()), rows(2, &Device::flex()));
        let prototypes = Prototypes::new(4, 3, 1, &Device::flex());
        assert!(lengths(&prototypes).iter().all(|length| (length - 1.0).abs() < 1e-6));
    }

    #[test]
    fn a_step_changes_the_length_and_normalizing_puts_it_back() {
        let start = Prototypes::new(4, 3, 7, &Device::flex().autodiff());
        let mut prototypes = step(start.clone());
        assert!(lengths(&prototypes).iter().any(|length| (length - 1.0).abs() > 0.1));
        let stretched = to_f64_vec(prototypes.rows());
        let id = prototypes.rows.id;
        prototypes.normalize();
        assert!(lengths(&prototypes).iter().all(|length| (length - 1.0).abs() < 1e-6));
        let found = to_f64_vec(prototypes.rows());
        for (found, stretched) in found.chunks(3).zip(stretched.chunks(3)) {
            let length = stretched.iter().map(|x| x * x).sum::<f64>().sqrt();
            let apart = found.iter().zip(stretched).map(|(x, y)| (x - y / length).abs());
            assert!(apart.fold(0.0, f64::max) < 1e-6, "the direction is kept");
        }
        // Still one leaf under the same id, which goes on learning.
        assert_eq!((prototypes.rows.id, trainable(&prototypes)), (id, 1));
        assert_ne!(to_f64_vec(step(prototypes.clone()).rows()), found);
        // Also away from the autodiff device and back, and where nothing is trained.
        let mut away = prototypes.valid();
        away.normalize();
        assert_eq!((trainable(&away), trainable(&away.clone().train())), (0, 1));
        let mut frozen = start.freeze();
        frozen.normalize();
        assert_eq!(trainable(&frozen.valid().train()), 0);
    }

    #[test]
    fn recorded_prototypes_go_on_alike() {
        let device = Device::flex().autodiff();
        let prototypes = step(Prototypes::new(4, 3, 7, &device));
        let copy = restored(&prototypes, Prototypes::new(4, 3, 8, &device));
        assert_eq!(to_f64_vec(copy.rows()), to_f64_vec(prototypes.rows()));
        assert_eq!(to_f64_vec(step(copy).rows()), to_f64_vec(step(prototypes).rows()));
    }

    #[test]
    #[should_panic(expected = "prototypes of shape [4, 2] cannot score rows of [2, 3]")]
    fn embeddings_of_another_width_are_named() {
        let _ = Prototypes::new(4, 2, 7, &Device::flex()).scores(embedding(&Device::flex()));
    }

    #[test]
    #[should_panic(expected = "prototypes need rows and columns, got [0, 2]")]
    fn no_prototypes_are_named() {
        let _ = Prototypes::new(0, 2, 7, &Device::flex());
    }
}
