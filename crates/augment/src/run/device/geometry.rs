//! Cropping, resizing, mirroring, padding and blurring as two matrices per image.

use burn::tensor::Tensor;

use super::per_image::upload;
use crate::run::blur::{gaussian, reflect};
use crate::run::filter_weights::{FilterWeights, Stretch};
use crate::{PlanStep, Resampling, SpatialOp};

/// New rows and columns of each image as weighted sums of old ones: `new = down · old · acrossᵀ`.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    down: Vec<Lines>,
    across: Vec<Lines>,
}

impl Geometry {
    /// Creates the matrices of one step of each image of `[height, width]`.
    pub(super) fn new(steps: &[PlanStep], [height, width]: [usize; 2]) -> Self {
        let lines = |axis, side| steps.iter().map(|step| Lines::of(step, axis, side)).collect();
        Self { down: lines(0, height), across: lines(1, width) }
    }

    /// Appends one more step of each image.
    pub(super) fn then(self, steps: &[PlanStep]) -> Self {
        let chain = |axis: usize, lines: Vec<Lines>| {
            let next = |(step, lines): (&PlanStep, &Lines)| {
                Lines::of(step, axis, lines.new_side()).after(lines)
            };
            steps.iter().zip(&lines).map(next).collect()
        };
        Self { down: chain(0, self.down), across: chain(1, self.across) }
    }

    /// Applies both matrices of each image.
    pub(super) fn apply(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, channels, _, width] = images.dims();
        let device = images.device();
        let matrices = |lines: &[Lines]| {
            let weights = lines.iter().flat_map(|lines| &lines.weights).copied().collect();
            let dims = [lines.len(), lines[0].new_side(), lines[0].old_side];
            upload(weights, dims, &device)
        };
        let [down, across]: [Tensor<3>; 2] = [matrices(&self.down), matrices(&self.across)];
        let [height, new_width] = [down.dims()[1], across.dims()[1]];
        // The channels of an image share its matrices.
        let rows = down.unsqueeze_dim::<4>(1).matmul(images);
        let rows = rows.reshape([batch, channels * height, width]);
        rows.matmul(across.swap_dims(1, 2)).reshape([batch, channels, height, new_width])
    }
}

/// New lines of one side of an image as weighted sums of its old lines.
#[derive(Clone, Debug)]
struct Lines {
    old_side: usize,
    /// `[new_side, old_side]`, row by row.
    weights: Vec<f32>,
}

impl Lines {
    /// Computes the effect of `step` on `side` rows (`axis` 0) or columns (1).
    fn of(step: &PlanStep, axis: usize, side: usize) -> Self {
        match *step {
            PlanStep::Spatial(SpatialOp::Crop { part, size, resampling }) => {
                let [start, length] = [[part.top, part.height], [part.left, part.width]][axis];
                let from = Stretch { start: start as f64, length: length as f64, side };
                Self::resized(from, size[axis], resampling)
            }
            PlanStep::Spatial(SpatialOp::PadCrop { place, size, border }) => {
                Self::picked(side, (place[axis]..).take(size).map(|old| border.place(old, side)))
            }
            PlanStep::Spatial(SpatialOp::Blur { kernel_size, sigma }) => {
                Self::blurred(side, kernel_size / 2, sigma)
            }
            PlanStep::Spatial(op)
                if op == [SpatialOp::VerticalFlip, SpatialOp::HorizontalFlip][axis] =>
            {
                Self::picked(side, (0..side).rev().map(Some))
            }
            _ => Self::picked(side, (0..side).map(Some)),
        }
    }

    /// Takes each new line from an old one, or makes it black.
    fn picked(side: usize, old: impl Iterator<Item = Option<usize>>) -> Self {
        let mut weights = Vec::with_capacity(side * side);
        for old in old {
            let line = weights.len();
            weights.resize(line + side, 0.0);
            if let Some(old) = old {
                weights[line + old] = 1.0;
            }
        }
        Self { old_side: side, weights }
    }

    fn resized(from: Stretch, size: usize, resampling: Resampling) -> Self {
        let mut known = FilterWeights::default();
        known.compute(from, size, 0..size, resampling);
        let mut weights = vec![0.0; size * from.side];
        for (new, line) in weights.chunks_exact_mut(from.side).enumerate() {
            let (start, known) = known.of(new);
            line[start..][..known.len()].copy_from_slice(known);
        }
        Self { old_side: from.side, weights }
    }

    fn blurred(side: usize, reach: usize, sigma: f64) -> Self {
        let mut kernel = Vec::new();
        gaussian(reach, sigma, &mut kernel);
        let mut weights = vec![0.0; side * side];
        for (new, line) in weights.chunks_exact_mut(side).enumerate() {
            for (place, weight) in kernel.iter().enumerate() {
                line[reflect(new + place, kernel.len() / 2, side)] += weight;
            }
        }
        Self { old_side: side, weights }
    }

    fn new_side(&self) -> usize {
        self.weights.len() / self.old_side
    }

    /// Joins both; most weights are 0 and cost nothing.
    fn after(&self, first: &Self) -> Self {
        let side = first.old_side;
        let mut weights = vec![0.0; self.new_side() * side];
        let lines = self.weights.chunks_exact(self.old_side);
        for (sums, line) in weights.chunks_exact_mut(side).zip(lines) {
            for (weight, known) in line.iter().zip(first.weights.chunks_exact(side)) {
                if *weight != 0.0 {
                    sums.iter_mut().zip(known).for_each(|(sum, known)| *sum += weight * known);
                }
            }
        }
        Self { old_side: side, weights }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Border, CropBox};

    fn lines(steps: &[PlanStep], axis: usize, side: usize) -> Vec<f32> {
        let first = Lines::of(&steps[0], axis, side);
        let next = |lines: Lines, step| Lines::of(step, axis, lines.new_side()).after(&lines);
        steps[1..].iter().fold(first, next).weights
    }

    #[test]
    fn a_flip_swaps_the_lines_of_its_own_side() {
        assert_eq!(lines(&[SpatialOp::HorizontalFlip.into()], 1, 2), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(lines(&[SpatialOp::HorizontalFlip.into()], 0, 2), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(lines(&[SpatialOp::VerticalFlip.into(); 2], 0, 2), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_crop_and_a_padded_crop_are_one_matrix() {
        let part = CropBox { top: 1, left: 0, height: 2, width: 3 };
        let cut = SpatialOp::Crop { part, size: [1, 3], resampling: Resampling::default() };
        let moved = SpatialOp::PadCrop { place: [-1, 0], size: 2, border: Border::Zero };
        // A black row, then the mean of the second and third of three.
        assert_eq!(lines(&[cut.into(), moved.into()], 0, 3), [0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
    }
}
