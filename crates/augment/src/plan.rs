//! Plans of views: all random choices of a view, drawn in advance.

use rand::Rng;

use crate::{Operator, PlanStep, SpatialOp, ViewKey};

mod decoding;

/// All random choices of one view, drawn before the image is decoded.
///
/// # Example
/// ```
/// use selfsame_augment::{Recipe, ViewKey, ViewMaker};
///
/// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
/// let plan = Recipe::evaluation(32).plan(key, [100, 150]);
/// assert_eq!((plan.image, plan.steps.len()), ([100, 150], 2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The key of the view.
    pub key: ViewKey,
    /// `[height, width]` of the image that the plan was drawn for.
    pub image: [usize; 2],
    /// The steps, in order; in a view with custom functions, only those before the first function.
    pub steps: Vec<PlanStep>,
}

/// Draws operators one after the other, each for the size that the previous one leaves; returns the
/// final size.
pub(crate) fn draw_steps(
    operators: &[Operator],
    image: [usize; 2],
    rng: &mut impl Rng,
    steps: &mut Vec<PlanStep>,
) -> [usize; 2] {
    operators.iter().fold(image, |size, operator| {
        let step = operator.draw(size, rng);
        steps.push(step);
        step.size(size)
    })
}

/// Counts the first steps, which form one resizing, if a view begins with a resizing and has no
/// other.
///
/// A crop that follows only selects a window of the result.
pub(crate) fn resizing_steps(steps: &[PlanStep]) -> Option<usize> {
    let used = match steps {
        [
            PlanStep::Spatial(SpatialOp::Crop { .. }),
            PlanStep::Spatial(SpatialOp::Crop { part, size, .. }),
            ..,
        ] if [part.height, part.width] == *size => 2,
        [PlanStep::Spatial(SpatialOp::Crop { .. }), ..] => 1,
        _ => return None,
    };
    (!steps[used..].iter().any(PlanStep::resizes)).then_some(used)
}
