//! Laws that every loss of two views must obey, checked in double precision where possible.

use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::prelude::*;

/// Two views as plain values, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) a: Vec<Vec<f64>>,
    pub(crate) b: Vec<Vec<f64>>,
}

pub(crate) fn pair<const R: usize, const C: usize>(a: [[f64; C]; R], b: [[f64; C]; R]) -> Pair {
    let rows = |x: [[f64; C]; R]| x.into_iter().map(|row| row.to_vec()).collect();
    Pair { a: rows(a), b: rows(b) }
}

impl Pair {
    /// 1 to 9 rows of 1 to 17 columns.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        Self::rows(1)
    }

    /// `least` to 9 rows of 1 to 17 columns.
    pub(crate) fn rows(least: usize) -> impl Strategy<Value = Self> {
        (least..10, 1_usize..18).prop_flat_map(|(rows, columns)| {
            let row = prop::collection::vec(-2.0..2.0_f64, columns);
            let view = prop::collection::vec(row, rows);
            (view.clone(), view).prop_map(|(a, b)| Self { a, b })
        })
    }

    /// Returns values without any pattern, the same at every call.
    fn sample(rows: usize, columns: usize) -> Self {
        let number = |seed: usize| ((seed * 7919 % 1009) as f64 / 1009.0 - 0.5) * 3.0;
        let view = |from: usize| {
            let row = |r: usize| (0..columns).map(|c| number(from + 31 * r + c + 1)).collect();
            (0..rows).map(row).collect()
        };
        Self { a: view(3), b: view(500) }
    }

    fn map(&self, change: impl Fn(&[Vec<f64>]) -> Vec<Vec<f64>>) -> Self {
        Self { a: change(&self.a), b: change(&self.b) }
    }

    pub(crate) fn tensors(&self, device: &Device, dtype: DType) -> [Tensor<2>; 2] {
        [&self.a, &self.b].map(|view| {
            let shape = [view.len(), view[0].len()];
            let data = TensorData::new(view.concat(), shape);
            Tensor::from_data(data, (device, dtype))
        })
    }
}

/// The cosine of two rows.
pub(crate) fn cosine(x: &[f64], y: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()
}

/// Returns fixed rows in the shape of `like`: the constants of a loss under test.
pub(crate) fn ramp(like: &Tensor<2>) -> Tensor<2> {
    let [rows, columns] = like.dims();
    let data = TensorData::new(ramp_rows(rows, columns).concat(), [rows, columns]);
    Tensor::from_data(data, (&like.clone().inner().device(), like.dtype()))
}

/// Returns the same rows as plain values.
pub(crate) fn ramp_rows(rows: usize, columns: usize) -> Vec<Vec<f64>> {
    let number = |place: usize| 0.3 + (place as f64).sin();
    (0..rows).map(|r| (0..columns).map(|c| number(r * columns + c)).collect()).collect()
}

/// The values of a column.
pub(crate) fn column(x: &[Vec<f64>], place: usize) -> Vec<f64> {
    x.iter().map(|row| row[place]).collect()
}

pub(crate) fn mean(x: impl IntoIterator<Item = f64>) -> f64 {
    let x: Vec<f64> = x.into_iter().collect();
    x.iter().sum::<f64>() / x.len() as f64
}

pub(crate) type Loss = fn(Tensor<2>, Tensor<2>) -> Tensor<1>;

/// The loss in double precision.
pub(crate) fn value(loss: Loss, pair: &Pair) -> f64 {
    let [a, b] = pair.tensors(&Device::flex(), DType::F64);
    loss(a, b).into_data().iter::<f64>().next().unwrap()
}

#[track_caller]
pub(crate) fn assert_close(found: f64, want: f64, tolerance: f64) {
    assert!((found - want).abs() <= tolerance * want.abs().max(1.0), "{found} is not {want}");
}

/// Gradients in double precision, of both views.
pub(crate) fn gradients(loss: Loss, pair: &Pair, dtype: DType) -> [Vec<f64>; 2] {
    let [a, b] = pair.tensors(&Device::flex().autodiff(), dtype).map(Tensor::require_grad);
    let gradients = loss(a.clone(), b.clone()).backward();
    [a, b].map(|view| view.grad(&gradients).unwrap().into_data().iter::<f64>().collect())
}

/// Checks that every partial derivative equals the measured slope.
#[track_caller]
pub(crate) fn finite_differences(loss: Loss) {
    finite_differences_of(loss, (4, 3));
}

#[track_caller]
pub(crate) fn finite_differences_of(loss: Loss, (rows, columns): (usize, usize)) {
    let pair = Pair::sample(rows, columns);
    let [gradient_a, gradient_b] = gradients(loss, &pair, DType::F64);
    let step = 1e-5;
    for (index, gradient) in gradient_a.iter().chain(&gradient_b).enumerate() {
        let (second, place) = (index >= gradient_a.len(), index % gradient_a.len());
        let moved = |by: f64| {
            let mut pair = pair.clone();
            let view = if second { &mut pair.b } else { &mut pair.a };
            view[place / columns][place % columns] += by;
            value(loss, &pair)
        };
        assert_close(*gradient, (moved(step) - moved(-step)) / (2.0 * step), 1e-7);
    }
}

