//! Plans of views: everything random about one, drawn in advance.

use rand::Rng;

use crate::{Operator, SpatialOp, Step, ViewKey};

mod decoding;

/// Everything random about one view, drawn before the image is decoded.
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
    /// The view it was drawn for.
    pub key: ViewKey,
    /// `[height, width]` of the image it was drawn for.
    pub image: [usize; 2],
    /// The steps, in order; in a view with custom functions, those before the first of them.
    pub steps: Vec<Step>,
}

/// Draws operators one after the other, each for the size the one before leaves; returns the last
/// size.
pub(crate) fn draw_steps(
    operators: &[Operator],
    image: [usize; 2],
    rng: &mut impl Rng,
    steps: &mut Vec<Step>,
) -> [usize; 2] {
    operators.iter().fold(image, |size, operator| {
        let step = operator.draw(size, rng);
        steps.push(step);
        step.size(size)
    })
}

/// Counts the steps that are one resizing, if a view begins with one and has no other.
///
/// A crop that follows only selects a window of the result.
pub(crate) fn resizing_steps(steps: &[Step]) -> Option<usize> {
    let used = match steps {
        [
            Step::Spatial(SpatialOp::Crop { .. }),
            Step::Spatial(SpatialOp::Crop { part, size, .. }),
            ..,
        ] if [part.height, part.width] == *size => 2,
        [Step::Spatial(SpatialOp::Crop { .. }), ..] => 1,
        _ => return None,
    };
    (!steps[used..].iter().any(Step::resizes)).then_some(used)
}
