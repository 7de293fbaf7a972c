//! The two terms of losses that take any number of views.

use burn::tensor::Tensor;

/// The two terms of [`frossl`](crate::frossl()), `emp_ssl` or [`lejepa`](crate::lejepa()), each
/// `[1]` and weighted, so that they add up to the loss.
#[derive(Clone, Debug)]
pub struct ViewTerms {
    /// How far the views of an image are apart.
    pub invariance: Tensor<1>,
    /// What keeps the embeddings of different images apart.
    pub regularization: Tensor<1>,
}

impl ViewTerms {
    /// Returns the sum of the terms, which is the loss.
    #[must_use]
    pub fn loss(&self) -> Tensor<1> {
        self.regularization.clone() + self.invariance.clone()
    }
}
