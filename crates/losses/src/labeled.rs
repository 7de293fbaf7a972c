//! Labeled rows, and their positive and negative pairs.

use burn::tensor::{Bool, Int, IntDType, Tensor};

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
    /// Pairs of the same class, but not of the same row, `[anchors, keys]`.
    pub(crate) positives: Tensor<2, Bool>,
    /// Pairs of different classes.
    pub(crate) negatives: Tensor<2, Bool>,
}

impl Pairs {
    #[track_caller]
    pub(crate) fn new(name: &str, batch: &Labeled, memory: Option<&Labeled>) -> Self {
        let anchors = batch.embedding();
        let (mut keys, mut labels) = (anchors.clone(), batch.labels());
        if let Some(memory) = memory {
            let (rows, kept) = (anchors.dims(), memory.embedding.dims());
            assert_eq!(rows[1], kept[1], "{name}: a batch of {rows:?}, but a memory of {kept:?}");
            keys = Tensor::cat(vec![keys, memory.embedding()], 0);
            labels = Tensor::cat(common_type(labels, memory.labels()).to_vec(), 0);
        }
        let shape = [anchors.dims()[0], keys.dims()[0]];
        // The batch's labels come first of all labels, and have their common type here.
        let own = labels.clone().narrow(0, 0, shape[0]);
        let down = own.reshape([shape[0], 1]).expand(shape);
        let same = down.equal(labels.reshape([1, shape[1]]).expand(shape));
        let other = Tensor::diag_mask(shape, 0, &same.device());
        let positives = same.clone().bool_and(other);
        Self { anchors, keys, positives, negatives: same.bool_not() }
    }

    /// Computes the distance of every anchor and every key.
    pub(crate) fn distances(&self, distance: Distance) -> Tensor<2> {
        distance.pairwise(self.anchors.clone(), self.keys.clone())
    }

    /// Averages one loss for each anchor, `[anchors, 1]`, over the batch; anchors that `counts`
    /// excludes add 0. NaN if a row of the batch or of the memory is not finite, whichever anchors
    /// count: comparisons with such a row are false, and would hide it.
    pub(crate) fn mean(&self, losses: Tensor<2>, counts: Tensor<2, Bool>) -> Tensor<1> {
        let alarm = (self.keys.clone().inner() * 0.0).sum().reshape([1, 1]);
        (losses * (counts.float().cast(alarm.dtype()) + alarm)).mean()
    }

    /// Returns which anchors have a positive and a negative, `[anchors, 1]`.
    pub(crate) fn complete(&self) -> Tensor<2, Bool> {
        self.positives.clone().any_dim(1).bool_and(self.negatives.clone().any_dim(1))
    }
}

/// Returns labels of one integer type: two types both become `i64`, which keeps every label
/// distinct.
pub(crate) fn common_type(first: Tensor<1, Int>, second: Tensor<1, Int>) -> [Tensor<1, Int>; 2] {
    if first.dtype() == second.dtype() {
        [first, second]
    } else {
        [first.cast(IntDType::I64), second.cast(IntDType::I64)]
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
    use crate::{
        CircleLossConfig, LiftedStructureLossConfig, MultiSimilarityLossConfig,
        SoftNearestNeighborLossConfig, TripletLossConfig, circle, lifted_structure,
        multi_similarity, pn, soft_nearest_neighbor, triplet,
    };
    use burn::tensor::{DType, Device};

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
    type LabeledLoss = fn(&Labeled, Option<&Labeled>) -> Tensor<1>;

    /// Every loss of labeled rows.
    const LOSSES: [(&str, LabeledLoss); 6] = [
        ("triplet", |batch, memory| triplet(batch, memory, &TripletLossConfig::default())),
        ("pn", |batch, memory| pn(batch, memory, &TripletLossConfig::default())),
        ("multi_similarity", |batch, memory| {
            multi_similarity(batch, memory, &MultiSimilarityLossConfig::default())
        }),
        ("circle", |batch, memory| circle(batch, memory, &CircleLossConfig::default())),
        ("lifted_structure", |batch, memory| {
            lifted_structure(batch, memory, &LiftedStructureLossConfig::default())
        }),
        ("soft_nearest_neighbor", |batch, memory| {
            soft_nearest_neighbor(batch, memory, &SoftNearestNeighborLossConfig::default())
        }),
    ];

    #[test]
    fn a_row_that_is_not_finite_is_not_hidden() {
        let rows = [[1.0, 0.2], [0.9, -0.1], [-0.3, 1.0], [0.1, 0.8]];
        let (labels, kept) = ([0, 0, 1, 1], [[0.5, 0.4], [-0.2, 0.7], [0.3, -0.9]]);
        for (name, loss) in LOSSES {
            let value = |rows, kept, classes| {
                loss(&labeled(rows, labels), Some(&labeled(kept, classes))).into_scalar::<f32>()
            };
            // Of the classes of the batch, of one of them, and of another class.
            for classes in [[0, 1, 0], [1, 1, 1], [7, 8, 9]] {
                assert!(value(rows, kept, classes).is_finite(), "{name}");
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    for row in 0..3 {
                        let mut kept = kept;
                        kept[row][1] = bad;
                        let found = value(rows, kept, classes);
                        assert!(!found.is_finite(), "{name}: {found} of {kept:?} {classes:?}");
                    }
                    let mut rows = rows;
                    rows[2][0] = bad;
                    let found = value(rows, kept, classes);
                    assert!(!found.is_finite(), "{name}: {found} of {rows:?}");
                    // No anchor has a positive and a negative.
                    let alone = loss(&labeled(rows, [0; 4]), None).into_scalar::<f32>();
                    assert!(!alone.is_finite(), "{name}: {alone} of {rows:?} in one class");
                }
            }
        }
    }

    #[test]
    fn labels_of_two_integer_types_are_compared_by_value() {
        let device = Device::flex();
        let with_type = |rows, labels: [i64; 2], dtype: IntDType| {
            let labels = Tensor::<1, Int>::from_data(labels, (&device, DType::I64));
            Labeled::new(rows, labels.cast(dtype))
        };
        let rows = Tensor::<2>::from_floats([[1.0, 0.2], [0.3, 1.0]], &device);
        let kept = Tensor::<2>::from_floats([[0.9, -0.1], [-0.2, 0.7]], &device);
        for (name, loss) in LOSSES {
            // As an i32, 2³² + 3 is 3.
            let batch = |dtype| with_type(rows.clone(), [3, -5], dtype);
            let memory = |dtype| with_type(kept.clone(), [3, -5], dtype);
            let value = |batch: Labeled, memory: Labeled| {
                f64::from(loss(&batch, Some(&memory)).into_scalar::<f32>())
            };
            let want = value(batch(IntDType::I64), memory(IntDType::I64));
            for (first, second) in [(IntDType::I32, IntDType::I64), (IntDType::I64, IntDType::I32)]
            {
                let found = value(batch(first), memory(second));
                assert!((found - want).abs() < 1e-9, "{name}: {found} is not {want}");
            }
            let apart = with_type(kept.clone(), [(1 << 32) + 3, -5], IntDType::I64);
            let want = value(batch(IntDType::I64), apart.clone());
            let found = value(batch(IntDType::I32), apart);
            assert!((found - want).abs() < 1e-9, "{name}: {found} is not {want}");
        }
    }
}
