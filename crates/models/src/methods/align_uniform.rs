//! Alignment and uniformity: views of an image are near each other, and images spread evenly.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{HypersphereLossConfig, hypersphere_terms};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, Seed, Step, settings};

/// Settings of [`AlignUniform`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignUniformConfig {
    /// Width of the projector's hidden layer. Default 256 (ours).
    pub d_hidden: usize,
    /// Width of the embedding. Default 128, as in the official code.
    pub d_output: usize,
    /// α, greater than 0: the power of the distance of two views. Default 2, as in the official
    /// code.
    pub alpha: f64,
    /// t, greater than 0: the rate at which the force of a pair decays with its squared distance.
    /// Default 2, as in the official code.
    pub t: f64,
    /// λ, the weight of uniformity. Default 1, as in the official code.
    pub uniformity: f64,
}

impl Default for AlignUniformConfig {
    /// Returns the settings of the official code on STL-10; hidden layer 256 (ours).
    fn default() -> Self {
        Self { d_hidden: 256, d_output: 128, alpha: 2.0, t: 2.0, uniformity: 1.0 }
    }
}

impl AlignUniformConfig {
    /// Creates the method around `encoder`.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> AlignUniform<B> {
        let projector = MlpConfig::new([encoder.d_output(), self.d_hidden, self.d_output]);
        let projector = projector.init(seed.into().at("projector"), device);
        AlignUniform { encoder, projector, config: self.clone() }
    }
}

/// Alignment and uniformity, the two properties that a contrastive loss strives for, as a loss.
///
/// ```text
/// loss = mean ‖ẑ_a − ẑ_b‖^α + λ ½ (U(Z_a) + U(Z_b))        z = g(f(view))
/// U    = log mean over pairs i < j of exp(−t ‖ẑᵢ − ẑⱼ‖²)
/// ```
/// f encoder, g projector; a hat is a row of unit length. The terms `alignment` and `uniformity`,
/// with its weight, are logged.
///
/// # Source
/// Wang & Isola, 2020, [arXiv:2005.10242](https://arxiv.org/abs/2005.10242), and the official code.
/// Deviation: the two views are encoded separately, so batch norm sees one view at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{AlignUniformConfig, Batch, Context, Method, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let method = AlignUniformConfig::default().init(encoder, 0, &device);
/// let view = Tensor::ones([4, 3, 8, 8], &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// // All images are alike: views are aligned, and nothing is spread.
/// assert!(step.loss.into_scalar::<f32>().abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct AlignUniform<B: Module> {
    encoder: B,
    projector: Mlp,
    #[module(skip)]
    config: AlignUniformConfig,
}

impl<B: Backbone> AlignUniform<B> {
    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for AlignUniform<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let [a, b] = batch.pair().map(|view| self.embed(view));
        let AlignUniformConfig { alpha, t, uniformity, .. } = self.config;
        let config = HypersphereLossConfig { alpha, t, uniformity };
        let terms = hypersphere_terms(a.clone(), b, &config);
        Step::new(terms.loss())
            .with_embedding(a)
            .with_term("alignment", terms.alignment)
            .with_term("uniformity", terms.uniformity)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate or raise `uniformity`, the weight that keeps images apart"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{assert_close, device, encoder, gradients, views};
    use selfsame_losses::hypersphere;

    fn method(config: &AlignUniformConfig) -> AlignUniform<crate::ResNet> {
        config.init(encoder(1), 1, &device())
    }

    #[test]
    fn the_loss_is_that_of_both_projections_and_its_terms_add_up() {
        let config =
            AlignUniformConfig { d_hidden: 6, d_output: 3, uniformity: 0.7, ..Default::default() };
        let (method, batch) = (method(&config), views(2));
        let [a, b] = batch.pair().map(|view| method.embed(view));
        let loss = HypersphereLossConfig { alpha: 2.0, t: 2.0, uniformity: 0.7 };
        let want = hypersphere(a, b, &loss);
        let step = method.step(&batch, &Context::default());
        assert_close(step.loss.clone(), want);
        let [(first, alignment), (second, uniformity)] = &step.terms[..] else {
            panic!("{:?}", step.terms)
        };
        assert_eq!((*first, *second), ("alignment", "uniformity"));
        assert_close(alignment.clone() + uniformity.clone(), step.loss.inner());
    }

    #[test]
    fn both_views_have_a_gradient() {
        let method = method(&AlignUniformConfig::default());
        let gradient = |first: usize, second: usize| {
            let batch = views(2);
            let views = [first, second].map(|view| batch.views[view].clone());
            let step = method.step(&Batch::new(views.to_vec()), &Context::default());
            gradients(&method, step.loss)
        };
        crate::methods::small::assert_same_gradients(&gradient(0, 1), &gradient(1, 0));
    }
}
