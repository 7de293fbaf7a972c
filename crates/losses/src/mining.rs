//! The choice of each anchor's positive and negative.

use burn::tensor::{Bool, Int, Tensor};

use crate::labeled::Pairs;

/// The choice of the positive among the rows of an anchor's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositiveMining {
    /// The nearest.
    Easy,
    /// The farthest.
    Hard,
}

/// The choice of the negative among the rows of other classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegativeMining {
    /// The farthest.
    Easy,
    /// The nearest of those farther than the farthest positive; the farthest of all if none is.
    SemiHard,
    /// The nearest.
    Hard,
}

impl PositiveMining {
    /// Finds the key that is each anchor's positive; distances have no graph.
    pub(crate) fn pick(self, distances: &Tensor<2>, pairs: &Pairs) -> Tensor<1, Int> {
        match self {
            Self::Easy => nearest_key(distances, pairs.positives.clone()),
            Self::Hard => farthest_key(distances, pairs.positives.clone()),
        }
    }
}

impl NegativeMining {
    /// Finds the key that is each anchor's negative; distances have no graph.
    pub(crate) fn pick(self, distances: &Tensor<2>, pairs: &Pairs) -> Tensor<1, Int> {
        let negatives = pairs.negatives.clone();
        match self {
            Self::Easy => farthest_key(distances, negatives),
            Self::Hard => nearest_key(distances, negatives),
            Self::SemiHard => {
                let others = pairs.positives.clone().bool_not();
                let positive = distances.clone().mask_fill(others, f32::NEG_INFINITY).max_dim(1);
                let farther = distances.clone().greater(positive.expand(distances.dims()));
                let farther = farther.bool_and(negatives.clone());
                let some = farther.clone().any_dim(1).squeeze_dim(1);
                let beyond = nearest_key(distances, farther);
                farthest_key(distances, negatives).mask_where(some, beyond)
            }
        }
    }
}

fn nearest_key(distances: &Tensor<2>, chosen: Tensor<2, Bool>) -> Tensor<1, Int> {
    distances.clone().mask_fill(chosen.bool_not(), f32::INFINITY).argmin(1).squeeze_dim(1)
}

fn farthest_key(distances: &Tensor<2>, chosen: Tensor<2, Bool>) -> Tensor<1, Int> {
    distances.clone().mask_fill(chosen.bool_not(), f32::NEG_INFINITY).argmax(1).squeeze_dim(1)
}
