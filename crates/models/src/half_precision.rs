//! Convolutions in half precision, and everything else in single precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{FloatDType, Tensor};

/// Returns a copy of the networks for one forward pass, with the weights of its convolutions in
/// `precision`.
///
/// Nearly all the work of a residual network is in its convolutions. These compute in half
/// precision, while norms, linear layers and losses stay in single precision. Gradients arrive in
/// single precision at the weights of `networks`, which are the ones to update; the running
/// statistics of `networks` are updated as well. Gradients below 6·10⁻⁸ vanish in `F16`, but not in
/// `BF16`.
///
/// # Source
/// Micikevicius et al., 2018, [arXiv:1710.03740](https://arxiv.org/abs/1710.03740), section 3.1.
/// Deviation: no scaling of the loss (section 3.2).
///
/// # Example
/// ```
/// use burn::tensor::{Device, FloatDType, Tensor};
/// use selfsame_models::{Backbone, ResNetConfig, cast_convolutions};
///
/// let device = Device::flex();
/// let resnet = ResNetConfig::resnet10(2).init(0, &device);
/// let images = Tensor::<4>::ones([1, 3, 8, 8], &device);
/// let single = resnet.forward(images.clone());
/// let half = cast_convolutions(&resnet, FloatDType::BF16).forward(images);
/// let apart = (half - single).abs().max().into_scalar::<f32>();
/// assert!(0.0 < apart && apart < 0.1, "{apart}");
/// ```
#[must_use]
pub fn cast_convolutions<M: Module>(networks: &M, precision: FloatDType) -> M {
    networks.clone().map(&mut Cast(precision))
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D == 4 { param.map(|weight| weight.cast(self.0)) } else { param }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backbone, Batch, Context, Method, ResNetConfig, SimClrConfig};
    use burn::optim::GradientsParams;
    use burn::tensor::{DType, Device, Distribution, Tolerance};

    #[test]
    fn a_step_is_close_and_its_gradients_are_single() {
        let device = Device::flex().autodiff();
        let encoder = ResNetConfig::resnet10(4).init(0, &device);
        let networks = SimClrConfig::default().init(encoder, 1, &device);
        device.seed(0);
        let view = || Tensor::random([6, 3, 8, 8], Distribution::Normal(0.0, 1.0), &device);
        let (views, context) = (Batch::new(vec![view(), view()]), Context::default());
        let single = networks.step(&views, &context).loss.into_data();
        for precision in [FloatDType::F16, FloatDType::BF16] {
            let half = cast_convolutions(&networks, precision);
            let loss = half.step(&views, &context).loss;
            let found = loss.clone().into_data();
            assert_ne!(found, single, "nothing was rounded");
            found.assert_approx_eq::<f32>(&single, Tolerance::rel_abs(2e-2, 0.0));
            let gradients = GradientsParams::from_grads(loss.backward(), &networks);
            let whole = GradientsParams::from_grads(
                networks.step(&views, &context).loss.backward(),
                &networks,
            );
            assert_eq!(gradients.len(), whole.len(), "every weight has its gradient");
        }
        let features = cast_convolutions(networks.encoder(), FloatDType::F16).forward(view());
        assert_eq!(features.dtype(), DType::F32);
    }
}
