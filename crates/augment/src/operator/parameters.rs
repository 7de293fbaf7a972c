//! The interface of every operator's parameters, and the ranges they share.

use std::fmt;

use rand::Rng;

use crate::PlanStep;

/// Parameters of an operator; their `Display` is the operator's name and each parameter except the
/// probability.
pub(crate) trait Parameters: fmt::Display {
    /// Probability of acting, 0 to 1.
    fn probability(&self) -> f64 {
        1.0
    }

    /// Returns the side of the square that a view always is afterwards, if it always is one;
    /// `before` is the side before this operator.
    fn side_after(&self, before: Option<usize>) -> Option<usize> {
        before
    }

    /// Returns the first field out of its range, other than the probability.
    fn invalid_field(&self) -> Option<InvalidField> {
        None
    }

    /// Draws the step for an image of `[height, width]`, given that the operator acts.
    fn draw(&self, image: [usize; 2], rng: &mut impl Rng) -> PlanStep;
}

/// A field out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidField {
    pub(crate) name: &'static str,
    /// The range, to follow "must be".
    pub(crate) must: &'static str,
}

/// The largest side of a view.
const LARGEST: u32 = 1 << 16;

/// Names the field unless it is valid.
pub(crate) fn check(name: &'static str, valid: bool, must: &'static str) -> Option<InvalidField> {
    (!valid).then_some(InvalidField { name, must })
}

pub(crate) fn fraction(name: &'static str, x: f64) -> Option<InvalidField> {
    check(name, (0.0..=1.0).contains(&x), "0 to 1")
}

pub(crate) fn side(size: u32) -> Option<InvalidField> {
    check("size", (1..=LARGEST).contains(&size), "1 to 65536 pixels")
}

pub(crate) fn padding(padding: u32) -> Option<InvalidField> {
    check("padding", padding <= LARGEST, "at most 65536 pixels")
}

pub(crate) fn area_range(area: [f64; 2]) -> Option<InvalidField> {
    check("area", is_range(area) && area[1] <= 1.0, "a range above 0, up to 1")
}

pub(crate) fn positive_range(name: &'static str, range: [f64; 2]) -> Option<InvalidField> {
    check(name, is_range(range), "a range above 0")
}

fn is_range([low, high]: [f64; 2]) -> bool {
    low <= high && low > 0.0 && high.is_finite()
}

/// Converts a parameter to the precision of images.
#[allow(clippy::cast_possible_truncation, reason = "parameters of single-precision operators")]
pub(crate) fn single(x: f64) -> f32 {
    x as f32
}
