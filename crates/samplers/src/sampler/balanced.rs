//! Batches of as many images of each of some classes.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{EpochOrder, Sampler, order_rng, positive};
use crate::DataError;
use crate::subset::shuffle;

/// Settings of [`Balanced`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BalancedConfig {
    /// P, the classes in a batch. Default: 2.
    pub classes_per_batch: usize,
    /// K, the images of each. Default: 2.
    pub examples_per_class: usize,
    /// Batches in an epoch. Default: 1,000.
    pub batches_per_epoch: usize,
    /// The classes to draw from, in the order in which the warm-up takes them. Default: all that have
    /// images, by number.
    pub class_list: Option<Vec<usize>>,
    /// Images of a class that are drawn from, chosen at random once. Default: all.
    pub total_examples_per_class: Option<usize>,
    /// A start with fewer classes. Default: none.
    pub warm_up: Option<WarmUp>,
    /// Decides every draw. Default: 0.
    pub seed: u64,
}

/// Fewer classes in the first epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Epochs it lasts.
    pub epochs: u64,
    /// How many classes are drawn from, the first of the list.
    pub classes: usize,
}

impl Default for BalancedConfig {
    fn default() -> Self {
        Self {
            classes_per_batch: 2,
            examples_per_class: 2,
            batches_per_epoch: 1_000,
            class_list: None,
            total_examples_per_class: None,
            warm_up: None,
            seed: 0,
        }
    }
}

/// P classes a batch, and K images of each, class by class.
///
/// Within an epoch, every class comes once before one comes again, and so does every image of a
/// class; within a batch, no class comes twice. All batches are whole. Images without a label are
/// never drawn. A class of fewer than K images gives some of them more than once in a batch, with
/// other views, none more than once more often than another.
///
/// Equivalent of TensorFlow Similarity's `MultiShotMemorySampler`, which draws classes and images
/// of each batch independently.
///
/// # Example
/// ```
/// use selfsame_samplers::{Balanced, BalancedConfig, Sampler};
///
/// let labels = [Some(0), Some(1), Some(0), Some(1), None, Some(2)];
/// let config = BalancedConfig { class_list: Some(vec![0, 1]), ..BalancedConfig::default() };
/// let sampler = Balanced::new(&labels, config)?;
/// let mut batch = sampler.batch(0, 0);
/// batch.sort();
/// assert_eq!(batch, [0, 1, 2, 3]);
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    images: usize,
    /// The images of each class of the list.
    members: Vec<Vec<usize>>,
    config: BalancedConfig,
}

impl Balanced {
    /// Draws from images of these classes.
    ///
    /// # Errors
    /// If a count is 0, a class of the list has no images or comes twice, there are fewer classes
    /// than a batch needs, or the warm-up has fewer classes than a batch needs or more than there
    /// are; the error names the setting.
    pub fn new(labels: &[Option<usize>], config: BalancedConfig) -> Result<Self, DataError> {
        positive(&[
            ("classes_per_batch", config.classes_per_batch),
            ("examples_per_class", config.examples_per_class),
            ("batches_per_epoch", config.batches_per_epoch),
            ("total_examples_per_class", config.total_examples_per_class.unwrap_or(1)),
        ])?;
        let wrong = |field, problem: String| Err(DataError::Sampler { field, problem });
        let mut members =
            vec![Vec::new(); labels.iter().flatten().max().map_or(0, |last| last + 1)];
        for (index, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                members[*label].push(index);
            }
        }
        let listed = match &config.class_list {
            None => members.into_iter().filter(|members| !members.is_empty()).collect(),
            Some(list) => {
                let mut listed = Vec::new();
                for class in list {
                    let members = members.get_mut(*class).map(std::mem::take).unwrap_or_default();
                    if members.is_empty() {
                        let problem =
                            format!("has class {class}, which has no images or comes twice");
                        return wrong("class_list", problem);
                    }
                    listed.push(members);
                }
                listed
            }
        };
        let classes: usize = listed.len();
        let wanted = config.classes_per_batch;
        if classes < wanted {
            return wrong(
                "classes_per_batch",
                format!("is {wanted}, but there are {classes} classes"),
            );
        }
        if let Some(warm_up) = config.warm_up
            && !(wanted..=classes).contains(&warm_up.classes)
        {
            let problem =
                format!("must have {wanted} to {classes} classes, not {}", warm_up.classes);
            return wrong("warm_up", problem);
        }
        let mut rng = order_rng(config.seed, u64::MAX); // of an epoch that never comes
        let chosen = |mut members: Vec<usize>| {
            if let Some(total) = config.total_examples_per_class {
                shuffle(&mut members, &mut rng);
                members.truncate(total);
            }
            members
        };
        let members = listed.into_iter().map(chosen).collect();
        Ok(Self { images: labels.len(), members, config })
    }
}

