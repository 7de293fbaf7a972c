//! Which candidates an anchor is not compared with.

/// For every anchor up to two candidates that its sum leaves out.
#[derive(Clone, Debug)]
pub(crate) enum Skip {
    /// None.
    Nothing,
    /// One: itself, at `place(i)`.
    One(Vec<usize>),
    /// Two: itself and its positive.
    Two(Vec<[usize; 2]>),
}

impl Skip {
    /// The candidates that anchor `anchor` leaves out.
    pub(crate) fn of(&self, anchor: usize) -> impl Iterator<Item = usize> {
        let places = match self {
            Self::Nothing => [None, None],
            Self::One(places) => [Some(places[anchor]), None],
            Self::Two(places) => places[anchor].map(Some),
        };
        places.into_iter().flatten()
    }

    /// How many candidates every anchor leaves out.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(_) => 1,
            Self::Two(_) => 2,
        }
    }
}
