//! Direct convolution on slices: the output, and the gradients with respect to input and weight.

use rayon::prelude::*;

use super::dense::{dense_convolve, dense_input_gradient, dense_weight_gradient};
use super::layout::{LineLayout, Shape, Tap};
use super::lines::{GROUP, inner_products, sums_of_lines};
use super::{winograd, winograd_gradient};
use crate::scratch::with_scratch_pair;

/// The largest number of parts of the batch whose weight gradients are summed separately, and the
/// least number of places of a part. Neither depends on the number of threads, so the sum does not.
const PARTS: usize = 16;
const LEAST_PLACES: usize = 2048;
/// The least number of places of a line if there are enough images: much of a short line is margin.
const SHORT_LINE: usize = 512;

/// Computes `y[n, o] = Σ over channels c and taps of weight[o, c, tap] · x[n, c] at the tap`.
///
/// # Shapes
/// - `x`: `[batch, d_input, height, width]`
/// - `weight`: `[d_output, d_input, kernel, kernel]`
/// - `y`: `[batch, d_output, out_height, out_width]`
pub(crate) fn convolve(shape: Shape, x: &[f32], weight: &[f32], y: &mut [f32]) {
    if dense_convolve(shape, x, weight, y) {
        return;
    }
    if winograd::suits(&shape) {
        return winograd::winograd_convolve(shape, x, weight, y);
    }
    let layout = LineLayout::new(shape, SHORT_LINE, PARTS);
    let taps = layout.taps.len();
    let all: Vec<usize> = (0..taps).collect();
    let at =
        |output: usize, input: usize, tap: usize| (output * shape.d_input + input) * taps + tap;
    let weights = pack(weight, shape.d_output, shape.d_input, &all, at);
    let offsets = input_offsets(&layout);
    let images = layout.images;
    let chunks = y.par_chunks_mut(images * layout.output_size());
    chunks.zip(x.par_chunks(images * layout.input_size())).for_each(|(y, x)| {
        let channels = [shape.d_input * layout.planes(), shape.d_output.next_multiple_of(GROUP)];
        with_scratch_pair(channels.map(|count| count * layout.line()), |from, to| {
            from.fill(0.0);
            layout.spread_input(x, from);
            let (lines, line) = (&mut to[layout.margin..], layout.line());
            sums_of_lines(&weights, offsets.len(), &offsets, from, lines, line, layout.places);
            layout.gather_output(to, y);
        });
    });
}

/// Computes the gradient with respect to the input: a transposed convolution, tap by tap, one plane
/// of the input at a time.
pub(crate) fn input_gradient(shape: Shape, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    if dense_input_gradient(shape, dy, weight, dx) {
        return;
    }
    if winograd::suits(&shape) {
        return winograd::winograd_input_gradient(shape, dy, weight, dx);
    }
    let layout = LineLayout::new(shape, SHORT_LINE, PARTS);
    let taps = layout.taps.len();
    let at =
        |input: usize, output: usize, tap: usize| (output * shape.d_input + input) * taps + tap;
    let planes: Vec<(Vec<[f32; GROUP]>, Vec<usize>)> = (0..layout.planes())
        .map(|plane| {
            let own: Vec<usize> =
                (0..taps).filter(|&tap| layout.taps[tap].plane == plane).collect();
            let weights = pack(weight, shape.d_input, shape.d_output, &own, at);
            let offset = |line: usize, tap: &usize| layout.offset(line, -layout.taps[*tap].shift);
            let offsets =
                (0..shape.d_output).flat_map(|line| own.iter().map(move |tap| offset(line, tap)));
            (weights, offsets.collect())
        })
        .collect();
    let chunks = dx.par_chunks_mut(layout.images * layout.input_size());
    chunks.zip(dy.par_chunks(layout.images * layout.output_size())).for_each(|(dx, dy)| {
        let line = layout.line();
        let channels = [shape.d_output, shape.d_input.next_multiple_of(GROUP) * layout.planes()];
        with_scratch_pair(channels.map(|count| count * line), |from, to| {
            from.fill(0.0);
            layout.spread_output(dy, from);
            // The lines of one plane, each channel's at its place among the other planes.
            let apart = layout.planes() * line;
            for (plane, (weights, offsets)) in planes.iter().enumerate() {
                let to = &mut to[plane * line + layout.margin..];
                let count = offsets.len();
                sums_of_lines(weights, count, offsets, from, to, apart, layout.places);
            }
            layout.gather_input(to, dx);
        });
    });
}