impl Sampler for Balanced {
    fn images(&self) -> usize {
        self.images
    }

    fn batch_size(&self) -> usize {
        self.config.classes_per_batch * self.config.examples_per_class
    }

    fn batches_per_epoch(&self) -> usize {
        self.config.batches_per_epoch
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let warm_up = self.config.warm_up.filter(|warm_up| epoch < warm_up.epochs);
        let members =
            &self.members[..warm_up.map_or(self.members.len(), |warm_up| warm_up.classes)];
        let mut rng = order_rng(self.config.seed, epoch);
        let mut classes = Deck::new((0..members.len()).collect());
        let mut examples: Vec<Deck> = members.iter().cloned().map(Deck::new).collect();
        let mut order = Vec::with_capacity(self.config.batches_per_epoch * self.batch_size());
        for _ in 0..self.config.batches_per_epoch {
            let mut drawn = Vec::new();
            classes.draw(self.config.classes_per_batch, &mut rng, &mut drawn);
            for class in drawn {
                examples[class].draw(self.config.examples_per_class, &mut rng, &mut order);
            }
        }
        EpochOrder::new(order, self.batch_size())
    }
}

/// Cards drawn one after the other, shuffled when all have been.
struct Deck {
    cards: Vec<usize>,
    /// Cards drawn since the last shuffle.
    drawn: usize,
}

impl Deck {
    fn new(cards: Vec<usize>) -> Self {
        Self { drawn: cards.len(), cards }
    }

    /// Adds `count` cards to `out`, all different if there are as many.
    fn draw(&mut self, mut count: usize, rng: &mut impl Rng, out: &mut Vec<usize>) {
        while count > 0 {
            let hand = count.min(self.cards.len());
            let rest = &self.cards[self.drawn..];
            if rest.len() >= hand {
                out.extend_from_slice(&rest[..hand]);
                self.drawn += hand;
            } else {
                // What is left, and then of the others, which this draw cannot have yet; what was
                // left comes again among the last.
                let missing = hand - rest.len();
                out.extend_from_slice(rest);
                shuffle(&mut self.cards[..self.drawn], rng);
                out.extend_from_slice(&self.cards[..missing]);
                shuffle(&mut self.cards[missing..], rng);
                self.drawn = missing;
            }
            count -= hand;
        }
    }
}

/// Mean number of images per class and batch, over the first `batches` of the first epoch.
///
/// A loss on labels finds a positive for each image only from 2 on. Images without a label are
/// not counted; 0 if there is nothing to count. Equivalent of TensorFlow Similarity's
/// `batch_class_ratio`.
///
/// # Example
/// ```
/// use selfsame_samplers::{Shuffled, examples_per_class};
///
/// let labels = [Some(0), Some(1), Some(2), Some(3)];
/// assert_eq!(examples_per_class(&Shuffled::new(4, 4, 0)?, &labels, 100), 1.0);
/// # Ok::<(), selfsame_samplers::DataError>(())
/// ```
#[must_use]
pub fn examples_per_class(sampler: &dyn Sampler, labels: &[Option<usize>], batches: usize) -> f64 {
    let order = sampler.epoch(0);
    let (mut images, mut classes) = (0_usize, 0_usize);
    for batch in 0..batches.min(order.batches()) {
        let labeled = |&index: &usize| sampler.label(index, labels.get(index).copied().flatten());
        let mut of_batch: Vec<usize> = order.batch(batch).iter().filter_map(labeled).collect();
        images += of_batch.len();
        of_batch.sort_unstable();
        of_batch.dedup();
        classes += of_batch.len();
    }
    if classes == 0 { 0.0 } else { images as f64 / classes as f64 }
}
