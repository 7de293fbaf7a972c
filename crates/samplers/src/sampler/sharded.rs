//! One worker's share of every batch.

use super::{EpochOrder, Sampler, positive};
use crate::SamplerError;

/// One worker's share of the batches of another sampler.
///
/// Batch `b` of all `shards` workers together is batch `b` of the sampler, so the workers see the
/// samples that one worker would see alone. Shares are disjoint and complete, and every worker has
/// the same number of batches. A smaller last batch gives the first workers one sample more than
/// the others; it is dropped if it has fewer samples than there are workers.
///
/// On `machines` of `workers` each, worker `w` of machine `m` is shard `m · workers + w` of
/// `machines · workers`.
///
/// # Example
/// ```
/// use selfsame_samplers::{Sampler, Sharded, Shuffled};
///
/// let all = Shuffled::new(100, 8, 0)?;
/// let shards = [0, 1].map(|shard| Sharded::new(all.clone(), shard, 2).unwrap());
/// assert_eq!(shards[0].batch_size(), 4);
/// assert_eq!([shards[0].batch(3, 5), shards[1].batch(3, 5)].concat(), all.batch(3, 5));
/// # Ok::<(), selfsame_samplers::SamplerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharded<S> {
    sampler: S,
    shard: usize,
    shards: usize,
    batches_per_epoch: usize,
}

impl<S: Sampler> Sharded<S> {
    /// Takes the share of worker `shard`, counted from 0, of `shards` workers.
    ///
    /// # Errors
    /// If `shards` is 0, `shard` is not below it, the sampler's batch size is not a multiple of it,
    /// or no batch is left.
    pub fn new(sampler: S, shard: usize, shards: usize) -> Result<Self, SamplerError> {
        positive(&[("shards", shards)])?;
        let wrong = |field, problem| Err(SamplerError::Setting { field, problem });
        if shard >= shards {
            return wrong(
                "shard",
                format!("must be below {shards}, the number of shards, not {shard}"),
            );
        }
        let size = sampler.batch_size();
        if !size.is_multiple_of(shards) {
            return wrong(
                "batch_size",
                format!("must be a multiple of {shards} shards, not {size}"),
            );
        }
        // All epochs have the same number of batches, of the same sizes.
        let batches = sampler.batches_per_epoch();
        let last = sampler.epoch(0).batch(batches - 1).len();
        let batches_per_epoch = batches - usize::from(last < shards);
        if batches_per_epoch == 0 {
            return wrong("shards", format!("must be at most {last}, the samples of an epoch"));
        }
        Ok(Self { sampler, shard, shards, batches_per_epoch })
    }
}

impl<S: Sampler> Sampler for Sharded<S> {
    fn samples(&self) -> usize {
        self.sampler.samples()
    }

    fn batch_size(&self) -> usize {
        self.sampler.batch_size() / self.shards
    }

    fn batches_per_epoch(&self) -> usize {
        self.batches_per_epoch
    }

    fn epoch(&self, epoch: u64) -> EpochOrder {
        let all = self.sampler.epoch(epoch);
        let (mut indices, mut repeats) = (Vec::new(), Vec::new());
        for batch in 0..self.batches_per_epoch {
            let (own, extra) =
                (all.batch(batch).len() / self.shards, all.batch(batch).len() % self.shards);
            let start = self.shard * own + self.shard.min(extra);
            let share = start..start + own + usize::from(self.shard < extra);
            indices.extend_from_slice(&all.batch(batch)[share.clone()]);
            repeats.extend_from_slice(&all.repeats(batch)[share]);
        }
        EpochOrder { indices, repeats, batch_size: self.batch_size() }
    }

    fn label(&self, index: usize, own: Option<usize>) -> Option<usize> {
        self.sampler.label(index, own)
    }
}
