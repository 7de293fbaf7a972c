//! A running selection of the largest scores.

use pulp::{Arch, NullaryFnOnce};

/// The rows with the largest scores so far; among equal ones the earliest.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    keep: usize,
    /// Only larger scores can still enter.
    floor: f32,
    /// At most `2 * keep` of them, in no order.
    scored: Vec<(f32, u32)>,
}

/// Scores compared at once before any is looked at.
const CHUNK: usize = 64;

impl Candidates {
    /// Keeps `keep` rows, 1 or more.
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, floor: f32::NEG_INFINITY, scored: Vec::new() }
    }

    /// Offers the scores of the rows from `first` on; rows must come in ascending order.
    pub(super) fn offer(&mut self, first: u32, scores: &[f32]) {
        Arch::new().dispatch(Offer { candidates: self, first, scores });
    }

    /// Returns the best rows of several spans, given in ascending order of rows.
    pub(super) fn best<'a>(spans: impl Iterator<Item = &'a Self>, keep: usize) -> Vec<u32> {
        let mut all = Self::new(keep);
        all.scored = spans.flat_map(|span| span.scored.iter().copied()).collect();
        all.shrink();
        all.scored.into_iter().map(|(_, row)| row).collect()
    }

    fn push(&mut self, score: f32, row: u32) {
        self.scored.push((score, row));
        if self.scored.len() >= 2 * self.keep {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.scored.len() < self.keep {
            return;
        }
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        self.scored.select_nth_unstable_by(self.keep - 1, order);
        self.scored.truncate(self.keep);
        self.floor = self.scored[self.keep - 1].0;
    }
}

struct Offer<'a> {
    candidates: &'a mut Candidates,
    first: u32,
    scores: &'a [f32],
}

impl NullaryFnOnce for Offer<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a dispatched function must be inlined")]
    fn call(self) {
        let Self { candidates, mut first, scores } = self;
        for chunk in scores.chunks(CHUNK) {
            // Until the first selection every score enters, even −∞.
            let open = candidates.scored.len() < candidates.keep;
            let floor = candidates.floor;
            // A count has no branch, so that it is one comparison of many lanes.
            let above: u32 = chunk.iter().map(|score| u32::from(*score > floor)).sum();
            if open || above > 0 {
                for (score, row) in chunk.iter().zip(first..) {
                    if *score > candidates.floor || candidates.scored.len() < candidates.keep {
                        candidates.push(*score, row);
                    }
                }
            }
            first += u32::try_from(chunk.len()).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_largest_and_of_equal_ones_the_earliest() {
        let scores: Vec<f32> = (0..1000).map(|i| (i * 37 % 101) as f32).collect();
        for keep in [1, 3, 40, 999, 1000] {
            let mut candidates = Candidates::new(keep);
            candidates.offer(0, &scores[..300]);
            candidates.offer(300, &scores[300..]);
            let mut found = Candidates::best([candidates].iter(), keep);
            let mut want: Vec<u32> = (0..1000).collect();
            want.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
            want.truncate(keep);
            found.sort_unstable();
            want.sort_unstable();
            assert_eq!(found, want, "{keep}");
        }
    }

    #[test]
    fn infinite_scores_fill_up_and_never_crowd_out() {
        let mut candidates = Candidates::new(2);
        candidates.offer(0, &[f32::NEG_INFINITY; 5]);
        candidates.offer(5, &[0.0, f32::INFINITY]);
        assert_eq!(Candidates::best([candidates].iter(), 2).len(), 2);
    }
}
