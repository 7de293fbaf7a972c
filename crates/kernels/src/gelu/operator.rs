//! GELU as an operator of burn: on Flex, and with its gradient on Flex with autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};

use super::host;
use crate::flex::{FlexTensor, as_f32_slice, from_elements, make_contiguous, zeros};

/// The GELU of every backend that has our kernels.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait GeluOps: Backend {
    fn kernel_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// The gradient of [`GeluOps`].
pub(crate) trait GeluGradients: Backend {
    fn gelu_input(x: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl GeluOps for Flex {
    fn kernel_gelu(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        let mut y = zeros(as_f32_slice(&x).len());
        host::gelu_of(as_f32_slice(&x), &mut y);
        from_elements(y, x.shape())
    }
}

impl GeluGradients for Flex {
    fn gelu_input(x: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        let mut dy = make_contiguous(dy);
        host::gelu_gradient(as_f32_slice(&x), dy.storage_mut::<f32>());
        dy
    }
}

#[derive(Debug)]
struct GeluBackward;

impl<B: GeluOps + GeluGradients> Backward<B, 1> for GeluBackward {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::gelu_input(ops.state, dy));
        }
    }
}

impl<B: GeluOps + GeluGradients, C: CheckpointStrategy> GeluOps for Autodiff<B, C> {
    fn kernel_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        match GeluBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x.clone(), B::kernel_gelu(x)),
            OpsKind::UnTracked(prep) => prep.finish(B::kernel_gelu(x)),
        }
    }
}
