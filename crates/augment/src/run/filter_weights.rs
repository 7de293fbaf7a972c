//! How pixels between pixels are made up.

use std::ops::Range;

use pulp::Arch;
use serde::{Deserialize, Serialize};

/// The curve through known pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// A straight line between two pixels.
    Bilinear,
    /// Keys' cubic through four pixels; it may leave `[0, 1]`.
    Bicubic,
}

/// How pixels between pixels are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resampling {
    /// The curve.
    pub interpolation: Interpolation,
    /// Whether an image that shrinks is blurred accordingly.
    pub antialias: bool,
}

impl Default for Resampling {
    /// Bilinear with antialiasing, torchvision's default.
    fn default() -> Self {
        Self { interpolation: Interpolation::Bilinear, antialias: true }
    }
}

/// A stretch of one side of an image, in pixels; it may begin and end inside of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) start: f64,
    pub(crate) length: f64,
    /// Pixels that side has.
    pub(crate) side: usize,
}

/// For every new pixel the old pixels it is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights {
    /// First old pixel, and where the weights begin and end.
    places: Vec<[usize; 3]>,
    /// The weights of one new pixel after the other.
    weights: Vec<f32>,
}

impl Weights {
    /// First old pixel of a new one, and the weights from there on.
    #[inline]
    pub(crate) fn of(&self, pixel: usize) -> (usize, &[f32]) {
        let [first, start, end] = self.places[pixel];
        (first, &self.weights[start..end])
    }

    /// All old pixels that count.
    pub(crate) fn span(&self) -> Range<usize> {
        let first = self.places.iter().map(|[first, ..]| *first).min().unwrap_or(0);
        let ends = self.places.iter().map(|[first, start, end]| first + end - start);
        first..ends.max().unwrap_or(first)
    }

    /// Mirrors the new pixels.
    pub(crate) fn flip(&mut self) {
        self.places.reverse();
    }

    /// Multiplies all weights.
    pub(crate) fn scale(&mut self, unit: f32) {
        self.weights.iter_mut().for_each(|weight| *weight *= unit);
    }

    /// Stretches `from` to `to` pixels, of which those in `window` are wanted. Old pixels beyond
    /// `from` do not count: what is cut is cut first.
    pub(crate) fn compute(
        &mut self,
        from: Stretch,
        to: usize,
        window: Range<usize>,
        resampling: Resampling,
    ) {
        Arch::new().dispatch(
            #[inline(always)]
            || self.fill(from, to, window, resampling),
        );
    }

    #[inline(always)]
    fn fill(&mut self, from: Stretch, to: usize, window: Range<usize>, resampling: Resampling) {
        self.places.clear();
        self.weights.clear();
        let scale = from.length / to as f64;
        // Shrinking with antialiasing widens the curve; otherwise it goes through pixels as it is.
        let spread = if resampling.antialias { scale.max(1.0) } else { 1.0 };
        let reach = match resampling.interpolation {
            Interpolation::Bilinear => 1.0,
            Interpolation::Bicubic => 2.0,
        } * spread;
        #[allow(clippy::cast_possible_truncation, reason = "pixels of an image")]
        let whole = |x: f64| x.floor() as i64;
        let side = i64::try_from(from.side).unwrap_or(i64::MAX);
        let low = whole(from.start).clamp(0, side - 1);
        let high = (-whole(-(from.start + from.length))).clamp(low + 1, side);
        let thin = 1.0 / spread;
        for pixel in window {
            let center = from.start + scale * (pixel as f64 + 0.5);
            let weight = |old: i64| curve((old as f64 + 0.5 - center) * thin, resampling);
            let (first, last) = (whole(center - reach + 0.5), whole(center + reach + 0.5));
            let place = self.weights.len();
            let start = first.clamp(low, high - 1);
            if resampling.antialias {
                // Pixels beyond the border do not count.
                self.weights.extend((start..last.clamp(start + 1, high)).map(weight));
            } else {
                // Pixels beyond the border repeat it.
                let stop = (last - 1).clamp(start, high - 1);
                self.weights.resize(place + usize::try_from(stop - start + 1).unwrap_or(1), 0.0);
                for old in first..last {
                    let near = usize::try_from(old.clamp(start, stop) - start).unwrap_or(0);
                    self.weights[place + near] += weight(old);
                }
            }
            let sum: f32 = self.weights[place..].iter().sum();
            self.weights[place..].iter_mut().for_each(|weight| *weight /= sum);
            while self.weights.len() > place + 1 && self.weights.last() == Some(&0.0) {
                self.weights.pop();
            }
            let first = usize::try_from(start).unwrap_or(0);
            self.places.push([first, place, self.weights.len()]);
        }
    }
}

/// Weight of a pixel at a distance, in pixels.
#[allow(clippy::cast_possible_truncation, reason = "weights of at most 1")]
#[inline(always)]
fn curve(distance: f64, resampling: Resampling) -> f32 {
    let x = distance.abs();
    let weight = match resampling.interpolation {
        Interpolation::Bilinear => (1.0 - x).max(0.0),
        Interpolation::Bicubic => {
            // torchvision has Keys' value with antialiasing, as PIL, and OpenCV's without.
            let a = if resampling.antialias { -0.5 } else { -0.75 };
            match x {
                x if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
                x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * a,
                _ => 0.0,
            }
        }
    };
    weight as f32
}
