//! Rotation about the center of each image.

use burn::tensor::{Int, Tensor};

use super::per_image::upload;
use crate::{PlanStep, SpatialOp};

/// Rotates each image that has a [`Rotate`](SpatialOp::Rotate) counter-clockwise by its angle.
///
/// Positions are computed on the device: an image needs two values from the host, not four
/// positions per pixel.
pub(super) fn rotate(images: Tensor<4>, steps: &[PlanStep]) -> Tensor<4> {
    let [batch, channels, height, width] = images.dims();
    let device = images.device();
    let angles = steps.iter().map(|step| match *step {
        PlanStep::Spatial(SpatialOp::Rotate { degrees }) => degrees.to_radians(),
        _ => 0.0,
    });
    #[allow(clippy::cast_possible_truncation, reason = "positions in pixels")]
    let (sin, cos): (Vec<f32>, Vec<f32>) =
        angles.map(|angle| (angle.sin() as f32, angle.cos() as f32)).unzip();
    let [sin, cos] = [sin, cos].map(|values| upload(values, [batch, 1, 1, 1], &device));
    let middle = |side: usize| side as f32 / 2.0 - 0.5;
    let from_middle = |side: usize| (0..side).map(|place| place as f32 - middle(side)).collect();
    let dy = upload(from_middle(height), [1, 1, height, 1], &device);
    let dx = upload(from_middle(width), [1, 1, 1, width], &device);
    let from_y = sin.clone() * dx.clone() + cos.clone() * dy.clone() + middle(height);
    let from_x = cos * dx - sin * dy + middle(width);
    let (above, below, down) = between(from_y, height);
    let (before, after, across) = between(from_x, width);
    let pixels = height * width;
    let flat = images.reshape([batch, channels, pixels]);
    let take = |row: &Tensor<4, Int>, column: &Tensor<4, Int>| {
        #[allow(clippy::cast_possible_wrap, reason = "sides of images")]
        let places = row.clone() * width as i64 + column.clone();
        let places = places.reshape([batch, 1, pixels]).expand([batch, channels, pixels]);
        flat.clone().gather(2, places).reshape([batch, channels, height, width])
    };
    let mix = |row: &Tensor<4, Int>| {
        let first = take(row, &before);
        first.clone() + (take(row, &after) - first) * across.clone()
    };
    let (upper, lower) = (mix(&above), mix(&below));
    upper.clone() + (lower - upper) * down
}

/// Returns the two pixels around each position, mirrored into the image, and the weight of the
/// second.
fn between(positions: Tensor<4>, side: usize) -> (Tensor<4, Int>, Tensor<4, Int>, Tensor<4>) {
    let first = positions.clone().floor();
    let share = positions - first.clone();
    (mirrored(first.clone(), side), mirrored(first + 1.0, side), share)
}

/// Maps positions to the pixels mirrored there, with the edge repeated.
fn mirrored(places: Tensor<4>, side: usize) -> Tensor<4, Int> {
    let (side, period) = (side as f32, 2.0 * side as f32);
    // Half a pixel keeps a quotient away from integers, however it is rounded.
    let round = ((places.clone() + 0.5) / period).floor() * period;
    let place = places - round;
    // min(p, 2s − 1 − p) is the distance from the middle of both mirrors.
    let middle = side - 0.5;
    (-(place - middle).abs() + middle).int()
}
