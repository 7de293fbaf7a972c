//! Max pooling as an operator of burn: on Flex, and with its gradient on Flex with autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

use super::host::{self, Windows};
use crate::flex::{FlexTensor, as_f32_slice, from_elements, zeros};

/// The max pooling of every backend that has our kernels.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait MaxPoolOps: Backend {
    fn kernel_max_pool2d(x: FloatTensor<Self>, height: usize, width: usize) -> FloatTensor<Self>;
}

/// The gradient of [`MaxPoolOps`].
pub(crate) trait MaxPoolGradients: Backend {
    fn max_pool2d_input(saved: Saved<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The saved state of a pooling for its backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: Backend> {
    x: FloatTensor<B>,
    y: FloatTensor<B>,
    window: [usize; 2],
}

fn windows(x: &FlexTensor, window: [usize; 2]) -> Windows {
    let dims = x.shape();
    Windows { from: [dims[2], dims[3]], window }
}

impl MaxPoolOps for Flex {
    fn kernel_max_pool2d(x: FlexTensor, height: usize, width: usize) -> FlexTensor {
        let x = x.to_contiguous();
        let (dims, windows) = (x.shape(), windows(&x, [height, width]));
        let [height, width] = windows.to();
        let mut y = zeros(dims[0] * dims[1] * height * width);
        host::max_pool(windows, as_f32_slice(&x), &mut y);
        from_elements(y, [dims[0], dims[1], height, width])
    }
}

impl MaxPoolGradients for Flex {
    fn max_pool2d_input(saved: Saved<Self>, dy: FlexTensor) -> FlexTensor {
        let [x, y, dy] = [saved.x, saved.y, dy].map(|tensor| tensor.to_contiguous());
        let mut dx = zeros(as_f32_slice(&x).len());
        let windows = windows(&x, saved.window);
        let [elements, pooled, gradient] = [&x, &y, &dy].map(as_f32_slice);
        host::max_pool_gradient(windows, elements, pooled, gradient, &mut dx);
        from_elements(dx, x.shape())
    }
}

#[derive(Debug)]
struct MaxPoolBackward;

impl<B: MaxPoolOps + MaxPoolGradients> Backward<B, 1> for MaxPoolBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::max_pool2d_input(ops.state, dy));
        }
    }
}

impl<B: MaxPoolOps + MaxPoolGradients, C: CheckpointStrategy> MaxPoolOps for Autodiff<B, C> {
    fn kernel_max_pool2d(x: FloatTensor<Self>, height: usize, width: usize) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        match MaxPoolBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::kernel_max_pool2d(x.clone(), height, width);
                prep.finish(Saved { x, y: y.clone(), window: [height, width] }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::kernel_max_pool2d(x, height, width)),
        }
    }
}
