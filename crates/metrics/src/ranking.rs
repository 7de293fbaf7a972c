//! Ranked lists: which of the retrieved rows are relevant, and what that is worth.

use crate::MetricError;

/// One query's retrieved rows, nearest first, as hits or misses; `R` rows of the gallery are relevant.
///
/// The list is already cut: its length is the `k` of the figures, or the gallery's size if that is
/// smaller. Every figure is 0 to 1, higher is better, and 0 for an empty list or without relevant
/// rows.
///
/// # Example
/// ```
/// use selfsame_metrics::Ranking;
///
/// let ranking = Ranking::new(vec![true, false, true], 4)?;
/// assert_eq!(ranking.precision(), 2.0 / 3.0);
/// assert_eq!(ranking.recall(), 0.5);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    hits: Vec<bool>,
    relevant: usize,
}

impl Ranking {
    /// Creates a ranking from which retrieved rows are relevant, and how many of the gallery are.
    ///
    /// # Errors
    /// If more rows are hits than are relevant.
    pub fn new(hits: Vec<bool>, relevant: usize) -> Result<Self, MetricError> {
        let ranking = Self { hits, relevant };
        if ranking.hits() > relevant {
            return Err(MetricError::Setting { key: "relevant", range: "at least the hits" });
        }
        Ok(ranking)
    }

    /// Returns the number of relevant rows of the gallery, `R`.
    #[must_use]
    pub fn relevant(&self) -> usize {
        self.relevant
    }

    /// Returns the number of hits.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.hits.iter().filter(|&&hit| hit).count()
    }

    /// Returns the share of the list that hits.
    #[must_use]
    pub fn precision(&self) -> f64 {
        self.hits() as f64 / self.hits.len().max(1) as f64
    }

    /// Returns the share of relevant rows that the list holds; below 1 if it is shorter than `R`.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.hits() as f64 / self.relevant.max(1) as f64
    }

    /// Returns 1 if the list holds a hit, else 0. Metric learning calls its mean recall at k.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        f64::from(u8::from(self.hits.contains(&true)))
    }

    /// Returns one over the rank of the first hit, 0 without one.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Ranking;
    ///
    /// assert_eq!(Ranking::new(vec![false, true, true], 2)?.reciprocal_rank(), 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn reciprocal_rank(&self) -> f64 {
        let first = self.hits.iter().position(|&hit| hit);
        first.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0))
    }

    /// Returns the sum of the precision at each hit's rank over `min(R, k)`, the most hits a list of
    /// this length can hold: 1 if all hits come first.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Ranking;
    ///
    /// let ranking = Ranking::new(vec![false, true, false, true], 5)?;
    /// assert_eq!(ranking.average_precision(), (1.0 / 2.0 + 2.0 / 4.0) / 4.0);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn average_precision(&self) -> f64 {
        self.summed_precision(self.hits.len()) / self.most_hits().max(1) as f64
    }

    /// Returns the sum of the precision at each hit's rank over `R`, hence below 1 if the list is
    /// shorter than `R`; TensorFlow Similarity's `MapAtK` is its mean.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Ranking;
    ///
    /// let ranking = Ranking::new(vec![true; 10], 100)?;
    /// assert_eq!(ranking.average_precision_of_all(), 0.1);
    /// assert_eq!(ranking.average_precision(), 1.0);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn average_precision_of_all(&self) -> f64 {
        self.summed_precision(self.hits.len()) / self.relevant.max(1) as f64
    }

    /// Returns the sum of the precision at each hit's rank up to rank `R`, over `R`, or `min(R, k)` in
    /// a shorter list: MAP@R is its mean.
    ///
    /// # Source
    /// Musgrave et al., 2020, [arXiv:2003.08505](https://arxiv.org/abs/2003.08505), section 3.2.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Ranking;
    ///
    /// // Two relevant rows: the hit at rank 3 comes too late.
    /// let ranking = Ranking::new(vec![true, false, true], 2)?;
    /// assert_eq!(ranking.average_precision_at_r(), 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn average_precision_at_r(&self) -> f64 {
        self.summed_precision(self.most_hits()) / self.most_hits().max(1) as f64
    }

    /// Returns the precision of the first `R` retrieved rows, or of `min(R, k)` in a shorter list.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Ranking;
    ///
    /// assert_eq!(Ranking::new(vec![true, false, true], 2)?.r_precision(), 0.5);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn r_precision(&self) -> f64 {
        let most = self.most_hits();
        self.hits[..most].iter().filter(|&&hit| hit).count() as f64 / most.max(1) as f64
    }

    /// Returns the normalized discounted cumulative gain with binary gains.
    ///
    /// ```text
    /// DCG = Σ over hits at rank r of 1 / log₂(r + 1)
    /// ```
    /// The divisor is the DCG of a list that begins with `min(R, k)` hits.
    ///
    /// # Source
    /// Järvelin & Kekäläinen, 2002, "Cumulated gain-based evaluation of IR techniques".
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::Ranking;
    ///
    /// let late = Ranking::new(vec![false, true], 1)?;
    /// assert_eq!(late.ndcg(), 1.0 / 3.0_f64.log2());
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    #[must_use]
    pub fn ndcg(&self) -> f64 {
        let hits = (0..self.hits.len()).filter(|&rank| self.hits[rank]);
        let found: f64 = hits.map(discount).sum();
        let ideal: f64 = (0..self.most_hits()).map(discount).sum();
        if ideal > 0.0 { found / ideal } else { 0.0 }
    }

    /// Returns the most hits that a list of this length can hold.
    fn most_hits(&self) -> usize {
        self.relevant.min(self.hits.len())
    }

    /// Sums the precision at the rank of every hit among the first `length`.
    fn summed_precision(&self, length: usize) -> f64 {
        let ranks = self.hits[..length].iter().zip(1_u32..);
        let hits = ranks.filter_map(|(&hit, rank)| hit.then_some(f64::from(rank)));
        hits.zip(1_u32..).map(|(rank, found)| f64::from(found) / rank).sum()
    }
}

