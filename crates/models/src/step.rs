//! The result of one forward pass of a method.

use burn::tensor::Tensor;

/// The result of one forward pass of a method.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::Step;
///
/// let rows = Tensor::<2>::ones([4, 8], &Device::flex());
/// let (near, far) = (rows.clone().mean(), rows.clone().square().mean());
/// let step = Step::new(near.clone() + far.clone())
///     .with_term("near", near)
///     .with_term("far", far)
///     .with_embedding(rows.clone())
///     .with_carry(rows);
/// assert_eq!((step.terms.len(), step.carry.dims()), (2, [4, 8]));
/// ```
#[derive(Debug)]
pub struct Step<C = ()> {
    /// The loss to minimize, `[1]`.
    pub loss: Tensor<1>,
    /// The embeddings of one view, `[batch, dim]`, without a graph. Their spread tells whether the
    /// encoder has collapsed.
    pub embedding: Option<Tensor<2>>,
    /// The parts of the loss to log, by name, each `[1]` and without a graph.
    pub terms: Vec<(&'static str, Tensor<1>)>,
    /// What [`Method::after_update`](crate::Method::after_update) takes in, such as keys to push.
    pub carry: C,
}

impl Step {
    /// Creates the result of a method that carries nothing over to the next step.
    ///
    /// # Shapes
    /// - `loss`: `[1]`
    #[must_use]
    pub fn new(loss: Tensor<1>) -> Self {
        Self { loss, embedding: None, terms: Vec::new(), carry: () }
    }
}

impl<C> Step<C> {
    /// Adds the embeddings from which the collapse figures are computed, usually the projector's
    /// output for one view, before a predictor. They are detached from the graph.
    ///
    /// # Shapes
    /// - `embedding`: `[batch, dim]`
    #[must_use]
    pub fn with_embedding(self, embedding: Tensor<2>) -> Self {
        Self { embedding: Some(embedding.inner()), ..self }
    }

    /// Adds a part of the loss to log under `name`; it is detached from the graph.
    ///
    /// # Shapes
    /// - `term`: `[1]`
    #[must_use]
    pub fn with_term(mut self, name: &'static str, term: Tensor<1>) -> Self {
        self.terms.push((name, term.inner()));
        self
    }

    /// Sets what [`Method::after_update`](crate::Method::after_update) takes in.
    #[must_use]
    pub fn with_carry<D>(self, carry: D) -> Step<D> {
        let Self { loss, embedding, terms, .. } = self;
        Step { loss, embedding, terms, carry }
    }
}
