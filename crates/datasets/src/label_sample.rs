//! Label samples: which images keep their labels, and which are held out.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::DataError;

/// Draws `per_class` images of each class at random; returns their indices in ascending order.
///
/// # Errors
/// If a class has fewer images.
///
/// # Example
/// ```
/// use selfsame_datasets::few_labels;
///
/// let sample = few_labels(&[0, 1, 0, 1, 0], 2, 7)?;
/// assert_eq!(sample.len(), 4);
/// assert_eq!(sample, few_labels(&[0, 1, 0, 1, 0], 2, 7)?);
/// assert!(few_labels(&[0, 1, 0], 2, 7).is_err());
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
pub fn few_labels(labels: &[usize], per_class: usize, seed: u64) -> Result<Vec<usize>, DataError> {
    let mut drawn = Vec::new();
    for (class, mut members) in shuffled_classes(labels, seed).into_iter().enumerate() {
        let images = members.len();
        if images < per_class {
            return Err(DataError::FewLabels { class, images, wanted: per_class });
        }
        members.truncate(per_class);
        drawn.extend(members);
    }
    drawn.sort_unstable();
    Ok(drawn)
}

/// Draws about `share` of all images at random, the same number of each class; returns their
/// indices in ascending order.
///
/// ```text
/// per class = max(1, round(share · images / classes))
/// ```
/// With 1 % or 10 %, this is the usual balanced sample for evaluating an encoder with few labels.
///
/// # Errors
/// If `share` is not from 0 to 1, or a class has fewer images.
///
/// # Example
/// ```
/// use selfsame_datasets::few_labels_share;
///
/// let labels: Vec<usize> = (0..1_000).map(|index| index % 10).collect();
/// assert_eq!(few_labels_share(&labels, 0.1, 7)?.len(), 100);
/// assert!(few_labels_share(&labels, 1.1, 7).is_err());
/// # Ok::<(), selfsame_datasets::DataError>(())
/// ```
pub fn few_labels_share(labels: &[usize], share: f64, seed: u64) -> Result<Vec<usize>, DataError> {
    if !(0.0..=1.0).contains(&share) {
        return Err(DataError::Share { share });
    }
    let classes = labels.iter().max().map_or(1, |largest| largest + 1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    let per_class = (share * labels.len() as f64 / classes as f64).round() as usize;
    few_labels(labels, per_class.max(1), seed)
}

/// Draws `count` images at random, each class in proportion; returns their indices in ascending
/// order.
///
/// Returns all images if there are no more than `count`.
///
/// # Example
/// ```
/// use selfsame_datasets::stratified_subset;
///
/// let labels = [0, 0, 0, 0, 1, 1];
/// let drawn = stratified_subset(&labels, 3, 7);
/// assert_eq!(drawn.iter().filter(|&&index| labels[index] == 1).count(), 1);
/// ```
#[must_use]
pub fn stratified_subset(labels: &[usize], count: usize, seed: u64) -> Vec<usize> {
    // The n-th image of a class of m has rank (n + ½) / m, so the first `count` places hold each
    // class in proportion.
    let mut places: Vec<(f64, usize)> = Vec::new();
    for members in shuffled_classes(labels, seed) {
        let size = members.len() as f64;
        places.extend(members.into_iter().zip(0..).map(|(i, n)| ((f64::from(n) + 0.5) / size, i)));
    }
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = places.into_iter().take(count).map(|(_, index)| index).collect();
    chosen.sort_unstable();
    chosen
}

/// Splits all indices into two sets, both in ascending order; the second has about `share` of each
/// class.
///
/// The second set has at least one image of every class of two or more. `share` is clamped to 0 to
/// 1.
///
/// # Example
/// ```
/// use selfsame_datasets::stratified_split;
///
/// let [train, test] = stratified_split(&[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 0.2, 7);
/// assert_eq!((train.len(), test.len()), (8, 2));
/// ```
#[must_use]
pub fn stratified_split(labels: &[usize], share: f64, seed: u64) -> [Vec<usize>; 2] {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for mut members in shuffled_classes(labels, seed) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let taken = (members.len() as f64 * share.clamp(0.0, 1.0)).round() as usize;
        let taken = taken.clamp(usize::from(members.len() > 1), members.len());
        first.extend(members.split_off(taken));
        second.extend(members);
    }
    first.sort_unstable();
    second.sort_unstable();
    [first, second]
}

/// Returns the members of each class, in random order.
fn shuffled_classes(labels: &[usize], seed: u64) -> Vec<Vec<usize>> {
    let classes = labels.iter().max().map_or(0, |largest| largest + 1);
    let mut members = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        members[label].push(index);
    }
    for (class, members) in members.iter_mut().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(class as u64);
        shuffle(members, &mut rng);
    }
    members
}

/// Shuffles by the algorithm of Fisher and Yates. Unlike `rand`'s, the order is the same in every
/// version.
fn shuffle(items: &mut [usize], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, rng.random_range(0..=last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<usize> {
        (0..1_000).map(|i| usize::from(i % 4 == 0)).collect()
    }

    fn of_class_1(indices: &[usize]) -> usize {
        indices.iter().filter(|&&index| labels()[index] == 1).count()
    }

    #[test]
    fn samples_keep_the_share_of_every_class() {
        let chosen = stratified_subset(&labels(), 100, 3);
        assert_eq!((chosen.len(), of_class_1(&chosen)), (100, 25));
        assert_eq!(stratified_subset(&labels(), 9_999, 3).len(), 1_000);
        let [first, second] = stratified_split(&labels(), 0.2, 3);
        assert_eq!((first.len(), second.len(), of_class_1(&second)), (800, 200, 50));
        let mut all = [first, second].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    }

    /// Samples that every version must repeat, so that a seeded run stays the same.
    #[test]
    fn the_samples_of_a_seed_are_fixed() {
        let labels: Vec<usize> = (0..40).map(|index| index % 4).collect();
        let want = [9, 11, 14, 15, 16, 20, 37, 38];
        assert_eq!(few_labels(&labels, 2, 7).unwrap(), want);
        assert_eq!(stratified_split(&labels, 0.2, 7)[1], want);
        assert_eq!(stratified_subset(&labels, 6, 7), [9, 11, 14, 20, 37, 38]);
    }

    #[test]
    fn samples_differ_by_seed() {
        assert_ne!(few_labels(&labels(), 10, 0).unwrap(), few_labels(&labels(), 10, 1).unwrap());
    }
}
