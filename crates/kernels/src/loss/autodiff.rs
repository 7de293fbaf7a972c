//! Operators of the Flex backend with their gradients: a scalar with a precomputed gradient, rows
//! of unit length and standardized columns. A graph of burn's operators needs many more passes over
//! memory.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::l2_normalize::host::{unit_rows, unit_rows_gradient};
use super::standardize::host::{standardize_columns, standardize_columns_gradient};
use crate::flex::{FlexTensor, as_f32_slice, from_elements, make_contiguous};

/// Returns `value`, with `gradient` as its derivative with respect to `input`.
pub(crate) fn attach_gradient<const D: usize>(
    input: Tensor<D>,
    value: Tensor<1>,
    gradient: Tensor<D>,
) -> Tensor<1> {
    let (value, gradient) = (value.autodiff().into_dispatch(), gradient.autodiff().into_dispatch());
    let found = <Dispatch as LossOps>::loss_with_precomputed_gradient(
        input.into_dispatch(),
        value,
        gradient,
    );
    Tensor::from_dispatch(found)
}

/// Divides each row of a tensor of single precision by its length.
pub(crate) fn normalize_rows(rows: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as LossOps>::loss_unit_rows(rows.into_dispatch()))
}

/// Standardizes the columns of a tensor of single precision to mean 0 and variance 1.
pub(crate) fn standardize_tensor(x: Tensor<2>, epsilon: f64) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as LossOps>::loss_standardize(x.into_dispatch(), epsilon))
}

/// The operators of every backend that has our kernels.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait LossOps: Backend {
    fn loss_with_precomputed_gradient(
        input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn loss_unit_rows(rows: FloatTensor<Self>) -> FloatTensor<Self>;

    fn loss_standardize(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self>;
}

/// The forward passes of [`LossOps`] with the state to save, and the backward passes.
pub(crate) trait LossGradients: Backend {
    /// Returns `gradient · by`, where `by` has one element.
    fn scaled(gradient: FloatTensor<Self>, by: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Returns the rows of unit length, and the reciprocal of each original length.
    fn unit_rows_forward(rows: FloatTensor<Self>) -> [FloatTensor<Self>; 2];

    /// Computes the gradient with respect to the rows.
    fn unit_rows_backward(
        saved: [FloatTensor<Self>; 2],
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Returns the standardized columns, and the reciprocal of the root that each was divided by.
    fn standardize_forward(x: FloatTensor<Self>, epsilon: f64) -> [FloatTensor<Self>; 2];

    /// Computes the gradient with respect to the columns.
    fn standardize_backward(
        saved: [FloatTensor<Self>; 2],
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl LossOps for Flex {
    fn loss_with_precomputed_gradient(
        _: FlexTensor,
        value: FlexTensor,
        _: FlexTensor,
    ) -> FlexTensor {
        value
    }

    fn loss_unit_rows(rows: FlexTensor) -> FlexTensor {
        let [rows, _] = Self::unit_rows_forward(rows);
        rows
    }

    fn loss_standardize(x: FlexTensor, epsilon: f64) -> FlexTensor {
        let [standard, _] = Self::standardize_forward(x, epsilon);
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

    fn unit_rows_forward(rows: FlexTensor) -> [FlexTensor; 2] {
        let (rows, shape) = (rows.to_contiguous(), rows.shape());
        let (unit, inverse) = unit_rows(as_f32_slice(&rows), shape[1]);
        [from_elements(unit, shape.clone()), from_elements(inverse, [shape[0]])]
    }

    fn unit_rows_backward([unit, inverse]: [FlexTensor; 2], gradient: FlexTensor) -> FlexTensor {
        let (gradient, shape) = (gradient.to_contiguous(), unit.shape());
        let [rows, inverse, gradient] = [&unit, &inverse, &gradient].map(as_f32_slice);
        from_elements(unit_rows_gradient(rows, inverse, gradient, shape[1]), shape)
    }

    fn standardize_forward(x: FlexTensor, epsilon: f64) -> [FlexTensor; 2] {
        let (x, shape) = (x.to_contiguous(), x.shape());
        let (standard, inverse) = standardize_columns(as_f32_slice(&x), shape[1], epsilon as f32);
        [from_elements(standard, shape.clone()), from_elements(inverse, [shape[1]])]
    }

    fn standardize_backward([y, inverse]: [FlexTensor; 2], gradient: FlexTensor) -> FlexTensor {
        let (mut gradient, columns) = (make_contiguous(gradient), y.shape()[1]);
        let (y, inverse) = (as_f32_slice(&y), as_f32_slice(&inverse));
        standardize_columns_gradient(y, inverse, gradient.storage_mut(), columns);
        gradient
    }
}

#[derive(Debug)]
struct StandardizeBackward;

impl<B: LossGradients> Backward<B, 1> for StandardizeBackward {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [x] = ops.parents;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::standardize_backward(ops.state, gradient));
        }
    }
}

#[derive(Debug)]
struct PrecomputedGradient;

impl<B: LossGradients> Backward<B, 1> for PrecomputedGradient {
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
struct UnitRowsBackward;

impl<B: LossGradients> Backward<B, 1> for UnitRowsBackward {
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [rows] = ops.parents;
        if let Some(rows) = rows {
            grads.register::<B>(rows.id, B::unit_rows_backward(ops.state, gradient));
        }
    }
}

impl<B: LossOps + LossGradients, C: CheckpointStrategy> LossOps for Autodiff<B, C> {
    fn loss_with_precomputed_gradient(
        input: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (value, gradient) = (value.into_primitive(), gradient.into_primitive());
        match PrecomputedGradient.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(gradient, value),
            OpsKind::UnTracked(prep) => prep.finish(value),
        }
    }

    fn loss_unit_rows(rows: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = rows.node();
        let saved = B::unit_rows_forward(rows.into_primitive());
        let unit = saved[0].clone();
        match UnitRowsBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, unit),
            OpsKind::UnTracked(prep) => prep.finish(unit),
        }
    }

    fn loss_standardize(x: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let node = x.node();
        let saved = B::standardize_forward(x.into_primitive(), epsilon);
        let standard = saved[0].clone();
        match StandardizeBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, standard),
            OpsKind::UnTracked(prep) => prep.finish(standard),
        }
    }
}
