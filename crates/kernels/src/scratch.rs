//! Scratch memory of a thread, reused because fresh memory is slow.

use std::cell::RefCell;

/// Elements of a cache line, and of the longest vector.
pub(crate) const LINE: usize = 16;

thread_local! {
    // More than one buffer, as a thread that waits for its tasks may begin another.
    static BUFFERS: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `run` with `length` elements that begin on a cache line; they hold whatever an earlier
/// call left there.
pub(crate) fn with_scratch<T>(length: usize, run: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < length + LINE {
        buffer.resize(length + LINE, 0.0);
    }
    let aligned = buffer.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    let found = run(&mut buffer[aligned..][..length]);
    BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
    found
}

/// [`with_scratch`] with two buffers.
pub(crate) fn with_scratch_pair<T>(
    [first, second]: [usize; 2],
    run: impl FnOnce(&mut [f32], &mut [f32]) -> T,
) -> T {
    with_scratch(first, |first| with_scratch(second, |second| run(first, second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_on_a_cache_line_and_are_used_again() {
        let place = with_scratch_pair([100, 7], |first, second| {
            assert_eq!((first.len(), second.len()), (100, 7));
            for buffer in [&*first, &*second] {
                assert_eq!(buffer.as_ptr().align_offset(LINE * size_of::<f32>()), 0);
            }
            first.as_ptr()
        });
        assert_eq!(with_scratch(50, |buffer| buffer.as_ptr()), place);
    }
}
