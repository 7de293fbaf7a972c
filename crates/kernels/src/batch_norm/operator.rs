//! The kernels as operators of burn: on Flex, and with their gradients on Flex with autodiff.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape as TensorShape, TensorData};
use rayon::prelude::*;

use crate::geometry::Shape;
use crate::norm::Planes;
use crate::{conv, norm};

/// What can be called on tensors.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait KernelOps: Backend {
    fn kernel_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    /// `[2, channels]`: mean and biased variance; a constant to the gradient.
    fn kernel_moments(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Batch norm by given moments, differentiated as if they were computed here.
    fn kernel_batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// The same with `carried` added before the ReLU.
    fn kernel_batch_norm_add(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        carried: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
}

/// The gradients of [`KernelOps`].
pub(crate) trait KernelGradients: Backend {
    fn conv2d_input(
        shape: Shape,
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn conv2d_weight(
        shape: Shape,
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    /// Those of input, γ, β and, where there is one, what was carried.
    fn norm_gradients(saved: Saved<Self>, dy: FloatTensor<Self>) -> Vec<FloatTensor<Self>>;
}

/// What the way back of a batch norm needs.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: Backend> {
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    moments: FloatTensor<B>,
    /// The output, where a ReLU came last.
    y: Option<FloatTensor<B>>,
    /// Whether something was added before the ReLU.
    carries: bool,
    epsilon: f64,
}

type FlexTensor = FloatTensor<Flex>;

/// Numbers that are laid out at a time.
const PIECE: usize = 64;

/// As many zeros, by all threads.
fn zeros(length: usize) -> Vec<f32> {
    let pieces = (0..length.div_ceil(PIECE)).into_par_iter();
    let mut zeros = pieces.map(|_| [0.0; PIECE]).collect::<Vec<_>>().into_flattened();
    zeros.truncate(length);
    zeros
}

/// A copy, by all threads.
fn copied(numbers: &[f32]) -> Vec<f32> {
    let (pieces, rest) = numbers.as_chunks::<PIECE>();
    let mut copied = pieces.par_iter().copied().collect::<Vec<_>>().into_flattened();
    copied.extend(rest);
    copied
}

/// The tensor with its numbers row by row and no more in its storage, which can be changed.
pub(crate) fn own(tensor: FlexTensor) -> FlexTensor {
    let own = tensor.to_contiguous();
    if own.storage::<f32>().len() == own.shape().num_elements() {
        return own;
    }
    self::tensor(numbers(&own).to_vec(), own.shape())
}

/// The numbers of a tensor, row by row.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().unwrap_or_default()
}

fn tensor(numbers: Vec<f32>, shape: impl Into<TensorShape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

fn planes(x: &FlexTensor) -> Planes {
    let dims = x.shape();
    Planes { channels: dims[1], plane: dims.iter().skip(2).product() }
}

fn conv_shape<B: Backend>(
    x: &FloatTensor<B>,
    weight: &FloatTensor<B>,
    stride: usize,
    padding: usize,
) -> Shape {
    let (x, weight) = (x.shape(), weight.shape());
    Shape {
        batch: x[0],
        d_input: x[1],
        d_output: weight[0],
        height: x[2],
        width: x[3],
        kernel: [weight[2], weight[3]],
        stride,
        padding,
    }
}

impl KernelOps for Flex {
    fn kernel_conv2d(
        x: FlexTensor,
        weight: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        let shape = conv_shape::<Self>(&x, &weight, stride, padding);
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let [height, width] = shape.output();
        let mut y = zeros(shape.batch * shape.d_output * height * width);
        conv::forward(shape, numbers(&x), numbers(&weight), &mut y);
        tensor(y, [shape.batch, shape.d_output, height, width])
    }

    fn kernel_moments(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        tensor(norm::moments(planes(&x), numbers(&x)), [2, planes(&x).channels])
    }

    fn kernel_batch_norm(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        moments: FlexTensor,
        epsilon: f64,
        relu: bool,
    ) -> FlexTensor {
        batch_norm(x, [gamma, beta, moments], None, (epsilon, relu))
    }

    fn kernel_batch_norm_add(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        moments: FlexTensor,
        carried: FlexTensor,
        epsilon: f64,
    ) -> FlexTensor {
        batch_norm(x, [gamma, beta, moments], Some(carried), (epsilon, true))
    }
}

fn batch_norm(
    x: FlexTensor,
    parameters: [FlexTensor; 3],
    carried: Option<FlexTensor>,
    settings: (f64, bool),
) -> FlexTensor {
    let x = x.to_contiguous();
    let parameters = parameters.map(|parameter| parameter.to_contiguous());
    let carried = carried.map(|carried| carried.to_contiguous());
    let [gamma, beta, moments] = &parameters;
    let mut y = zeros(numbers(&x).len());
    let parameters = [numbers(gamma), numbers(beta), numbers(moments)];
    norm::apply(
        planes(&x),
        numbers(&x),
        parameters,
        carried.as_ref().map(numbers),
        settings,
        &mut y,
    );
    tensor(y, x.shape())
}

impl KernelGradients for Flex {
    fn conv2d_input(shape: Shape, dy: FlexTensor, weight: FlexTensor) -> FlexTensor {
        let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
        let mut dx = zeros(shape.batch * shape.d_input * shape.height * shape.width);
        conv::input_gradient(shape, numbers(&dy), numbers(&weight), &mut dx);
        tensor(dx, [shape.batch, shape.d_input, shape.height, shape.width])
    }

    fn conv2d_weight(shape: Shape, x: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        let [height, width] = shape.kernel;
        let mut dw = vec![0.0; shape.d_output * shape.d_input * height * width];
        conv::weight_gradient(shape, numbers(&x), numbers(&dy), &mut dw);
        tensor(dw, [shape.d_output, shape.d_input, height, width])
    }

    fn norm_gradients(saved: Saved<Self>, dy: FlexTensor) -> Vec<FlexTensor> {
        let Saved { x, gamma, moments, y, carries, epsilon } = saved;
        let [x, gamma, moments] = [x, gamma, moments].map(|tensor| tensor.to_contiguous());
        let y = y.map(|y| y.to_contiguous());
        let mut dy = own(dy);
        let (planes, x_numbers) = (planes(&x), numbers(&x));
        let passed = dy.storage_mut::<f32>();
        let y = y.as_ref().map(numbers);
        let sums = norm::sums(planes, passed, x_numbers, y, numbers(&moments), epsilon);
        let carried = carries.then(|| tensor(copied(numbers(&dy)), dy.shape()));
        let parameters = [numbers(&gamma), numbers(&moments), &sums];
        norm::input_gradient(planes, x_numbers, parameters, epsilon, dy.storage_mut());
        let of_gamma = tensor(sums[planes.channels..].to_vec(), [planes.channels]);
        let of_beta = tensor(sums[..planes.channels].to_vec(), [planes.channels]);
        [dy, of_gamma, of_beta].into_iter().chain(carried).collect()
    }
}

#[derive(Debug)]
struct Conv2dBackward;

impl<B: KernelOps + KernelGradients> Backward<B, 2> for Conv2dBackward {
    type State = (NodeId, NodeId, Shape);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, saved: &mut Checkpointer) {
        let [x_node, weight_node] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, weight, shape) = ops.state;
        if let Some(node) = weight_node {
            let x = saved.retrieve_node_output(x);
            grads.register::<B>(node.id, B::conv2d_weight(shape, x, dy.clone()));
        }
        if let Some(node) = x_node {
            let weight = saved.retrieve_node_output(weight);
            grads.register::<B>(node.id, B::conv2d_input(shape, dy, weight));
        }
    }
}

