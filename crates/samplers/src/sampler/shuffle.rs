//! A shuffle whose order never changes with the version of a library.

use rand::{Rng, RngExt};

/// Shuffles by the algorithm of Fisher and Yates.
pub(super) fn shuffle(items: &mut [usize], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, rng.random_range(0..=last));
    }
}
