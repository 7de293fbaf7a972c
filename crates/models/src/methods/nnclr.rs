//! NNCLR: the nearest neighbor of one view in a queue finds the prediction from the other view.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use selfsame_losses::{NnclrLossConfig, Queue, nearest, nnclr};
use serde::{Deserialize, Serialize};

use crate::{Backbone, Batch, Context, Method, Mlp, MlpConfig, MlpOutput, Seed, Step, settings};

/// Settings of [`Nnclr`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NnclrConfig {
    /// Width of the projector's two hidden layers. Default 512 (ours); the paper has 2048.
    pub d_hidden: usize,
    /// Width of the embedding. Default 256, as in the paper.
    pub d_output: usize,
    /// Width of the predictor's hidden layer. Default 512 (ours); the paper has 4096.
    pub d_predictor: usize,
    /// τ, greater than 0. Default 0.1, as in the paper.
    pub temperature: f64,
    /// Embeddings in the queue. Default 4096, as lightly has on CIFAR-10; the paper has 98,304.
    pub queue: usize,
}

impl Default for NnclrConfig {
    /// Returns the paper's embedding and temperature, with narrower hidden layers (ours) and a
    /// shorter queue.
    fn default() -> Self {
        Self { d_hidden: 512, d_output: 256, d_predictor: 512, temperature: 0.1, queue: 4096 }
    }
}

impl NnclrConfig {
    /// Creates NNCLR around `encoder`; the queue starts with random rows.
    #[must_use]
    pub fn init<B: Backbone>(
        &self,
        encoder: B,
        seed: impl Into<Seed>,
        device: &Device,
    ) -> Nnclr<B> {
        let seed = seed.into();
        let widths = [encoder.d_output(), self.d_hidden, self.d_output];
        let projector = MlpConfig::of_layers(3, widths).with_output(MlpOutput::AffineNorm);
        let predictor = MlpConfig::new([self.d_output, self.d_predictor, self.d_output]);
        Nnclr {
            encoder,
            projector: projector.init(seed.at("projector"), device),
            predictor: predictor.init(seed.at("predictor"), device),
            queue: Queue::new(self.queue, self.d_output, seed.at("queue").number(), device),
            config: self.clone(),
        }
    }
}

/// NNCLR, which contrasts the nearest neighbor of each view with the predictions from the other.
///
/// ```text
/// loss = ½ CE(sg n_a, h(z_b)) + ½ CE(sg n_b, h(z_a))        z = g(f(view)), n the nearest row to z
/// CE   = mean over i of  −s(nᵢ, pᵢ)/τ + log Σₖ exp(s(nᵢ, pₖ)/τ)
/// ```
/// f encoder, g projector, h predictor, s cosine, sg stop-gradient; k runs over the batch. The
/// neighbor is searched in a queue of earlier embeddings of view a, which takes in those of the
/// batch after the update.
///
/// # Source
/// Dwibedi et al., 2021, [arXiv:2104.14548](https://arxiv.org/abs/2104.14548).
/// Deviation: the two views are encoded separately, so batch norm sees one view at a time.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Batch, Context, Method, NnclrConfig, ResNetConfig};
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let config = NnclrConfig { queue: 16, ..NnclrConfig::default() };
/// let mut method = config.init(encoder, 0, &device);
/// let view = Tensor::ones([4, 3, 8, 8], &device);
/// let step = method.step(&Batch::new(vec![view.clone(), view]), &Context::default());
/// method.after_update(vec![step.carry], &Context::default());
/// assert_eq!(method.queue().rows().dims(), [16, 256]);
/// // All images are alike, so the prediction is one of four equal ones.
/// assert!((step.loss.into_scalar::<f32>() - 4.0_f32.ln()).abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
pub struct Nnclr<B: Module> {
    encoder: B,
    projector: Mlp,
    predictor: Mlp,
    queue: Queue,
    #[module(skip)]
    config: NnclrConfig,
}

