//! Saving a run from outside, without stopping it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that a signal handler raises to have the run saved after its step; the run goes on.
///
/// Schedulers of clusters send such a signal (often SIGUSR1) some time before they end a job. The
/// trainer lowers the flag when it saves. Clones share one flag.
///
/// # Example
/// ```
/// use selfsame_callbacks::SaveSignal;
///
/// let signal = SaveSignal::new();
/// let handler = signal.clone();
/// handler.raise();
/// assert!(signal.take());
/// assert!(!signal.take(), "one raise, one save");
/// ```
#[derive(Clone, Debug, Default)]
pub struct SaveSignal(Arc<AtomicBool>);

impl SaveSignal {
    /// Creates a flag that is down.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to save itself after the current step.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lowers the flag, and returns whether it was raised.
    #[must_use = "whoever lowers the flag has to save"]
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}
