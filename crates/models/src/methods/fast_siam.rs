//! FastSiam: SimSiam with more views, each of which predicts the mean of the others.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::fast_siam;
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, Seed, SimSiamConfig, Step, settings};

/// Settings of [`FastSiam`], those of [`SimSiamConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FastSiamConfig {
    /// Width of the projector's layers and of the embedding. Default 512 (ours); the paper has 2048
    /// for features of 2048.
    pub d_output: usize,
    /// Width of the predictor's bottleneck. Default 128, a quarter of the embedding as in the
    /// paper.
    pub d_predictor: usize,
    /// Layers of the projector, 1 or more. Default 2, as SimSiam and lightly have on CIFAR-10; 3 on
    /// ImageNet.
    pub layers: usize,
}

impl Default for FastSiamConfig {
    /// Returns the projector of SimSiam on CIFAR-10, narrowed to 512 with a bottleneck of 128
    /// (ours).
    fn default() -> Self {
        Self { d_output: 512, d_predictor: 128, layers: 2 }
    }
}

impl FastSiamConfig {
    /// Creates FastSiam around `encoder`.
    ///
    /// # Panics
    /// If `layers` is 0.
    #[must_use]
    #[track_caller]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> FastSiam<B> {
        let Self { d_output, d_predictor, layers } = *self;
        let networks = SimSiamConfig { d_output, d_predictor, layers };
        let (projector, predictor) = networks.heads(encoder.d_output(), seed.into(), device);
        FastSiam { encoder, projector, predictor, config: self.clone() }
    }
}

/// FastSiam, which predicts the mean embedding of all other views from each view.
///
/// ```text
/// loss = −(1/K) Σᵢ cos(h(zᵢ), sg z̄ᵢ)        z = g(f(view)), z̄ᵢ the mean of the other K − 1
/// ```
/// f encoder, g projector, h predictor, sg stop-gradient, without which the encoder collapses. A
/// mean of several views changes less from step to step than a single one. K is the number of views
/// of the batch, 2 or more; with 2 this is [`SimSiam`](crate::SimSiam). The learning rate of the
/// predictor stays constant, as SimSiam's.
///
/// # Source
/// Pototzky et al., 2022, *FastSiam: Resource-Efficient Self-Supervised Learning on a Single GPU*,
/// [doi:10.1007/978-3-031-16788-1_4](https://doi.org/10.1007/978-3-031-16788-1_4).
/// Deviation: none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, FastSiamConfig, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = FastSiamConfig::default().init(encoder, 0, &device);
/// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
/// let step = method.step(&Batch::new(vec![view; 4]), &Context::default());
/// assert_eq!(step.embedding.map(|rows| rows.dims()), Some([4, 512]));
/// assert!(step.loss.into_scalar::<f32>().abs() <= 1.0);
/// ```
#[derive(Module, Debug)]
pub struct FastSiam<B: Module> {
    encoder: B,
    projector: Mlp,
    predictor: Mlp,
    #[module(skip)]
    config: FastSiamConfig,
}

impl<B: Backbone> FastSiam<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for FastSiam<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let z: Vec<_> = batch.views.iter().map(|view| self.embed(view.clone())).collect();
        let p: Vec<_> = z.iter().map(|z| self.predictor.forward(z.clone())).collect();
        Step::new(fast_siam(&p, &z)).with_embedding(z[0].clone())
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn constant_rate(&self) -> &'static [&'static str] {
        &["predictor"]
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or narrow the predictor with `d_predictor`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{
        assert_close, assert_same_gradients, device, encoder, gradients, views,
    };
    use crate::methods::unit_rows::unit_rows;

    fn method() -> FastSiam<crate::ResNet> {
        let config = FastSiamConfig { d_output: 6, d_predictor: 8, layers: 2 };
        config.init(encoder(1), 1, &device())
    }

    #[test]
    fn two_views_are_simsiam() {
        let config = SimSiamConfig { d_output: 6, d_predictor: 8, layers: 2 };
        let simsiam = config.init(encoder(1), 1, &device());
        let (batch, context) = (views(2), Context::default());
        let (found, want) = (method().step(&batch, &context), simsiam.step(&batch, &context));
        assert_close(found.loss, want.loss);
        assert_eq!(method().constant_rate(), simsiam.constant_rate());
    }

    #[test]
    fn a_view_predicts_the_mean_of_the_others_which_is_a_constant() {
        let (method, batch) = (method(), views(3));
        let z: Vec<Tensor<2>> = batch.views.iter().map(|view| method.embed(view.clone())).collect();
        let term = |[view, first, second]: [usize; 3]| {
            let target = (z[first].clone() + z[second].clone()).inner() / 2.0;
            let target = Tensor::from_data(unit_rows(target).into_data(), &device());
            (unit_rows(method.predictor.forward(z[view].clone())) * target).sum() / 5.0
        };
        let [a, b, c] = [[0, 1, 2], [1, 0, 2], [2, 0, 1]].map(term);
        let want = (a + b + c) / -3.0;
        let found = method.step(&batch, &Context::default()).loss;
        assert_close(found.clone(), want.clone());
        assert_same_gradients(&gradients(&method, found), &gradients(&method, want));
    }

    #[test]
    #[should_panic(expected = "2 views or more")]
    fn one_view_has_no_others() {
        let _ = method().step(&views(1), &Context::default());
    }
}
