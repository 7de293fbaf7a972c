//! Weights of the old pixels in each new pixel of a resized line.

use std::ops::Range;

use pulp::Arch;

use crate::{Interpolation, Resampling};

/// A stretch of one side of an image, in pixels; it may begin and end within a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) start: f64,
    pub(crate) length: f64,
    /// Pixels of the whole side.
    pub(crate) side: usize,
}

/// The old pixels of every new pixel, and their weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterWeights {
    /// First old pixel, and where the weights begin and end.
    places: Vec<[usize; 3]>,
    /// The weights of one new pixel after the other.
    weights: Vec<f32>,
}

impl FilterWeights {
    /// Returns the first old pixel of a new one, and the weights from there on.
    #[inline]
    pub(crate) fn of(&self, pixel: usize) -> (usize, &[f32]) {
        let [first, start, end] = self.places[pixel];
        (first, &self.weights[start..end])
    }

    /// Returns the old pixels with any weight.
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

    /// Computes the weights that resize `from` to `to` pixels, for the new pixels in `window`.
    ///
    /// Old pixels beyond `from` have no weight: cropping precedes resizing.
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
        // Shrinking with antialiasing widens the curve.
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
                // Pixels beyond the border have no weight.
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

/// Returns the weight of a pixel at a distance, in pixels.
#[allow(clippy::cast_possible_truncation, reason = "weights of at most 1")]
#[inline(always)]
fn curve(distance: f64, resampling: Resampling) -> f32 {
    let x = distance.abs();
    let weight = match resampling.interpolation {
        Interpolation::Bilinear => (1.0 - x).max(0.0),
        Interpolation::Bicubic => {
            // torchvision uses Keys' value with antialiasing, as PIL does, and OpenCV's without.
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
