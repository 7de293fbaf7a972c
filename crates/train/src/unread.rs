//! The results of a step that were not read from the device yet.

use burn::tensor::Tensor;
use selfsame_models::Clock;

/// The results of a step, still on its device.
pub(crate) struct Unread {
    /// The place in the schedule after the step.
    pub(crate) clock: Clock,
    pub(crate) loss: Tensor<1>,
    pub(crate) terms: Vec<(&'static str, Tensor<1>)>,
    pub(crate) embedding: Option<Tensor<2>>,
    pub(crate) learning_rate: f64,
}

impl Unread {
    /// Creates the results of a forward pass, before its update.
    pub(crate) fn new(
        loss: Tensor<1>,
        terms: Vec<(&'static str, Tensor<1>)>,
        embedding: Option<Tensor<2>>,
    ) -> Self {
        Self { clock: Clock::default(), loss, terms, embedding, learning_rate: 0.0 }
    }

    /// Adds the results of another batch of the same update; its embedding is kept.
    pub(crate) fn add(self, other: Self) -> Self {
        let terms = self.terms.into_iter().zip(other.terms);
        Self {
            loss: self.loss + other.loss,
            terms: terms.map(|((name, a), (_, b))| (name, a + b)).collect(),
            ..other
        }
    }

    /// Multiplies the loss and its terms.
    pub(crate) fn scale(self, factor: f64) -> Self {
        let terms = self.terms.into_iter().map(|(name, term)| (name, term * factor)).collect();
        Self { loss: self.loss * factor, terms, ..self }
    }
}
