//! The denominators of contrastive losses, in memory that grows with the number of rows and not
//! with its square.

use std::ops::Range;

use burn::tensor::{Bool, Int, Tensor, TensorData};
use selfsame_kernels::loss::{Excluded, ScoreSums, Scores, custom_gradient};

/// Rows of a tile of burn's operators: tiles of 16 MB in single precision.
const TILE: usize = 2048;

/// Stands for −∞ where a candidate is excluded: its differences are finite.
const LOWEST: f64 = -1e30;

/// `Lᵢ = log Σₖ exp(aᵢ · cₖ / temperature)` of every anchor, over the candidates that are not
/// excluded.
///
/// The scores are computed tile by tile, once for the values and once more for the gradient. On
/// Flex in single precision, with no score above 40 in size (a temperature of 0.025 or more for
/// rows of unit length), a tile is a few vector loops, mirrored tiles of one set of rows are
/// computed once, and with constant candidates one pass computes both. Otherwise tiles are burn's
/// operators with a running maximum, and any score is exact.
pub(crate) struct LogSumExp {
    scores: Scores,
    values: Tensor<1>,
    sums: Option<ScoreSums>,
}

impl LogSumExp {
    /// # Panics
    /// If all candidates of an anchor are excluded.
    #[track_caller]
    pub(crate) fn new(
        anchors: Tensor<2>,
        candidates: Option<Tensor<2>>,
        excluded: Excluded,
        temperature: f64,
    ) -> Self {
        Self::of(Scores { anchors, candidates, excluded, temperature, tile: None })
    }

    #[track_caller]
    fn of(scores: Scores) -> Self {
        let count = scores.candidates.as_ref().unwrap_or(&scores.anchors).dims()[0];
        let excluded = scores.excluded.count();
        assert!(count > excluded, "a contrast needs a negative: there are {count} candidates");
        match ScoreSums::of(&scores) {
            Some((values, sums)) => Self { scores, values, sums: Some(sums) },
            None => Self { values: values(&scores), scores, sums: None },
        }
    }

    /// Returns the values `Lᵢ`, `[anchors]`, constants.
    pub(crate) fn values(&self) -> Tensor<1> {
        self.values.clone()
    }

    /// Returns the mean over the anchors, `[1]`.
    pub(crate) fn mean(self) -> Tensor<1> {
        let values = self.values();
        let count = values.dims()[0];
        let weights = values.ones_like() / count as f64;
        self.weighted(values.mean(), weights)
    }

    /// Returns `value` with the gradient of `Σᵢ weightsᵢ Lᵢ`; `weights` are constants, `[anchors]`.
    pub(crate) fn weighted(self, value: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
        let (anchors, candidates) = (self.scores.anchors.clone(), self.scores.candidates.clone());
        if !anchors.is_tracked() && !candidates.as_ref().is_some_and(Tensor::is_tracked) {
            return value;
        }
        let (of_anchors, of_candidates) = self.gradients(weights);
        let loss = custom_gradient(anchors, value.clone(), || of_anchors);
        match (candidates, of_candidates) {
            (Some(rows), Some(gradient)) => {
                loss + custom_gradient(rows, value.zeros_like(), || gradient)
            }
            _ => loss,
        }
    }

    fn gradients(self, weights: Tensor<1>) -> (Tensor<2>, Option<Tensor<2>>) {
        match self.sums {
            Some(sums) => sums.gradients(&self.scores, &weights),
            None => gradients(&self.scores, &self.values, &weights),
        }
    }
}

/// Anchors and candidates without a graph.
fn plain(scores: &Scores) -> (Tensor<2>, Tensor<2>) {
    let anchors = scores.anchors.clone().inner();
    let candidates = scores.candidates.clone().map_or_else(|| anchors.clone(), Tensor::inner);
    (anchors, candidates)
}

fn values(scores: &Scores) -> Tensor<1> {
    let (anchors, candidates) = plain(scores);
    let values = ranges(scores, anchors.dims()[0]).map(|rows| {
        let some = anchors.clone().slice([rows.clone()]);
        let shape = [rows.len(), 1];
        let options = (&some.device(), some.dtype());
        let mut largest = Tensor::<2>::full(shape, LOWEST, options);
        let mut sum = Tensor::<2>::zeros(shape, options);
        for columns in ranges(scores, candidates.dims()[0]) {
            let tile = tile_scores(scores, &some, &candidates, rows.start, columns);
            let higher = largest.clone().max_pair(tile.clone().max_dim(1));
            let more = (tile - higher.clone()).exp().sum_dim(1);
            sum = sum * (largest - higher.clone()).exp() + more;
            largest = higher;
        }
        (sum.log() + largest).reshape([rows.len()])
    });
    Tensor::cat(values.collect(), 0)
}