/// Returns what a gain at a rank that counts from 0 is worth.
pub(crate) fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

/// All figures of a ranking, in the order in which `RetrievalFigures` takes them.
pub(crate) const FIGURES: [fn(&Ranking) -> f64; 9] = [
    Ranking::precision,
    Ranking::recall,
    Ranking::hit_rate,
    Ranking::reciprocal_rank,
    Ranking::average_precision,
    Ranking::average_precision_of_all,
    Ranking::average_precision_at_r,
    Ranking::r_precision,
    Ranking::ndcg,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranking(hits: &str, relevant: usize) -> Ranking {
        Ranking::new(hits.chars().map(|hit| hit == 'T').collect(), relevant).unwrap()
    }

    #[test]
    fn tensorflow_similaritys_examples_of_average_precision_hold() {
        // Three queries TTF of R = 3 and one FFT of R = 10.
        let (many, one) = (ranking("TTF", 3), ranking("FFT", 10));
        let map = 3.0 * many.average_precision_of_all() + one.average_precision_of_all();
        assert!((map / 4.0 - 0.508_333).abs() < 1e-6);
        // Clipped at R: FFFT of R = 4 and of R = 3.
        let clipped = ranking("FFFT", 4).average_precision_at_r()
            + ranking("FFFT", 3).average_precision_at_r();
        assert!((clipped / 2.0 - 0.031_25).abs() < 1e-9);
        // R = 100, k = 50: ten hits at the top, and ten at the bottom.
        let bottom = "F".repeat(40) + &"T".repeat(10);
        assert!((ranking(&bottom, 100).average_precision_of_all() - 0.012).abs() < 5e-4);
    }

    #[test]
    fn nothing_relevant_and_nothing_retrieved_are_zero() {
        for ranking in [ranking("FFF", 0), ranking("", 0), ranking("", 4), ranking("FFF", 9)] {
            assert!(FIGURES.iter().all(|figure| figure(&ranking).abs() < 1e-12), "{ranking:?}");
        }
    }

    #[test]
    fn more_hits_than_relevant_rows_are_an_error() {
        let error = Ranking::new(vec![true, true], 1).unwrap_err();
        assert_eq!(error.to_string(), "`relevant` must be at least the hits");
    }

    proptest! {
        #[test]
        fn every_figure_is_a_share_and_a_perfect_list_has_one(
            hits in proptest::collection::vec(any::<bool>(), 1..20), more in 0_usize..5
        ) {
            let relevant = hits.iter().filter(|&&hit| hit).count() + more;
            let ranking = Ranking::new(hits.clone(), relevant).unwrap();
            for figure in FIGURES {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&figure(&ranking)));
            }
            prop_assert!(ranking.average_precision_of_all() <= ranking.average_precision() + 1e-12);
            let mut sorted = hits;
            sorted.sort_by(|a, b| b.cmp(a));
            let best = Ranking::new(sorted, relevant - more).unwrap();
            if best.relevant() > 0 {
                for figure in &FIGURES[1..] {
                    prop_assert!((figure(&best) - 1.0).abs() < 1e-12);
                }
            }
            let same_hits = Ranking { relevant: relevant - more, ..ranking };
            prop_assert!(best.ndcg() >= same_hits.ndcg() - 1e-12);
        }

        #[test]
        fn average_precision_equals_its_definition(
            hits in proptest::collection::vec(any::<bool>(), 1..20), more in 0_usize..5
        ) {
            let relevant = hits.iter().filter(|&&hit| hit).count() + more;
            let mut sum = 0.0;
            for rank in 1..=hits.len() {
                if hits[rank - 1] {
                    sum += hits[..rank].iter().filter(|&&hit| hit).count() as f64 / rank as f64;
                }
            }
            let want = if relevant == 0 { 0.0 } else { sum / relevant.min(hits.len()) as f64 };
            let found = Ranking::new(hits, relevant).unwrap().average_precision();
            prop_assert!((found - want).abs() < 1e-12);
        }
    }
}