pub(crate) fn laws(loss: Loss) -> Laws {
    Laws { loss, pair: Pair::sample(5, 4) }
}

pub(crate) struct Laws {
    loss: Loss,
    pair: Pair,
}

impl Laws {
    #[track_caller]
    fn unchanged(self, pair: &Pair) -> Self {
        assert_close(value(self.loss, pair), value(self.loss, &self.pair), 1e-12);
        self
    }

    /// The order of images in the batch does not matter.
    #[track_caller]
    pub(crate) fn permutation(self) -> Self {
        let turned =
            self.pair.map(|view| view.iter().cycle().skip(2).take(view.len()).cloned().collect());
        self.unchanged(&turned)
    }

    /// Embeddings that are all the same score worse than embeddings at right angles.
    #[track_caller]
    pub(crate) fn collapse(self) -> Self {
        let spread = vec![vec![1.5, 0.0, 0.0], vec![0.0, 1.5, 0.0], vec![0.0, 0.0, 1.5]];
        let spread = [
            spread.clone(),
            spread.into_iter().map(|row| row.into_iter().map(|x: f64| -x).collect()).collect(),
        ]
        .concat();
        let collapsed = vec![vec![0.7, -0.3, 0.2]; 6];
        let value = |view: Vec<Vec<f64>>| value(self.loss, &Pair { a: view.clone(), b: view });
        let (spread, collapsed) = (value(spread), value(collapsed));
        assert!(spread + 1e-3 < collapsed, "spread costs {spread}, collapse {collapsed}");
        self
    }

    /// Views of different shapes panic, with both shapes named.
    #[track_caller]
    pub(crate) fn shapes(self) -> Self {
        let views = || {
            let ones = |shape: [usize; 2]| Tensor::<2>::ones(shape, &Device::flex());
            let _ = (self.loss)(ones([2, 3]), ones([3, 3]));
        };
        let panic = std::panic::catch_unwind(views).expect_err("two shapes were taken");
        let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(message.contains("[2, 3]") && message.contains("[3, 3]"), "{message}");
        self
    }

    /// Neither view is special.
    #[track_caller]
    pub(crate) fn symmetry(self) -> Self {
        let swapped = Pair { a: self.pair.b.clone(), b: self.pair.a.clone() };
        self.unchanged(&swapped)
    }

    /// The length of rows does not matter.
    #[track_caller]
    pub(crate) fn scale(self) -> Self {
        let scale = |(row, x): (usize, &Vec<f64>)| x.iter().map(|x| x * (row + 1) as f64).collect();
        let scaled = self.pair.map(|view| view.iter().enumerate().map(scale).collect());
        self.unchanged(&scaled)
    }

    /// Value and gradients in single precision, by whatever path, are those in double precision.
    #[track_caller]
    pub(crate) fn precision(self) -> Self {
        for (rows, columns) in [(5, 4), (70, 33), (150, 8)] {
            let pair = Pair::sample(rows, columns);
            let [a, b] = pair.tensors(&Device::flex(), DType::F32);
            let found = f64::from((self.loss)(a, b).into_scalar::<f32>());
            assert_close(found, value(self.loss, &pair), 1e-5);
            let [single, double] =
                [DType::F32, DType::F64].map(|kind| gradients(self.loss, &pair, kind).concat());
            let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let apart: Vec<f64> = single.iter().zip(&double).map(|(x, y)| x - y).collect();
            let off = norm(&apart) / norm(&double).max(1e-6);
            assert!(off < 1e-4, "gradients are {off} apart for {rows} rows of {columns}");
        }
        self
    }

    /// Small batches, one column, zero rows and rows of any length give finite losses and gradients
    /// in single precision; NaN is not hidden.
    #[track_caller]
    pub(crate) fn extremes(self, least_rows: usize) -> Self {
        let times = |factor: f64| {
            self.pair.map(|view| {
                view.iter().map(|row| row.iter().map(|x| x * factor).collect()).collect()
            })
        };
        let mut zero_row = self.pair.clone();
        zero_row.a[1].fill(0.0);
        zero_row.b[3].fill(0.0);
        let mut cases = vec![times(0.0), times(1e-20), times(1e20), zero_row, Pair::sample(2, 1)];
        cases.push(Pair::sample(least_rows, 3));
        for pair in &cases {
            let [a, b] = pair.tensors(&Device::flex(), DType::F32);
            let value: f32 = (self.loss)(a, b).into_scalar();
            assert!(value.is_finite(), "{value} for {pair:?}");
            let [a, b] = gradients(self.loss, pair, DType::F32);
            assert!(a.iter().chain(&b).all(|g| g.is_finite()), "{a:?} {b:?} for {pair:?}");
        }
        let mut unknown = self.pair.clone();
        unknown.a[2][1] = f64::NAN;
        assert!(value(self.loss, &unknown).is_nan(), "NaN must not become a number");
        self
    }
}
