//! Parts of a data set, and draws of labels.

use std::borrow::Cow;
use std::sync::Arc;

use image::DynamicImage;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{DataError, Dataset, Skipped};

/// Some images of a data set, in any order.
#[derive(Clone)]
pub struct Subset {
    dataset: Arc<dyn Dataset>,
    indices: Vec<usize>,
}

impl std::fmt::Debug for Subset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subset({} of {})", self.indices.len(), self.dataset.len())
    }
}

impl Subset {
    /// The images at `indices`.
    ///
    /// # Panics
    /// If an index is not below the length of the data set.
    #[must_use]
    #[track_caller]
    pub fn new(dataset: Arc<dyn Dataset>, indices: Vec<usize>) -> Self {
        let length = dataset.len();
        let beyond = indices.iter().find(|&&index| index >= length);
        assert!(beyond.is_none(), "there is no image {beyond:?} among {length}");
        Self { dataset, indices }
    }

    /// The images that can be decoded, and those that cannot; all are tried, on all cores.
    ///
    /// For data sets too large for [`Cached`](crate::Cached): a broken image ends an epoch of the
    /// loader.
    #[must_use]
    pub fn usable(dataset: Arc<dyn Dataset>) -> (Self, Vec<Skipped>) {
        let reasons: Vec<Option<String>> = (0..dataset.len())
            .into_par_iter()
            .map(|index| Some(dataset.image(index).err()?.reason()))
            .collect();
        let (mut indices, mut skipped) = (Vec::new(), Vec::new());
        for (index, reason) in reasons.into_iter().enumerate() {
            match reason {
                None => indices.push(index),
                Some(reason) => skipped.push(Skipped { name: dataset.name(index), reason }),
            }
        }
        (Self { dataset, indices }, skipped)
    }
}

impl Dataset for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        self.dataset.image(self.indices[index])
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        self.dataset.encoded(self.indices[index])
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.dataset.label(self.indices[index])
    }

    fn class_names(&self) -> &[String] {
        self.dataset.class_names()
    }

    fn name(&self, index: usize) -> String {
        self.dataset.name(self.indices[index])
    }
}

/// Indices of `per_class` random images of each class, in order.
///
/// # Errors
/// If a class has fewer.
///
/// # Example
/// ```
/// use selfsame_samplers::few_labels;
///
/// let drawn = few_labels(&[0, 1, 0, 1, 0], 2, 7)?;
/// assert_eq!(drawn.len(), 4);
/// assert_eq!(drawn, few_labels(&[0, 1, 0, 1, 0], 2, 7)?);
/// assert!(few_labels(&[0, 1, 0], 2, 7).is_err());
/// # Ok::<(), selfsame_samplers::DataError>(())
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

/// Indices of about `share` of all images, drawn at random and in order, as many of each class.
///
/// ```text
/// per class = max(1, round(share · images / classes))
/// ```
/// This is the balanced few-label split of 1 % or 10 % that encoders are judged by.
///
/// # Errors
/// If `share` is not within 0 and 1, or a class has fewer images.
///
/// # Example
/// ```
/// use selfsame_samplers::few_labels_share;
///
/// let labels: Vec<usize> = (0..1_000).map(|index| index % 10).collect();
/// assert_eq!(few_labels_share(&labels, 0.1, 7)?.len(), 100);
/// assert!(few_labels_share(&labels, 1.1, 7).is_err());
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
pub fn few_labels_share(labels: &[usize], share: f64, seed: u64) -> Result<Vec<usize>, DataError> {
    if !(0.0..=1.0).contains(&share) {
        let problem = format!("must be within 0 and 1, not {share}");
        return Err(DataError::Sampler { field: "share", problem });
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

/// Indices of `count` random images, in order, each class with the share it has; all if there are
/// not more.
#[must_use]
pub fn stratified_subset(labels: &[usize], count: usize, seed: u64) -> Vec<usize> {
    // The n-th image of a class of m stands at (n + ½) / m: the first `count` by place are of every
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

/// Two sets of indices, in order, that together are all: the second has about `share` of each class
/// (at least one image of every class of two or more).
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

/// The members of each class in random order.
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

/// Fisher and Yates.
pub(crate) fn shuffle(items: &mut [usize], rng: &mut impl Rng) {
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
    fn parts_keep_the_share_of_every_class() {
        let chosen = stratified_subset(&labels(), 100, 3);
        assert_eq!((chosen.len(), of_class_1(&chosen)), (100, 25));
        assert_eq!(stratified_subset(&labels(), 9_999, 3).len(), 1_000);
        let [first, second] = stratified_split(&labels(), 0.2, 3);
        assert_eq!((first.len(), second.len(), of_class_1(&second)), (800, 200, 50));
        let mut all = [first, second].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn draws_differ_by_seed() {
        assert_ne!(few_labels(&labels(), 10, 0).unwrap(), few_labels(&labels(), 10, 1).unwrap());
    }
}
