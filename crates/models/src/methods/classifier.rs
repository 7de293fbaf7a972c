//! Supervised training, the baseline of pre-training.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::{Backbone, Method, Step, Views, linear};

/// A supervised classifier: an encoder and a linear layer, trained with cross-entropy.
///
/// ```text
/// loss = −mean log softmax(W f(view) + b)[label]        over all images and views
/// ```
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::{Classifier, ResNetConfig, seed_weights};
///
/// let device = Device::flex();
/// let encoder = ResNetConfig::resnet10(2).init(&device);
/// let classifier = seed_weights(Classifier::new(encoder, 10, &device), 0);
/// assert_eq!(classifier.forward(Tensor::ones([2, 3, 8, 8], &device)).dims(), [2, 10]);
/// ```
#[derive(Module, Debug)]
pub struct Classifier<B: Module> {
    encoder: B,
    head: Linear,
}

impl<B: Backbone> Classifier<B> {
    /// Creates a classifier of `classes` classes around `encoder`, with weights that
    /// [`seed_weights`](crate::seed_weights) draws.
    #[must_use]
    pub fn new(encoder: B, classes: usize, device: &Device) -> Self {
        let head = linear(encoder.d_output(), classes, true, device);
        Self { encoder, head }
    }

    /// Computes the score of every class.
    ///
    /// # Shapes
    /// - `images`: `[batch, channel, height, width]`
    /// - output: `[batch, classes]`, unnormalized log-probabilities
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.head.forward(self.encoder.forward(images))
    }
}

impl<B: Backbone> Method for Classifier<B> {
    type Encoder = B;

    /// # Panics
    /// If an image has no label.
    fn step(&self, views: &Views) -> Step {
        let scores: Vec<Tensor<2>> =
            views.all().iter().map(|view| self.forward(view.clone())).collect();
        #[allow(
            clippy::cast_possible_wrap,
            clippy::cast_possible_truncation,
            reason = "class counts are small"
        )]
        let labels: Vec<i32> = views.labels().iter().map(|&label| label as i32).collect();
        let device = scores[0].device();
        let labels = Tensor::<1, Int>::from_data(TensorData::from(labels.as_slice()), &device);
        let labels = labels.repeat_dim(0, scores.len());
        let scores = Tensor::cat(scores, 0);
        let loss = CrossEntropyLossConfig::new().init(&device).forward(scores.clone(), labels);
        Step::new(loss, scores)
    }

    fn encoder(&self) -> &B {
        &self.encoder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ResNetConfig, seed_weights};

    #[test]
    fn an_untrained_head_pays_the_entropy_of_a_guess() {
        let device = Device::flex().autodiff();
        let encoder = seed_weights(ResNetConfig::resnet10(2).init(&device), 0);
        let classifier = Classifier::new(encoder, 4, &device);
        let views = Views::new(vec![Tensor::ones([3, 3, 8, 8], &device); 2], vec![Some(1); 3]);
        let loss = classifier.step(&views).loss.into_scalar::<f32>();
        assert!((loss - 4.0_f32.ln()).abs() < 1e-5, "{loss}");
    }
}
