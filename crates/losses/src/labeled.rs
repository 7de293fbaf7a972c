//! Labeled rows, and their positive and negative pairs.

use burn::tensor::{Bool, Int, Tensor};

use crate::Distance;

/// Embeddings with one class each.
#[derive(Clone, Debug)]
pub struct Labeled {
    embedding: Tensor<2>,
    labels: Tensor<1, Int>,
}

impl Labeled {
    /// Joins rows and labels; equal labels are one class.
    ///
    /// # Shapes
    /// - `embedding`: `[rows, dim]`
    /// - `labels`: `[rows]`
    ///
    /// # Panics
    /// If there are not as many labels as rows, or the embedding is empty.
    #[must_use]
    #[track_caller]
    pub fn new(embedding: Tensor<2>, labels: Tensor<1, Int>) -> Self {
        let (rows, count) = (embedding.dims(), labels.dims());
        assert!(
            rows[0] == count[0] && rows[0] > 0 && rows[1] > 0,
            "an embedding of shape {rows:?} cannot have labels of shape {count:?}"
        );
        Self { embedding, labels: labels.inner() }
    }

    /// Returns the rows, `[rows, dim]`.
    #[must_use]
    pub fn embedding(&self) -> Tensor<2> {
        self.embedding.clone()
    }

    /// Returns the classes, `[rows]`.
    #[must_use]
    pub fn labels(&self) -> Tensor<1, Int> {
        self.labels.clone()
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.embedding.dims()[0]
    }
}

/// All pairs of an anchor, a row of the batch, and a key, a row of the batch or of the memory.
pub(crate) struct Pairs {
    pub(crate) anchors: Tensor<2>,
    pub(crate) keys: Tensor<2>,
    /// The same class, but not the same row; `[anchors, keys]`.
    pub(crate) positives: Tensor<2, Bool>,
    /// Another class.
    pub(crate) negatives: Tensor<2, Bool>,
}

impl Pairs {
    #[track_caller]
    pub(crate) fn new(name: &str, batch: &Labeled, memory: Option<&Labeled>) -> Self {
        let anchors = batch.embedding();
        let (mut keys, mut labels) = (vec![anchors.clone()], vec![batch.labels()]);
        if let Some(memory) = memory {
            let (rows, kept) = (anchors.dims(), memory.embedding.dims());
            assert_eq!(rows[1], kept[1], "{name} got a batch of {rows:?}, a memory of {kept:?}");
            keys.push(memory.embedding());
            labels.push(memory.labels());
        }
        let (keys, labels) = (Tensor::cat(keys, 0), Tensor::cat(labels, 0));
        let shape = [anchors.dims()[0], keys.dims()[0]];
        let down = |x: Tensor<1, Int>| x.reshape([shape[0], 1]).expand(shape);
        let across = |x: Tensor<1, Int>| x.reshape([1, shape[1]]).expand(shape);
        let same = down(batch.labels()).equal(across(labels));
        let other = Tensor::diag_mask(shape, 0, &same.device());
        let positives = same.clone().bool_and(other);
        Self { anchors, keys, positives, negatives: same.bool_not() }
    }

    /// Computes the distance of every anchor and every key.
    pub(crate) fn distances(&self, distance: Distance) -> Tensor<2> {
        distance.pairwise(self.anchors.clone(), self.keys.clone())
    }

    /// Averages one loss for each anchor, `[anchors, 1]`, over the batch; anchors that `counts`
    /// excludes add 0. An anchor whose own row is not finite always counts.
    pub(crate) fn mean(&self, losses: Tensor<2>, counts: Tensor<2, Bool>) -> Tensor<1> {
        let alarm = (self.anchors.clone().inner() * 0.0).sum_dim(1);
        (losses * (counts.float().cast(alarm.dtype()) + alarm)).mean()
    }

    /// Anchors that have a positive and a negative, `[anchors, 1]`.
    pub(crate) fn complete(&self) -> Tensor<2, Bool> {
        self.positives.clone().any_dim(1).bool_and(self.negatives.clone().any_dim(1))
    }
}

/// Computes `log(1 + Σ exp x)` over the chosen elements of each row, `[rows, 1]`.
pub(crate) fn log_one_plus_sum_exp(x: Tensor<2>, chosen: Tensor<2, Bool>) -> Tensor<2> {
    let x = x.mask_fill(chosen.bool_not(), f32::NEG_INFINITY);
    let largest = x.clone().inner().max_dim(1).clamp_min(0.0); // a constant: it cancels
    let sum = (x - largest.clone()).exp().sum_dim(1) + (-largest.clone()).exp();
    sum.log() + largest
}

