//! Batch norm as an operator of burn: on Flex, and with its gradients on Flex with autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, TensorMetadata, backend_extension};

use super::host::{self, Activation, ChannelPlanes};
use crate::flex::{FlexTensor, as_f32_slice, copy_of, from_elements, make_contiguous, zeros};

/// The batch norm of every backend that has our kernels.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait BatchNormOps: Backend {
    /// Computes mean and biased variance of each channel, `[2, channels]`; a constant to the
    /// gradient.
    fn kernel_moments(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Normalizes by precomputed moments, differentiated as if they were computed here.
    fn kernel_batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// Normalizes likewise, with `residual` added before the ReLU.
    fn kernel_batch_norm_add(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
}

/// The gradients of [`BatchNormOps`].
pub(crate) trait BatchNormGradients: Backend {
    /// Computes the gradients with respect to input, γ, β and, if present, the residual.
    fn norm_gradients(saved: Saved<Self>, dy: FloatTensor<Self>) -> Vec<FloatTensor<Self>>;
}

/// The saved state of a batch norm for its backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved<B: Backend> {
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    moments: FloatTensor<B>,
    activation: Activation,
    /// The output, where a ReLU came last.
    y: Option<FloatTensor<B>>,
    /// Whether a residual was added before the ReLU.
    has_residual: bool,
    epsilon: f64,
}

fn planes(x: &FlexTensor) -> ChannelPlanes {
    let dims = x.shape();
    ChannelPlanes { channels: dims[1], plane: dims.iter().skip(2).product() }
}

impl BatchNormOps for Flex {
    fn kernel_moments(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        let planes = planes(&x);
        from_elements(host::moments(planes, as_f32_slice(&x)), [2, planes.channels])
    }

    fn kernel_batch_norm(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        moments: FlexTensor,
        epsilon: f64,
        activation: Activation,
    ) -> FlexTensor {
        normalize(x, [gamma, beta, moments], None, (epsilon, activation))
    }

    fn kernel_batch_norm_add(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        moments: FlexTensor,
        residual: FlexTensor,
        epsilon: f64,
    ) -> FlexTensor {
        normalize(x, [gamma, beta, moments], Some(residual), (epsilon, Activation::Relu))
    }
}

fn normalize(
    x: FlexTensor,
    parameters: [FlexTensor; 3],
    residual: Option<FlexTensor>,
    settings: (f64, Activation),
) -> FlexTensor {
    let x = x.to_contiguous();
    let parameters = parameters.map(|parameter| parameter.to_contiguous());
    let residual = residual.map(|residual| residual.to_contiguous());
    let [gamma, beta, moments] = &parameters;
    let mut y = zeros(as_f32_slice(&x).len());
    let parameters = [as_f32_slice(gamma), as_f32_slice(beta), as_f32_slice(moments)];
    host::normalize_channels(
        planes(&x),
        as_f32_slice(&x),
        parameters,
        residual.as_ref().map(as_f32_slice),
        settings,
        &mut y,
    );
    from_elements(y, x.shape())
}

impl BatchNormGradients for Flex {
    fn norm_gradients(saved: Saved<Self>, dy: FlexTensor) -> Vec<FlexTensor> {
        let Saved { x, gamma, beta, moments, activation, y, has_residual, epsilon } = saved;
        let [x, gamma, beta, moments] =
            [x, gamma, beta, moments].map(|tensor| tensor.to_contiguous());
        let y = y.map(|y| y.to_contiguous());
        let mut dy = make_contiguous(dy);
        let (planes, x_elements) = (planes(&x), as_f32_slice(&x));
        let passed = dy.storage_mut::<f32>();
        let parameters = [&gamma, &beta, &moments].map(as_f32_slice);
        let y = y.as_ref().map(as_f32_slice);
        let settings = (epsilon, activation);
        let sums = host::parameter_gradients(planes, passed, x_elements, y, parameters, settings);
        let residual = has_residual.then(|| from_elements(copy_of(as_f32_slice(&dy)), dy.shape()));
        let parameters = [as_f32_slice(&gamma), as_f32_slice(&moments), &sums];
        host::batch_norm_input_gradient(planes, x_elements, parameters, epsilon, dy.storage_mut());
        let of_gamma = from_elements(sums[planes.channels..].to_vec(), [planes.channels]);
        let of_beta = from_elements(sums[..planes.channels].to_vec(), [planes.channels]);
        [dy, of_gamma, of_beta].into_iter().chain(residual).collect()
    }
}

#[derive(Debug)]
struct BatchNormBackward;

impl<B: BatchNormOps + BatchNormGradients> Backward<B, 4> for BatchNormBackward {
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

impl<B: BatchNormOps + BatchNormGradients, C: CheckpointStrategy> BatchNormOps for Autodiff<B, C> {
    fn kernel_moments(x: FloatTensor<Self>) -> FloatTensor<Self> {
        <Self as AutodiffBackend>::from_inner(B::kernel_moments(x.into_primitive()))
    }

    fn kernel_batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> FloatTensor<Self> {
        // A fourth parent is needed without a residual too, as the node of both kinds has four.
        let none = <Self as AutodiffBackend>::from_inner(moments.clone().into_primitive());
        let nodes = [x.node(), gamma.node(), beta.node(), none.node()];
        #[allow(clippy::redundant_closure_for_method_calls, reason = "the type has no public path")]
        let [x, gamma, beta, moments] = [x, gamma, beta, moments].map(|t| t.into_primitive());
        let run = || {
            let inputs = (x.clone(), gamma.clone(), beta.clone(), moments.clone());
            B::kernel_batch_norm(inputs.0, inputs.1, inputs.2, inputs.3, epsilon, activation)
        };
        match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = run();
                let saved = (activation == Activation::Relu).then(|| y.clone());
                let has_residual = false;
                let saved =
                    Saved { x, gamma, beta, moments, activation, y: saved, has_residual, epsilon };
                prep.finish(saved, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(run()),
        }
    }

    fn kernel_batch_norm_add(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node(), residual.node()];
        #[allow(clippy::redundant_closure_for_method_calls, reason = "the type has no public path")]
        let [x, gamma, beta, moments, residual] =
            [x, gamma, beta, moments, residual].map(|t| t.into_primitive());
        let y = B::kernel_batch_norm_add(
            x.clone(),
            gamma.clone(),
            beta.clone(),
            moments.clone(),
            residual,
            epsilon,
        );
        match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (activation, has_residual) = (Activation::Relu, true);
                let saved = Some(y.clone());
                let saved =
                    Saved { x, gamma, beta, moments, activation, y: saved, has_residual, epsilon };
                prep.finish(saved, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}
