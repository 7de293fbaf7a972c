//! What the tests of methods of several views, all of one role, assert.

use super::small::{assert_close, assert_same_gradients, gradients, values};
use crate::{Batch, Context, Method, Step};

/// Asserts that the order of views changes neither the loss nor its gradients, so that no view is a
/// constant.
#[track_caller]
pub(super) fn assert_views_are_alike<M: Method<Batch = Batch>>(method: &M, batch: &Batch) {
    let mut turned = batch.clone();
    turned.views.rotate_left(1);
    let loss = |batch| method.step(batch, &Context::default()).loss;
    assert_close(loss(batch), loss(&turned));
    let (found, want) = (gradients(method, loss(batch)), gradients(method, loss(&turned)));
    assert!(want.keys().any(|path| path.ends_with("stem.conv.weight")), "{:?}", want.keys());
    assert_same_gradients(&found, &want);
}

/// Returns the logged terms; asserts that they have these names and add up to the loss.
#[track_caller]
pub(super) fn terms<C, const N: usize>(step: &Step<C>, names: [&str; N]) -> [f32; N] {
    assert!(step.terms.iter().map(|(name, _)| *name).eq(names), "{:?}", step.terms);
    let terms: [f32; N] = std::array::from_fn(|index| values(step.terms[index].1.clone())[0]);
    let (sum, loss) = (terms.iter().sum::<f32>(), values(step.loss.clone())[0]);
    assert!((sum - loss).abs() <= 1e-5 * (1.0 + loss.abs()), "{sum} for {loss}");
    terms
}