impl<B: Backbone> Nnclr<B> {
    /// Returns the embeddings of earlier batches, newest first.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    fn embed(&self, view: B::Input) -> Tensor<2> {
        self.projector.forward(self.encoder.forward(view))
    }
}

impl<B: Backbone> Method for Nnclr<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    /// The embeddings of view a, `[batch, d_output]`.
    type Carry = Tensor<2>;

    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step<Tensor<2>> {
        let [z_a, z_b] = batch.pair().map(|view| self.embed(view));
        let [p_a, p_b] = [&z_a, &z_b].map(|z| self.predictor.forward(z.clone()));
        let [n_a, n_b] = [&z_a, &z_b].map(|z| nearest(z.clone(), self.queue.rows()));
        let config = NnclrLossConfig { temperature: self.config.temperature };
        Step::new(nnclr(n_a, n_b, p_a, p_b, &config))
            .with_embedding(z_a.clone())
            .with_carry(z_a.inner())
    }

    fn after_update(&mut self, embeddings: Vec<Tensor<2>>, _: &Context) {
        for embedding in embeddings {
            self.queue.push(embedding);
        }
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }

    fn collapse_advice(&self) -> &'static str {
        "lower the learning rate, or raise `temperature` or `queue`"
    }

    fn settings(&self) -> serde_json::Value {
        settings(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::small::{
        assert_close, assert_same_gradients, device, encoder, gradients, values, views,
    };

    fn method() -> Nnclr<crate::ResNet> {
        let config = NnclrConfig {
            d_hidden: 6,
            d_output: 3,
            d_predictor: 5,
            queue: 12,
            ..NnclrConfig::default()
        };
        config.init(encoder(1), 1, &device())
    }

    #[test]
    fn heads_are_those_of_the_paper() {
        let method = method();
        // All layers are normalized with scale and shift, beside the statistics.
        let (first, second, third) = (4 * 6 + 4 * 6, 6 * 6 + 4 * 6, 6 * 3 + 4 * 3);
        assert_eq!(method.projector.num_params(), first + second + third);
        assert_eq!(method.predictor.num_params(), 3 * 5 + 4 * 5 + 5 * 3 + 3);
    }

    #[test]
    fn the_neighbor_is_a_constant_row_of_the_queue_for_both_views() {
        let (method, batch) = (method(), views(2));
        let [z_a, z_b] = batch.pair().map(|view| method.embed(view));
        let constant = |z: &Tensor<2>| {
            let found = nearest(z.clone().inner(), method.queue.rows());
            Tensor::<2>::from_data(found.into_data(), &Device::flex())
        };
        let (n_a, n_b) = (constant(&z_a), constant(&z_b));
        let [p_a, p_b] = [z_a, z_b].map(|z| method.predictor.forward(z));
        let config = NnclrLossConfig { temperature: 0.1 };
        let want = nnclr(n_a.clone(), n_b, p_a, p_b, &config);
        let found = method.step(&batch, &Context::default()).loss;
        assert_close(found.clone(), want.clone());
        assert_same_gradients(&gradients(&method, found), &gradients(&method, want));
        let rows = values(method.queue.rows());
        let rows: Vec<&[f32]> = rows.chunks(3).collect();
        assert!(values(n_a).chunks(3).all(|row| rows.contains(&row)));
    }

    #[test]
    fn the_queue_takes_in_the_first_view_after_the_update() {
        let (mut method, batch) = (method(), views(2));
        let before = method.queue.rows();
        let step = method.step(&batch, &Context::default());
        assert_close(method.queue.rows(), before.clone());
        method.after_update(vec![step.carry], &Context::default());
        let view_a = method.embed(batch.views[0].clone()).inner();
        let want = Tensor::cat(vec![view_a, before.narrow(0, 0, 7)], 0);
        assert_close(method.queue.rows(), want);
    }

    #[test]
    fn the_queue_is_not_trained() {
        let method = method();
        let found = gradients(&method, method.step(&views(2), &Context::default()).loss);
        assert!(found.keys().all(|path| !path.starts_with("queue")));
        assert!(found.keys().any(|path| path.starts_with("encoder")));
    }
}