#[derive(Debug)]
struct BatchNormBackward;

impl<B: KernelOps + KernelGradients> Backward<B, 4> for BatchNormBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let gradients = B::norm_gradients(ops.state, dy);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: KernelOps + KernelGradients, C: CheckpointStrategy> KernelOps for Autodiff<B, C> {
    fn kernel_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let shape = conv_shape::<Self>(&x, &weight, stride, padding);
        match Conv2dBackward.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&weight), shape);
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                prep.finish(state, B::kernel_conv2d(x, weight, stride, padding))
            }
            OpsKind::UnTracked(prep) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                prep.finish(B::kernel_conv2d(x, weight, stride, padding))
            }
        }
    }

    fn kernel_moments(x: FloatTensor<Self>) -> FloatTensor<Self> {
        <Self as AutodiffBackend>::from_inner(B::kernel_moments(x.into_primitive()))
    }

    fn kernel_batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
        relu: bool,
    ) -> FloatTensor<Self> {
        // A fourth parent that is none: the same node takes both kinds.
        let nobody = <Self as AutodiffBackend>::from_inner(moments.clone().into_primitive());
        let nodes = [x.node(), gamma.node(), beta.node(), nobody.node()];
        #[allow(clippy::redundant_closure_for_method_calls, reason = "the type has no public path")]
        let [x, gamma, beta, moments] = [x, gamma, beta, moments].map(|t| t.into_primitive());
        let run = || {
            let inputs = (x.clone(), gamma.clone(), beta.clone(), moments.clone());
            B::kernel_batch_norm(inputs.0, inputs.1, inputs.2, inputs.3, epsilon, relu)
        };
        match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = run();
                let saved = relu.then(|| y.clone());
                prep.finish(Saved { x, gamma, moments, y: saved, carries: false, epsilon }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(run()),
        }
    }

    fn kernel_batch_norm_add(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        carried: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node(), carried.node()];
        #[allow(clippy::redundant_closure_for_method_calls, reason = "the type has no public path")]
        let [x, gamma, beta, moments, carried] =
            [x, gamma, beta, moments, carried].map(|t| t.into_primitive());
        let y = B::kernel_batch_norm_add(
            x.clone(),
            gamma.clone(),
            beta,
            moments.clone(),
            carried,
            epsilon,
        );
        match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = Some(y.clone());
                prep.finish(Saved { x, gamma, moments, y: saved, carries: true, epsilon }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
