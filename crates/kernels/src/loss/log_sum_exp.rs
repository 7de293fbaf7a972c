//! The denominators of contrastive losses by vector loops, in memory that grows with the number of
//! rows and not with its square.

use burn::tensor::Tensor;

use super::excluded::Excluded;
#[cfg(feature = "flex")]
use crate::flex::{FlexTensor, as_f32_slice, constant_f32, contiguous_f32};

#[cfg(feature = "flex")]
mod tiles;

/// Scores `aᵢ · cₖ / temperature` of every anchor `aᵢ` with every candidate `cₖ` that is not
/// excluded.
#[derive(Clone, Debug)]
pub struct Scores {
    /// The anchors, `[anchors, dim]`.
    pub anchors: Tensor<2>,
    /// The candidates, `[candidates, dim]`; `None` for the anchors themselves. In that case
    /// `excluded` must be symmetric.
    pub candidates: Option<Tensor<2>>,
    /// The candidates that an anchor is not compared with.
    pub excluded: Excluded,
    /// The temperature, above 0.
    pub temperature: f64,
    /// Rows of a tile of scores; `None` chooses them by the number of rows.
    pub tile: Option<usize>,
}

/// The sum of the exponentials of every anchor's scores, and the state of the backward pass.
#[derive(Debug)]
pub struct ScoreSums {
    #[cfg(feature = "flex")]
    state: State,
    /// Without kernels this type has no values.
    #[cfg(not(feature = "flex"))]
    state: std::convert::Infallible,
}

impl ScoreSums {
    /// Computes `log Σₖ exp(aᵢ · cₖ / temperature)` for every anchor, `[anchors]`, a constant.
    ///
    /// `None` also if a score may exceed 40 in size, judged by the longest rows, or is NaN. Without
    /// a gradient of the candidates one pass computes the values and the gradient of the anchors.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use selfsame_kernels::loss::{Excluded, ScoreSums, Scores};
    ///
    /// let anchors = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &Device::flex());
    /// let excluded = Excluded::One(vec![0, 1]);
    /// let scores = Scores { anchors, candidates: None, excluded, temperature: 0.5, tile: None };
    /// let (values, _) = ScoreSums::of(&scores).expect("single precision on Flex");
    /// assert!(values.abs().max().into_scalar::<f32>() < 1e-6);
    /// ```
    #[must_use]
    pub fn of(scores: &Scores) -> Option<(Tensor<1>, Self)> {
        on_flex!(State::of(scores).map(|(values, state)| (values, Self { state })))
    }

    /// Computes the gradients of `Σᵢ weightsᵢ log Σₖ exp(aᵢ · cₖ / temperature)` with respect to
    /// the anchors and, if they are tracked, the candidates. `scores` are those of
    /// [`of`](Self::of); `weights` are constants, `[anchors]`.
    #[must_use]
    pub fn gradients(self, scores: &Scores, weights: &Tensor<1>) -> (Tensor<2>, Option<Tensor<2>>) {
        #[cfg(feature = "flex")]
        {
            self.state.gradients(scores, weights)
        }
        #[cfg(not(feature = "flex"))]
        match self.state {}
    }
}

#[cfg(feature = "flex")]
#[derive(Debug)]
struct State {
    anchors: FlexTensor,
    candidates: Option<FlexTensor>,
    dim: usize,
    shift: f32,
    sums: Vec<f32>,
    /// The gradient with respect to the anchors but for a factor of each, if one pass computes
    /// both.
    weighted_sums: Vec<f32>,
}

/// Returns whether only the anchors have a gradient.
#[cfg(feature = "flex")]
fn in_one_pass(scores: &Scores) -> bool {
    let constant = scores.candidates.as_ref().is_some_and(|rows| !rows.is_tracked());
    constant && scores.anchors.is_tracked()
}

#[cfg(feature = "flex")]
impl State {
    fn of(scores: &Scores) -> Option<(Tensor<1>, Self)> {
        let anchors = contiguous_f32(&scores.anchors)?;
        let candidates = match &scores.candidates {
            None => None,
            Some(candidates) => Some(contiguous_f32(candidates)?),
        };
        let dim = scores.anchors.dims()[1];
        let longest =
            |rows: &FlexTensor| super::reduce::host::max_row_norm(as_f32_slice(rows), dim);
        let longest_anchor = longest(&anchors);
        let longest_candidate = candidates.as_ref().map_or(longest_anchor, longest);
        let shift = longest_anchor * longest_candidate / scores.temperature as f32;
        if shift.is_nan() || shift > tiles::LARGEST_SCORE {
            return None;
        }
        let (sums, weighted_sums) = (Vec::new(), Vec::new());
        let mut state = Self { anchors, candidates, dim, shift, sums, weighted_sums };
        if in_one_pass(scores) {
            (state.sums, state.weighted_sums) = state.tiles(scores).sums_and_weighted_sums();
        } else {
            state.sums = state.tiles(scores).sums();
        }
        let values: Vec<f32> = state.sums.iter().map(|sum| sum.ln() + shift).collect();
        let shape = [values.len()];
        Some((constant_f32(values, shape, &scores.anchors), state))
    }

    fn tiles<'a>(&'a self, scores: &'a Scores) -> tiles::Tiles<'a> {
        let candidates = scores.candidates.as_ref().map(|candidates| candidates.dims()[0]);
        let anchors = scores.anchors.dims()[0];
        let lengths = || tiles::block_lengths(anchors, candidates, !in_one_pass(scores));
        tiles::Tiles {
            anchors: as_f32_slice(&self.anchors),
            candidates: self.candidates.as_ref().map(as_f32_slice),
            dim: self.dim,
            scale: (1.0 / scores.temperature) as f32,
            shift: self.shift,
            excluded: &scores.excluded,
            lengths: scores.tile.map_or_else(lengths, |length| [length; 2]),
        }
    }

    fn gradients(mut self, scores: &Scores, weights: &Tensor<1>) -> (Tensor<2>, Option<Tensor<2>>) {
        let weights = weights.to_data();
        let weights = weights.iter::<f32>().zip(&self.sums);
        let factors: Vec<f32> = weights.map(|(weight, sum)| weight / sum).collect();
        let wanted = scores.candidates.as_ref().is_some_and(Tensor::is_tracked);
        let dim = self.dim;
        let (anchors, candidates) = if in_one_pass(scores) {
            for (sum, factor) in self.weighted_sums.chunks_exact_mut(dim).zip(factors) {
                for x in sum {
                    *x *= factor;
                }
            }
            (self.weighted_sums, Vec::new())
        } else {
            self.tiles(scores).gradients(&factors, wanted)
        };
        let matrix = |gradient: Vec<f32>| {
            let rows = gradient.len() / dim;
            constant_f32(gradient, [rows, dim], &scores.anchors)
        };
        (matrix(anchors), wanted.then(|| matrix(candidates)))
    }
}
