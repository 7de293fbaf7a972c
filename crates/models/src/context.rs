//! What a method knows of the run it is part of.

use crate::Clock;

/// What a method knows of the run it is part of, besides its networks and the batch.
///
/// # Example
/// ```
/// use selfsame_models::{Clock, Context};
///
/// let context = Context::new(Clock { step: 7, steps_per_epoch: 3, epochs: 3, ..Clock::default() });
/// assert_eq!(context.clock.epoch(), 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context {
    /// The place of the run in its schedule. In [`Method::step`](crate::Method::step),
    /// [`filter`](crate::Method::filter) and [`after_update`](crate::Method::after_update) of one
    /// update it is the same: that update is not counted yet.
    pub clock: Clock,
}

impl Context {
    /// Creates the context of an update.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}