/// Computes the gradients of `Σᵢ weightsᵢ Lᵢ` with respect to the anchors and, if they are other
/// rows, the candidates.
fn gradients(
    scores: &Scores,
    values: &Tensor<1>,
    weights: &Tensor<1>,
) -> (Tensor<2>, Option<Tensor<2>>) {
    let (anchors, candidates) = plain(scores);
    let mut of_anchors = Vec::new();
    let mut of_candidates: Vec<Tensor<2>> = Vec::new();
    for rows in ranges(scores, anchors.dims()[0]) {
        let some = anchors.clone().slice([rows.clone()]);
        let column = |x: &Tensor<1>| x.clone().slice([rows.clone()]).reshape([rows.len(), 1]);
        let (values, weights) = (column(values), column(weights) / scores.temperature);
        let mut total = some.zeros_like();
        for (place, columns) in ranges(scores, candidates.dims()[0]).enumerate() {
            let others = candidates.clone().slice([columns.clone()]);
            let tile = tile_scores(scores, &some, &candidates, rows.start, columns);
            let shares = (tile - values.clone()).exp() * weights.clone();
            let mirrored = shares.clone().transpose().matmul(some.clone());
            total = total + shares.matmul(others);
            match of_candidates.get_mut(place) {
                Some(sum) => *sum = sum.clone() + mirrored,
                None => of_candidates.push(mirrored),
            }
        }
        of_anchors.push(total);
    }
    let of_anchors = Tensor::cat(of_anchors, 0);
    let of_candidates = Tensor::cat(of_candidates, 0);
    match scores.candidates {
        None => (of_anchors + of_candidates, None),
        Some(_) => (of_anchors, Some(of_candidates)),
    }
}

fn ranges(scores: &Scores, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let length = scores.tile.unwrap_or(TILE);
    (0..rows).step_by(length).map(move |start| start..rows.min(start + length))
}