/// Computes `log Σ exp x` over the chosen elements of each row, `[rows, 1]`; some finite value if
/// none is chosen.
pub(crate) fn log_sum_exp(x: Tensor<2>, chosen: Tensor<2, Bool>) -> Tensor<2> {
    let none = chosen.clone().any_dim(1).bool_not();
    let x = x.mask_fill(chosen.bool_not(), f32::NEG_INFINITY);
    let largest = x.clone().inner().max_dim(1).mask_fill(none, 0.0);
    // The largest element adds 1: only empty sums are clamped.
    let sum = (x - largest.clone()).exp().sum_dim(1).clamp_min(0.5);
    sum.log() + largest
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use burn::tensor::{Device, TensorData};

    /// Two views as one batch; row `i` has the class `class(i, rows of a view)`.
    pub(crate) fn batch(a: Tensor<2>, b: Tensor<2>, class: fn(usize, usize) -> usize) -> Labeled {
        let rows = a.dims()[0];
        let labels: Vec<i64> =
            (0..2 * rows).map(|i| i64::try_from(class(i, rows)).unwrap()).collect();
        let labels = Tensor::from_data(TensorData::new(labels, [2 * rows]), &Device::flex());
        Labeled::new(Tensor::cat(vec![a, b], 0), labels)
    }

    /// A class for each image.
    pub(crate) fn images(row: usize, rows: usize) -> usize {
        row % rows
    }

    /// Three classes of unlike size, some with one row.
    pub(crate) fn classes(row: usize, _: usize) -> usize {
        row * row % 5
    }

    /// Rows and classes as plain values.
    pub(crate) fn labeled<const R: usize, const C: usize>(
        rows: [[f32; C]; R],
        labels: [i64; R],
    ) -> Labeled {
        let device = Device::flex();
        Labeled::new(Tensor::from_floats(rows, &device), Tensor::from_ints(labels, &device))
    }

    /// `classes` classes with two rows each, at the corners of a cube: equal rows where `right`,
    /// else the second rows in reverse order.
    pub(crate) fn corners(classes: usize, right: bool) -> Labeled {
        let corners = Tensor::<2>::eye(classes, &Device::flex());
        let seconds = if right { corners.clone() } else { corners.clone().flip([0]) };
        batch(corners, seconds, images)
    }

    pub(crate) fn unit(row: &[f64]) -> Vec<f64> {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter().map(|x| x / length).collect()
    }

    /// The cosine distances of all rows of both views, and their [`classes`].
    pub(crate) fn cosine_table(a: &[Vec<f64>], b: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<usize>) {
        let rows: Vec<Vec<f64>> = a.iter().chain(b).map(|row| unit(row)).collect();
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let line = |x: &Vec<f64>| rows.iter().map(|y| (1.0 - dot(x, y)).max(0.0)).collect();
        let classes = (0..rows.len()).map(|row| classes(row, a.len())).collect();
        (rows.iter().map(line).collect(), classes)
    }

    /// For every anchor of a [`cosine_table`] its distances to its positives and to its negatives.
    pub(crate) fn near_and_apart(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<[Vec<f64>; 2]> {
        let (distances, classes) = cosine_table(a, b);
        let anchor = |(i, line): (usize, &Vec<f64>)| {
            [true, false].map(|same| {
                let others = line.iter().enumerate().filter(|(j, _)| *j != i);
                let others = others.filter(|(j, _)| (classes[*j] == classes[i]) == same);
                others.map(|(_, distance)| *distance).collect()
            })
        };
        distances.iter().enumerate().map(anchor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::labeled;
    use super::*;
    use crate::ops::custom_gradient::to_f64_vec;
    use burn::tensor::Device;

    #[test]
    fn masks_of_a_batch_and_a_memory() {
        let batch = labeled([[1.0], [2.0], [3.0]], [7, 8, 7]);
        let memory = labeled([[4.0]], [8]);
        let pairs = Pairs::new("pairs", &batch, Some(&memory));
        let positives = to_f64_vec(pairs.positives.float());
        assert_eq!(positives, [0., 0., 1., 0., 0., 0., 0., 1., 1., 0., 0., 0.]);
        let negatives = to_f64_vec(pairs.negatives.float());
        assert_eq!(negatives, [0., 1., 0., 1., 1., 0., 1., 0., 0., 1., 0., 1.]);
    }

    #[test]
    fn sums_of_exponentials_of_any_size() {
        let device = Device::flex();
        let x = Tensor::<2>::from_floats([[1e26, 0.0], [-1e26, -1e26], [1.0, 2.0]], &device);
        let all = Tensor::<2, Bool>::from_bool([[true; 2], [true; 2], [true, false]], &device);
        let found = to_f64_vec(log_one_plus_sum_exp(x.clone(), all.clone()));
        assert!((found[0] / 1e26 - 1.0).abs() < 1e-6 && found[1] == 0.0);
        assert!((found[2] - 1_f64.exp().ln_1p()).abs() < 1e-6);
        let found = to_f64_vec(log_sum_exp(x, all));
        assert!((found[1] / -1e26 - 1.0).abs() < 1e-6 && (found[2] - 1.0).abs() < 1e-6);
    }

    #[test]
    #[should_panic(expected = "[3]")]
    fn labels_of_another_number_are_named() {
        let device = Device::flex();
        let _ = Labeled::new(Tensor::ones([2, 2], &device), Tensor::from_ints([1, 2, 3], &device));
    }
}
