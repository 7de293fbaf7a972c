//! Convolution as an operator of burn: on Flex, and with its gradients on Flex with autodiff.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

use super::direct;
use super::layout::Shape;
use crate::flex::{FlexTensor, as_f32_slice, from_elements, zeros};

/// The convolution of every backend that has our kernels.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Conv2dOps: Backend {
    fn kernel_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;
}

/// The gradients of [`Conv2dOps`].
pub(crate) trait Conv2dGradients: Backend {
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

impl Conv2dOps for Flex {
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
        direct::convolve(shape, as_f32_slice(&x), as_f32_slice(&weight), &mut y);
        from_elements(y, [shape.batch, shape.d_output, height, width])
    }
}

impl Conv2dGradients for Flex {
    fn conv2d_input(shape: Shape, dy: FlexTensor, weight: FlexTensor) -> FlexTensor {
        let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
        let mut dx = zeros(shape.batch * shape.d_input * shape.height * shape.width);
        direct::input_gradient(shape, as_f32_slice(&dy), as_f32_slice(&weight), &mut dx);
        from_elements(dx, [shape.batch, shape.d_input, shape.height, shape.width])
    }

    fn conv2d_weight(shape: Shape, x: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        let [height, width] = shape.kernel;
        let mut dw = vec![0.0; shape.d_output * shape.d_input * height * width];
        direct::weight_gradient(shape, as_f32_slice(&x), as_f32_slice(&dy), &mut dw);
        from_elements(dw, [shape.d_output, shape.d_input, height, width])
    }
}

#[derive(Debug)]
struct Conv2dBackward;

impl<B: Conv2dOps + Conv2dGradients> Backward<B, 2> for Conv2dBackward {
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

impl<B: Conv2dOps + Conv2dGradients, C: CheckpointStrategy> Conv2dOps for Autodiff<B, C> {
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
}
