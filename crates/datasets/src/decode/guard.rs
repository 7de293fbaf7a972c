//! Panics of decoders become errors, and are not printed.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::DecodeError;

thread_local! {
    /// Whether this thread is in a decoder, so that its panic is not printed.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Turns a panic of a decoder into an error.
///
/// Decoders accept any bytes, so none is expected. One that happens all the same is the fault of a
/// file, and is reported with the file's name rather than as a backtrace. The hook that keeps
/// silent is set once; panics of all other code reach the hook that was there before.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    static HOOK: Once = Once::new();
    if !std::thread::panicking() {
        HOOK.call_once(silence_decoders);
    }
    let before = DECODING.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(before);
    done.unwrap_or(Err(DecodeError::Panicked))
}

/// Puts a hook before that of the program, which keeps it from panics of decoders.
fn silence_decoders() {
    let printing = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !DECODING.get() {
            printing(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn only_panics_of_decoders_are_silent() {
        static PRINTED: AtomicUsize = AtomicUsize::new(0);
        let other = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // Other tests of this program may panic too.
            if panic.payload_as_str() == Some("for the test of silence") {
                PRINTED.fetch_add(1, Ordering::SeqCst);
            } else {
                other(panic);
            }
        }));
        // Another test may have decoded before, so that the hook of this one came later.
        silence_decoders();
        let panicking = || -> Result<(), DecodeError> { panic!("for the test of silence") };
        assert_eq!(guarded(panicking), Err(DecodeError::Panicked));
        assert_eq!(PRINTED.load(Ordering::SeqCst), 0, "of a decoder");
        assert!(catch_unwind(panicking).is_err());
        assert_eq!(PRINTED.load(Ordering::SeqCst), 1, "of other code");
    }
}
