//! Candidates that an anchor is not compared with.

/// Up to two candidates for every anchor that are excluded from its sum.
#[derive(Clone, Debug)]
pub enum Excluded {
    /// No candidate.
    None,
    /// One candidate for each anchor: usually the anchor itself.
    One(Vec<usize>),
    /// Two candidates for each anchor: usually the anchor itself and its positive.
    Two(Vec<[usize; 2]>),
}

impl Excluded {
    /// Returns the excluded candidates of anchor `anchor`.
    ///
    /// # Panics
    /// If there is no such anchor.
    ///
    /// # Example
    /// ```
    /// use selfsame_kernels::loss::Excluded;
    ///
    /// let excluded = Excluded::Two(vec![[0, 2], [1, 3]]);
    /// assert_eq!(excluded.of(1).collect::<Vec<_>>(), [1, 3]);
    /// assert_eq!(excluded.count(), 2);
    /// ```
    pub fn of(&self, anchor: usize) -> impl Iterator<Item = usize> {
        let places = match self {
            Self::None => [None, None],
            Self::One(places) => [Some(places[anchor]), None],
            Self::Two(places) => places[anchor].map(Some),
        };
        places.into_iter().flatten()
    }

    /// Returns how many candidates every anchor excludes, from 0 to 2.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Two(_) => 2,
        }
    }
}