/// Computes the scores of some anchors, from `first` on, with the candidates `columns`.
fn tile_scores(
    of: &Scores,
    anchors: &Tensor<2>,
    candidates: &Tensor<2>,
    first: usize,
    columns: Range<usize>,
) -> Tensor<2> {
    let others = candidates.clone().slice([columns.clone()]);
    let mut scores = anchors.clone().matmul(others.transpose()) / of.temperature;
    let [rows, count] = scores.dims();
    let device = scores.device();
    for which in 0..of.excluded.count() {
        let place = |row| of.excluded.of(first + row).nth(which);
        let inside = |row| place(row).filter(|place| columns.contains(place));
        if (0..rows).all(|row| inside(row).is_none()) {
            continue;
        }
        let places = (0..rows).map(|row| inside(row).map_or(-1, |x| (x - columns.start) as i64));
        let places = TensorData::new(places.collect::<Vec<i64>>(), [rows, 1]);
        let places = Tensor::<2, Int>::from_data(places, &device).expand([rows, count]);
        let all = Tensor::<1, Int>::arange(0..count as i64, &device).reshape([1, count]);
        let mask: Tensor<2, Bool> = all.expand([rows, count]).equal(places);
        scores = scores.mask_fill(mask, LOWEST);
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::Pair;
    use burn::tensor::{DType, Device, Tolerance};
    use proptest::prelude::*;

    /// The whole matrix of scores, differentiated by the graph.
    fn whole(scores: &Scores) -> Tensor<1> {
        let candidates = scores.candidates.as_ref().unwrap_or(&scores.anchors).clone();
        let [rows, columns] = [scores.anchors.dims()[0], candidates.dims()[0]];
        let products = scores.anchors.clone().matmul(candidates.transpose()) / scores.temperature;
        let mut kept = vec![1.0_f32; rows * columns];
        for row in 0..rows {
            scores.excluded.of(row).for_each(|column| kept[row * columns + column] = 0.0);
        }
        let kept = Tensor::<2>::from_data(
            TensorData::new(kept, [rows, columns]),
            (&Device::flex(), products.dtype()),
        );
        (products.exp() * kept).sum_dim(1).log().reshape([rows])
    }

    /// The rows that the anchors are compared with.
    #[derive(Clone, Copy, Debug)]
    enum Candidates {
        Themselves,
        Others,
        Constants,
    }

    /// Values, and the gradients of a sum with weights that differ.
    fn both(
        pair: &Pair,
        dtype: DType,
        candidates: Candidates,
        excluded: &Excluded,
        tile: Option<usize>,
    ) -> [[Tensor<2>; 3]; 2] {
        let run = |tiled: bool| {
            let device = Device::flex().autodiff();
            let [a, b] = pair.tensors(&device, dtype).map(Tensor::require_grad);
            let scores = Scores {
                anchors: a.clone(),
                candidates: match candidates {
                    Candidates::Themselves => None,
                    Candidates::Others => Some(b.clone()),
                    Candidates::Constants => Some(b.clone().inner().autodiff()),
                },
                excluded: excluded.clone(),
                temperature: 0.5,
                tile,
            };
            let count = a.dims()[0];
            let ramp = Tensor::<1, Int>::arange(0..count as i64, &Device::flex()).float();
            let weights = ramp.cast(dtype) * 0.1 + 0.3;
            let (values, loss) = if tiled {
                let sums = LogSumExp::of(scores);
                let values = sums.values();
                let value = (values.clone() * weights.clone()).sum();
                (values, sums.weighted(value, weights))
            } else {
                let values = whole(&scores);
                (values.clone().inner(), (values * weights.autodiff()).sum())
            };
            let gradients = loss.backward();
            let zeros = b.clone().inner().zeros_like();
            let of_a = a.grad(&gradients).unwrap();
            [values.reshape([count, 1]), of_a, b.grad(&gradients).unwrap_or(zeros)]
        };
        [run(true), run(false)]
    }

    fn assert_equal(found: [[Tensor<2>; 3]; 2], tolerance: f64) {
        let [tiled, plain] = found;
        for (tiled, plain) in tiled.into_iter().zip(plain) {
            let (tiled, plain) = (tiled.into_data(), plain.into_data());
            let tolerance = Tolerance::<f64>::rel_abs(tolerance, tolerance);
            tiled.convert::<f64>().assert_approx_eq(&plain.convert::<f64>(), tolerance);
        }
    }

    proptest! {
        /// By vector loops and by operators, of one set of rows and of two, in one pass and in two,
        /// with 0, 1 or 2 candidates excluded, in tiles of any length.
        #[test]
        fn tiled_equals_plain(
            pair in Pair::rows(3), tile in 1_usize..12, which in 0_usize..3, count_excluded in 0_usize..3,
        ) {
            let candidates =
                [Candidates::Themselves, Candidates::Others, Candidates::Constants][which];
            let count = pair.a.len();
            // Symmetric, as one set of rows needs: each with itself and with its mirror.
            let excluded = match count_excluded {
                0 => Excluded::None,
                1 => Excluded::One((0..count).collect()),
                _ => Excluded::Two((0..count).map(|i| [i, count - 1 - i]).collect()),
            };
            assert_equal(both(&pair, DType::F64, candidates, &excluded, Some(tile)), 1e-10);
            // Single precision: scores of up to 40, of which the last bit is 4e-6.
            let small = Pair { a: scaled(&pair.a), b: scaled(&pair.b) };
            assert_equal(both(&small, DType::F32, candidates, &excluded, Some(tile)), 2e-5);
        }
    }

    /// Rows of at most unit length.
    fn scaled(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let shrink = |row: &Vec<f64>| {
            let by = (row.len() as f64).sqrt() * 2.0;
            row.iter().map(|x| x / by).collect()
        };
        rows.iter().map(shrink).collect()
    }

    #[test]
    fn many_rows_in_tiles_of_the_usual_length() {
        let pair = Pair { a: crate::laws::ramp_rows(600, 5), b: crate::laws::ramp_rows(411, 5) };
        for dtype in [DType::F32, DType::F64] {
            let excluded = Excluded::One((0..600).collect());
            assert_equal(both(&pair, dtype, Candidates::Themselves, &excluded, None), 1e-4);
            for candidates in [Candidates::Others, Candidates::Constants] {
                assert_equal(both(&pair, dtype, candidates, &Excluded::None, None), 1e-4);
            }
        }
    }

    #[test]
    fn scores_beyond_the_kernels_are_exact_too() {
        let anchors = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &Device::flex());
        let sums = LogSumExp::new(anchors, None, Excluded::None, 1e-3);
        let want = TensorData::from([1000.0_f32, 1000.0]);
        sums.values().into_data().assert_approx_eq::<f32>(&want, Tolerance::rel_abs(1e-6, 0.0));
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let values = crate::laws::ramp_rows(700, 9).concat();
        let run = |threads: usize, constants: bool| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let data = TensorData::new(values.clone(), [700, 9]);
                let device = Device::flex().autodiff();
                let rows = Tensor::<2>::from_data(data, (&device, DType::F32)).require_grad();
                let candidates = constants.then(|| rows.clone().inner());
                let excluded = Excluded::One((0..700).collect());
                let loss = LogSumExp::new(rows.clone(), candidates, excluded, 0.5).mean();
                let gradient = rows.grad(&loss.clone().backward()).unwrap().into_data();
                (loss.into_data(), gradient)
            })
        };
        for constants in [false, true] {
            let ((loss, gradient), (other, of_other)) = (run(1, constants), run(3, constants));
            loss.assert_eq(&other, true);
            gradient.assert_eq(&of_other, true);
        }
    }
}
