//! Stopping a run, from outside or from a callback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that a signal handler raises and the trainer reads after every step.
///
/// Clones share one flag.
///
/// # Example
/// ```
/// use selfsame_callbacks::StopSignal;
///
/// let signal = StopSignal::new();
/// let handler = signal.clone();
/// handler.raise();
/// assert!(signal.is_raised());
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Creates a flag that is down.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop after the current step.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the run was asked to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The reason why a run ended before its last epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The [`StopSignal`] was raised.
    Signal,
    /// The time limit of the run was reached.
    TimeLimit,
    /// A callback asked for it, with this explanation.
    Callback(String),
}
