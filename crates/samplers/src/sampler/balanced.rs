//! Batches of P classes and K samples of each.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::shuffle::shuffle;
use super::{EpochOrder, Sampler, positive};
use crate::SamplerError;
use crate::key::Key;

/// Settings of [`Balanced`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BalancedConfig {
    /// P, the number of classes in a batch. Default: 2.
    pub classes_per_batch: usize,
    /// K, the number of samples of each class in a batch. Default: 2.
    pub examples_per_class: usize,
    /// Batches in an epoch. Default: 1,000.
    pub batches_per_epoch: usize,
    /// The classes to draw from, in the order in which the warm-up takes them. Default: all classes
    /// that have samples, in ascending order.
    pub class_list: Option<Vec<usize>>,
    /// The number of samples of each class to draw from, chosen at random once. Default: all.
    pub total_examples_per_class: Option<usize>,
    /// Fewer classes in the first epochs. Default: none.
    pub warm_up: Option<WarmUp>,
    /// The seed of every draw. Default: 0.
    pub seed: u64,
}

/// Fewer classes in the first epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// The number of epochs with fewer classes.
    pub epochs: u64,
    /// The number of classes to draw from: the first of the list.
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

/// A sampler of P classes in each batch and K samples of each, class by class.
///
/// Within an epoch, every class is drawn once before any is drawn again, and so is every sample of
/// a class. Within a batch, no class is drawn twice. All batches are complete. Samples without a
/// label are never drawn. A class of fewer than K samples repeats some of them in a batch, with
/// other views; the counts of two samples differ by at most one.
///
/// This is the equivalent of TensorFlow Similarity's `MultiShotMemorySampler`, which draws the
/// classes and samples of each batch independently.
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
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    samples: usize,
    /// The samples of each class of the list.
    members: Vec<Vec<usize>>,
    config: BalancedConfig,
}

impl Balanced {
    /// Draws from samples with these labels.
    ///
    /// # Errors
    /// If a count is 0, a class of the list has no samples or is listed twice, there are fewer
    /// classes than a batch needs, or the warm-up has fewer classes than a batch needs or more than
    /// there are; the error names the setting.
    pub fn new(labels: &[Option<usize>], config: BalancedConfig) -> Result<Self, SamplerError> {
        positive(&[
            ("classes_per_batch", config.classes_per_batch),
            ("examples_per_class", config.examples_per_class),
            ("batches_per_epoch", config.batches_per_epoch),
            ("total_examples_per_class", config.total_examples_per_class.unwrap_or(1)),
        ])?;
        let wrong = |field, problem: String| Err(SamplerError::Setting { field, problem });
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
                            format!("has class {class}, which has no samples or is listed twice");
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
        let mut rng = Key::class_examples(config.seed).rng();
        let chosen = |mut members: Vec<usize>| {
            if let Some(total) = config.total_examples_per_class {
                shuffle(&mut members, &mut rng);
                members.truncate(total);
            }
            members
        };
        let members = listed.into_iter().map(chosen).collect();
        Ok(Self { samples: labels.len(), members, config })
    }
}

impl Sampler for Balanced {
    fn samples(&self) -> usize {
        self.samples
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
        let mut rng = Key::epoch_order(self.config.seed, epoch).rng();
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

/// Cards drawn one after the other, shuffled again once all were drawn.
struct Deck {
    cards: Vec<usize>,
    /// Cards drawn since the last shuffle.
    drawn: usize,
}

impl Deck {
    fn new(cards: Vec<usize>) -> Self {
        Self { drawn: cards.len(), cards }
    }

    /// Appends `count` cards to `out`, all different if there are enough.
    fn draw(&mut self, mut count: usize, rng: &mut impl Rng, out: &mut Vec<usize>) {
        while count > 0 {
            let hand = count.min(self.cards.len());
            let rest = &self.cards[self.drawn..];
            if rest.len() >= hand {
                out.extend_from_slice(&rest[..hand]);
                self.drawn += hand;
            } else {
                // First the rest, then cards that this draw has not taken yet; the rest is shuffled
                // into the remaining ones.
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
