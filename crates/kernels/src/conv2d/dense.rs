//! Convolution of maps of so few pixels that every output pixel reads every input pixel: a matrix
//! product of images, which are rows already.

use rayon::prelude::*;

use super::layout::Shape;
use crate::gemm::packed::{Matrix, multiply};

/// The weight of a kernel for each pair of an output pixel and an input pixel.
struct Taps {
    shape: Shape,
    /// Pixels of the input, and of the output.
    pixels: [usize; 2],
    /// For each output pixel and each input pixel, the place in the kernel.
    places: Vec<usize>,
}

impl Taps {
    /// Returns `None` if an output pixel does not read all of the input.
    fn new(shape: Shape) -> Option<Self> {
        let [height, width] = shape.output();
        let (from, to) = (shape.height * shape.width, height * width);
        let [kernel_height, kernel_width] = shape.kernel;
        if from > kernel_height * kernel_width {
            return None;
        }
        let place = |output: usize, input: usize| {
            let row = input / shape.width + shape.padding;
            let column = input % shape.width + shape.padding;
            let row = row.checked_sub(output / width * shape.stride)?;
            let column = column.checked_sub(output % width * shape.stride)?;
            (row < kernel_height && column < kernel_width).then(|| row * kernel_width + column)
        };
        let pairs = (0..to).flat_map(|output| (0..from).map(move |input| (output, input)));
        let places = pairs.map(|(output, input)| place(output, input)).collect::<Option<_>>()?;
        Some(Self { shape, pixels: [from, to], places })
    }

    /// Returns the sides of the matrix: outputs and inputs, channel by channel and pixel by pixel.
    fn sides(&self) -> [usize; 2] {
        let [from, to] = self.pixels;
        [self.shape.d_output * to, self.shape.d_input * from]
    }

    fn taps(&self) -> usize {
        self.shape.kernel[0] * self.shape.kernel[1]
    }

    /// Returns the matrix of a kernel.
    fn matrix(&self, weight: &[f32]) -> Vec<f32> {
        let ([_, columns], [from, to], taps) = (self.sides(), self.pixels, self.taps());
        let mut matrix = vec![0.0; self.shape.d_output * to * columns];
        matrix.par_chunks_mut(columns).enumerate().for_each(|(row, matrix)| {
            let weight = &weight[row / to * self.shape.d_input * taps..];
            let places = &self.places[row % to * from..][..from];
            for (matrix, weight) in matrix.chunks_mut(from).zip(weight.chunks(taps)) {
                for (matrix, place) in matrix.iter_mut().zip(places) {
                    *matrix = weight[*place];
                }
            }
        });
        matrix
    }

    /// Adds up the gradient of a kernel from that of its matrix.
    fn add_up(&self, matrix: &[f32], dw: &mut [f32]) {
        let ([_, columns], [from, to], taps) = (self.sides(), self.pixels, self.taps());
        let kernels = dw.par_chunks_mut(self.shape.d_input * taps);
        kernels.zip(matrix.par_chunks(to * columns)).for_each(|(dw, matrix)| {
            dw.fill(0.0);
            for (output, row) in matrix.chunks(columns).enumerate() {
                let places = &self.places[output * from..][..from];
                for (dw, row) in dw.chunks_mut(taps).zip(row.chunks(from)) {
                    for (x, place) in row.iter().zip(places) {
                        dw[*place] += x;
                    }
                }
            }
        });
    }
}

/// Computes the output of a convolution; `false` if it is none of this kind.
pub(crate) fn dense_convolve(shape: Shape, x: &[f32], weight: &[f32], y: &mut [f32]) -> bool {
    let Some(taps) = Taps::new(shape) else { return false };
    let ([outputs, inputs], matrix) = (taps.sides(), taps.matrix(weight));
    let images = Matrix::new(x, [shape.batch, inputs]);
    let matrix = Matrix::new(&matrix, [outputs, inputs]);
    y.copy_from_slice(&multiply(images, matrix.transpose(), 1.0));
    true
}

/// Computes the gradient with respect to the input; `false` as above.
pub(crate) fn dense_input_gradient(
    shape: Shape,
    dy: &[f32],
    weight: &[f32],
    dx: &mut [f32],
) -> bool {
    let Some(taps) = Taps::new(shape) else { return false };
    let ([outputs, inputs], matrix) = (taps.sides(), taps.matrix(weight));
    let images = Matrix::new(dy, [shape.batch, outputs]);
    dx.copy_from_slice(&multiply(images, Matrix::new(&matrix, [outputs, inputs]), 1.0));
    true
}

/// Computes the gradient with respect to the weight; `false` as above.
pub(crate) fn dense_weight_gradient(shape: Shape, x: &[f32], dy: &[f32], dw: &mut [f32]) -> bool {
    let Some(taps) = Taps::new(shape) else { return false };
    let [outputs, inputs] = taps.sides();
    let (x, dy) = (Matrix::new(x, [shape.batch, inputs]), Matrix::new(dy, [shape.batch, outputs]));
    taps.add_up(&multiply(dy.transpose(), x, 1.0), dw);
    true
}