/// Computes the gradient with respect to the weight: inner products of each line of the output's
/// gradient with each line of the input, shifted by each tap.
pub(crate) fn weight_gradient(shape: Shape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    if dense_weight_gradient(shape, x, dy, dw) {
        return;
    }
    if winograd::suits(&shape) {
        return winograd_gradient::winograd_weight_gradient(shape, x, dy, dw);
    }
    // Long lines, even beyond the cache: each is read many times, a piece at a time.
    let layout = LineLayout::new(shape, LEAST_PLACES, 1);
    let images = shape.batch.div_ceil(PARTS).max(layout.images);
    let offsets = input_offsets(&layout);
    let groups = shape.d_output.div_ceil(GROUP);
    let parts = x.par_chunks(images * layout.input_size());
    let parts = parts.zip(dy.par_chunks(images * layout.output_size()));
    let partial: Vec<Vec<[f32; GROUP]>> = parts
        .map(|(x, dy)| {
            let mut sums = vec![[0.0; GROUP]; groups * offsets.len()];
            let chunks = x.chunks(layout.images * layout.input_size());
            for (x, dy) in chunks.zip(dy.chunks(layout.images * layout.output_size())) {
                let channels = [shape.d_input * layout.planes(), groups * GROUP];
                let lengths = channels.map(|count| count * layout.line());
                with_scratch_pair(lengths, |inputs, outputs| {
                    inputs.fill(0.0);
                    layout.spread_input(x, inputs);
                    outputs.fill(0.0);
                    layout.spread_output(dy, outputs);
                    let lines = sums.par_chunks_mut(offsets.len());
                    let lines = lines.zip(outputs.par_chunks(GROUP * layout.line()));
                    lines.for_each(|(sums, outputs)| {
                        let outputs = &outputs[layout.margin..];
                        inner_products(
                            outputs,
                            layout.line(),
                            layout.places,
                            inputs,
                            &offsets,
                            sums,
                        );
                    });
                });
            }
            sums
        })
        .collect();
    // `offsets` runs over channels and taps, as a row of the weight does.
    for (output, row) in dw.chunks_mut(offsets.len()).enumerate() {
        let (group, member) = (output / GROUP, output % GROUP);
        for (column, dw) in row.iter_mut().enumerate() {
            let place = group * offsets.len() + column;
            *dw = partial.iter().map(|sums| sums[place][member]).sum();
        }
    }
}

/// Returns the offset of each channel's line as each tap reads it.
fn input_offsets(layout: &LineLayout) -> Vec<usize> {
    let planes = layout.planes();
    let offset = |channel: usize, tap: &Tap| layout.offset(channel * planes + tap.plane, tap.shift);
    let channels = 0..layout.shape.d_input;
    channels.flat_map(|channel| layout.taps.iter().map(move |tap| offset(channel, tap))).collect()
}

/// Packs weights in the order of their use: for each group of lines `to`, each line `from` and tap,
/// the weights of the group. Lines beyond the last have weight 0.
fn pack(
    weight: &[f32],
    to: usize,
    from: usize,
    taps: &[usize],
    at: impl Fn(usize, usize, usize) -> usize,
) -> Vec<[f32; GROUP]> {
    let mut packed = Vec::with_capacity(to.div_ceil(GROUP) * from * taps.len());
    for first in (0..to).step_by(GROUP) {
        for line in 0..from {
            for &tap in taps {
                let mut group = [0.0; GROUP];
                for (member, weight_of) in group.iter_mut().zip(first..to) {
                    *member = weight[at(weight_of, line, tap)];
                }
                packed.push(group);
            }
        }
    }
    packed
}
