//! Operators of the Flex backend that a graph of burn's own operators would pay for with many passes
//! over memory: a scalar with a given gradient, and rows of unit length.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

use crate::{rows, standard};

pub(crate) type FlexTensor = FloatTensor<Flex>;

/// Whether a tensor lives on the Flex backend.
pub(crate) fn applies<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.device() == Device::flex()
}

/// A tensor without a graph as the backend keeps it, row by row; `None` unless it is of single
/// precision and on the Flex backend.
pub(crate) fn host<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    if tensor.dtype() != DType::F32 || !applies(tensor) {
        return None;
    }
    let tensor = tensor.clone().inner().try_into_primitive::<Flex>().ok()?;
    Some(tensor.to_contiguous())
}

/// The numbers of a tensor of single precision, row by row.
pub(crate) fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().unwrap_or_default()
}

/// The tensor with its numbers row by row and no more in its storage, which can be changed.
fn own(tensor: FlexTensor) -> FlexTensor {
    let own = tensor.to_contiguous();
    if own.storage::<f32>().len() == own.shape().num_elements() {
        return own;
    }
    self::tensor(numbers(&own).to_vec(), own.shape())
}

pub(crate) fn tensor(numbers: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

/// `value`, with `gradient` as its derivative by `input`.
pub(crate) fn with_gradient<const D: usize>(
    input: Tensor<D>,
    value: Tensor<1>,
    gradient: Tensor<D>,
) -> Tensor<1> {
    let (value, gradient) = (value.autodiff().into_dispatch(), gradient.autodiff().into_dispatch());
    let found = <Dispatch as LossOps>::loss_with_gradient(input.into_dispatch(), value, gradient);
    Tensor::from_dispatch(found)
}

/// Each row of a tensor of single precision divided by its length.
pub(crate) fn unit_rows(rows: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as LossOps>::loss_unit_rows(rows.into_dispatch()))
}

/// The columns of a tensor of single precision, with mean 0 and variance 1.
pub(crate) fn standardize(x: Tensor<2>, epsilon: f64) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as LossOps>::loss_standardize(x.into_dispatch(), epsilon))
}

/// What can be called on tensors.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait LossOps: Backend {
    fn loss_with_gradient(
        input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn loss_unit_rows(rows: FloatTensor<Self>) -> FloatTensor<Self>;

    fn loss_standardize(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self>;
}

/// What the ways back of [`LossOps`] need.
pub(crate) trait LossGradients: Backend {
    /// `gradient · by`, where `by` is one number.
    fn scaled(gradient: FloatTensor<Self>, by: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The rows of unit length, and one over the length that each had.
    fn unit_rows(rows: FloatTensor<Self>) -> [FloatTensor<Self>; 2];

    /// The gradient by the rows, from that by the rows of unit length.
    fn unit_rows_gradient(
        saved: [FloatTensor<Self>; 2],
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// The standardized columns, and one over the root that each was divided by.
    fn standardize(x: FloatTensor<Self>, epsilon: f64) -> [FloatTensor<Self>; 2];

    /// The gradient by the columns, from that by the standardized columns.
    fn standardize_gradient(
        saved: [FloatTensor<Self>; 2],
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl LossOps for Flex {
    fn loss_with_gradient(_: FlexTensor, value: FlexTensor, _: FlexTensor) -> FlexTensor {
        value
    }

    fn loss_unit_rows(rows: FlexTensor) -> FlexTensor {
        let [rows, _] = <Self as LossGradients>::unit_rows(rows);
        rows
    }

    fn loss_standardize(x: FlexTensor, epsilon: f64) -> FlexTensor {
        let [standard, _] = <Self as LossGradients>::standardize(x, epsilon);
        standard
    }
}

impl LossGradients for Flex {
    fn scaled(gradient: FlexTensor, by: FlexTensor) -> FlexTensor {
        let by = by.into_data().iter::<f64>().next().unwrap_or(1.0);
        // The last operation of most steps: nothing to do.
        if (by - 1.0).abs() < f64::EPSILON {
            return gradient;
        }
        Self::float_mul_scalar(gradient, by.into())
    }

    fn unit_rows(rows: FlexTensor) -> [FlexTensor; 2] {
        let (rows, shape) = (rows.to_contiguous(), rows.shape());
        let (unit, inverse) = rows::unit(numbers(&rows), shape[1]);
        [tensor(unit, shape.clone()), tensor(inverse, [shape[0]])]
    }

    fn unit_rows_gradient([unit, inverse]: [FlexTensor; 2], gradient: FlexTensor) -> FlexTensor {
        let (gradient, shape) = (gradient.to_contiguous(), unit.shape());
        let found =
            rows::unit_gradient(numbers(&unit), numbers(&inverse), numbers(&gradient), shape[1]);
        tensor(found, shape)
    }

    fn standardize(x: FlexTensor, epsilon: f64) -> [FlexTensor; 2] {
        let (x, shape) = (x.to_contiguous(), x.shape());
        let (standard, inverse) = standard::standardize(numbers(&x), shape[1], epsilon as f32);
        [tensor(standard, shape.clone()), tensor(inverse, [shape[1]])]
    }

    fn standardize_gradient([y, inverse]: [FlexTensor; 2], gradient: FlexTensor) -> FlexTensor {
        let (mut gradient, columns) = (own(gradient), y.shape()[1]);
        let (y, inverse) = (numbers(&y), numbers(&inverse));
        standard::standardize_gradient(y, inverse, gradient.storage_mut(), columns);
        gradient
    }
}

#[derive(Debug)]
struct Standardize;

impl<B: LossGradients> Backward<B, 1> for Standardize {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [x] = ops.parents;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::standardize_gradient(ops.state, gradient));
        }
    }
}

#[derive(Debug)]
struct Given;

impl<B: LossGradients> Backward<B, 1> for Given {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let by = grads.consume::<B>(&ops.node);
        let [input] = ops.parents;
        if let Some(input) = input {
            grads.register::<B>(input.id, B::scaled(ops.state, by));
        }
    }
}

#[derive(Debug)]
struct UnitRows;

impl<B: LossGradients> Backward<B, 1> for UnitRows {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [rows] = ops.parents;
        if let Some(rows) = rows {
            grads.register::<B>(rows.id, B::unit_rows_gradient(ops.state, gradient));
        }
    }
}

impl<B: LossOps + LossGradients, C: CheckpointStrategy> LossOps for Autodiff<B, C> {
    fn loss_with_gradient(
        input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (value, gradient) = (value.into_primitive(), gradient.into_primitive());
        match Given.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(gradient, value),
            OpsKind::UnTracked(prep) => prep.finish(value),
        }
    }

    fn loss_unit_rows(rows: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = rows.node();
        let saved = B::unit_rows(rows.into_primitive());
        let unit = saved[0].clone();
        match UnitRows.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, unit),
            OpsKind::UnTracked(prep) => prep.finish(unit),
        }
    }

    fn loss_standardize(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let node = x.node();
        let saved = B::standardize(x.into_primitive(), epsilon);
        let standard = saved[0].clone();
        match Standardize.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, standard),
            OpsKind::UnTracked(prep) => prep.finish(standard),
        }
    }
}
