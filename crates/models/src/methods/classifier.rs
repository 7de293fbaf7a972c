//! Supervised training, the baseline of pre-training.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Tensor};

use super::class_labels::class_labels;
use crate::{Backbone, Batch, Context, Method, Seed, Step, linear};

/// A supervised classifier: an encoder and a linear layer, trained with cross-entropy.
///
/// ```text
/// loss = −mean log softmax(W f(view) + b)[label]        over all samples and views
/// ```
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Classifier, ResNetConfig};
///
/// let device = Device::flex();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let classifier = Classifier::new(encoder, 10, 0, &device);
/// assert_eq!(classifier.forward(Tensor::ones([2, 3, 8, 8], &device)).dims(), [2, 10]);
/// ```
#[derive(Module, Debug)]
pub struct Classifier<B: Module> {
    encoder: B,
    head: Linear,
}

impl<B: Backbone> Classifier<B> {
    /// Creates a classifier of `classes` classes around `encoder`.
    #[must_use]
    pub fn new(encoder: B, classes: usize, seed: impl Into<Seed>, device: &Device) -> Self {
        let head = linear(encoder.d_output(), classes, true, seed.into().at("head"), device);
        Self { encoder, head }
    }

    /// Computes the score of every class.
    ///
    /// # Shapes
    /// - `input`: `[batch, ...]`, the encoder's input
    /// - output: `[batch, classes]`, unnormalized log-probabilities
    #[must_use]
    pub fn forward(&self, input: B::Input) -> Tensor<2> {
        self.head.forward(self.encoder.forward(input))
    }
}

impl<B: Backbone> Method for Classifier<B> {
    type Batch = Batch<B::Input>;
    type Encoder = B;
    type Carry = ();

    /// # Panics
    /// If a sample has no label.
    fn step(&self, batch: &Batch<B::Input>, _: &Context) -> Step {
        let scores: Vec<Tensor<2>> =
            batch.views.iter().map(|view| self.forward(view.clone())).collect();
        let device = scores[0].device();
        let labels = class_labels(batch, &device).repeat_dim(0, scores.len());
        let scores = Tensor::cat(scores, 0);
        let loss = CrossEntropyLossConfig::new().init(&device).forward(scores.clone(), labels);
        Step::new(loss).with_embedding(scores)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResNetConfig;

    #[test]
    fn an_untrained_head_pays_the_entropy_of_a_guess() {
        let device = Device::flex().autodiff();
        let encoder = ResNetConfig::resnet10(2).init(0, &device);
        let classifier = Classifier::new(encoder, 4, 0, &device);
        let images = Tensor::zeros([3, 3, 8, 8], &device);
        let batch = Batch::new(vec![images; 2]).with_labels(vec![Some(1); 3]);
        // Black images have features of 0, so all four scores are 0.
        let loss = classifier.step(&batch, &Context::default()).loss.into_scalar::<f32>();
        assert!((loss - 4.0_f32.ln()).abs() < 1e-5, "{loss}");
    }
}
