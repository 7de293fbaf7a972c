//! The kernels give what burn's own operators give, forward and backward.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic and print, and reads small values"
)]

use burn::tensor::activation::{self, relu};
use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::prelude::*;
use selfsame_kernels::{Epilogue, batch_norm, batch_norm_train, conv2d, gelu, max_pool2d};

/// Numbers without any pattern, around zero.
fn random<const D: usize>(dims: [usize; D], seed: u32) -> Tensor<D> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.4
    };
    let data: Vec<f32> = (0..dims.iter().product()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(data, dims), &Device::flex().autodiff())
}

fn elements<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The gradient of one input.
type Gradient<'a> = &'a dyn Fn(&burn::tensor::Gradients) -> Vec<f32>;

/// Output and gradients of a weighted sum of it.
fn run<const D: usize, const N: usize>(output: Tensor<D>, of: [Gradient<'_>; N]) -> Vec<Vec<f32>> {
    let weights = random(output.dims(), 77).inner();
    let gradients = (output.clone() * weights).sum().backward();
    let mut all = vec![elements(output)];
    all.extend(of.map(|gradient| gradient(&gradients)));
    all
}

#[track_caller]
fn assert_same(ours: &[Vec<f32>], theirs: &[Vec<f32>]) {
    for (part, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(ours.len(), theirs.len());
        // Sums of up to a few thousand terms of size 1 in another order: what they cancel to may
        // be small, their rounding is not.
        let size = theirs.iter().map(|x| x.abs()).fold(1.0, f32::max);
        let off = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off <= 2e-5 * size, "part {part} is off by {off} of {size}");
    }
}

fn convolve(
    conv: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
    x: [usize; 4],
    weight: [usize; 4],
) -> Vec<Vec<f32>> {
    let (x, weight) = (random(x, 1).require_grad(), random(weight, 2).require_grad());
    run(
        conv(x.clone(), weight.clone()),
        [&|g| elements(x.grad(g).unwrap()), &|g| elements(weight.grad(g).unwrap())],
    )
}

fn check_conv(x: [usize; 4], d_output: usize, kernel: [usize; 2], stride: usize, padding: usize) {
    let weight = [d_output, x[1], kernel[0], kernel[1]];
    let ours = convolve(|x, w| conv2d(x, w, [stride; 2], [padding; 2]), x, weight);
    let options = || ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1);
    let theirs = convolve(|x, w| module::conv2d(x, w, None, options()), x, weight);
    assert_same(&ours, &theirs);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn convolutions(
        batch in 1_usize..6, d_input in 1_usize..11, d_output in 1_usize..19,
        height in 5_usize..14, width in 5_usize..14,
        kernel in (1_usize..6, 1_usize..6), stride in 1_usize..4, padding in 0_usize..3,
    ) {
        check_conv([batch, d_input, height, width], d_output, [kernel.0, kernel.1], stride, padding);
    }
}

#[test]
fn convolutions_of_a_resnet() {
    for (channels, side) in [(8, 32), (16, 16), (32, 8), (64, 4)] {
        check_conv([9, channels, side, side], channels, [3, 3], 1, 1);
        check_conv([9, channels, side, side], 2 * channels, [3, 3], 2, 1);
        check_conv([9, channels, side, side], 2 * channels, [1, 1], 2, 0);
    }
    check_conv([40, 3, 32, 32], 16, [3, 3], 1, 1);
}

#[test]
fn convolutions_of_a_resnet_of_large_images() {
    for (height, width) in [(32, 32), (33, 45), (8, 7), (1, 2)] {
        check_conv([3, 3, height, width], 10, [7, 7], 2, 3);
    }
    for (stride, from, to) in [(1, 8, 32), (1, 32, 8), (2, 12, 17)] {
        for (height, width) in [(8, 8), (7, 5), (1, 1)] {
            check_conv([3, from, height, width], to, [1, 1], stride, 0);
        }
    }
}

/// Maps so small that every output reads every input, with kernels of any form.
#[test]
fn convolutions_of_a_few_pixels() {
    for ([height, width], kernel, stride, padding) in [
        ([1, 1], [3, 3], 1, 1),
        ([2, 2], [3, 3], 1, 1),
        ([2, 1], [3, 3], 1, 1),
        ([2, 2], [3, 3], 2, 1),
        ([2, 2], [2, 2], 1, 0),
        ([1, 1], [1, 1], 1, 0),
        ([4, 3], [7, 7], 2, 3),
        ([3, 3], [5, 5], 1, 2),
    ] {
        check_conv([9, 5, height, width], 7, kernel, stride, padding);
        check_conv([2, 40, height, width], 33, kernel, stride, padding);
    }
}

/// Wide enough for Winograd's convolution, with tiles that the image does not fill.
#[test]
fn convolutions_by_tiles() {
    for (batch, from, to, [height, width], padding) in [
        (2, 32, 32, [32, 32], 1),
        (65, 40, 33, [4, 4], 1),
        (3, 33, 50, [7, 9], 0),
        (5, 32, 48, [3, 5], 2),
        (1, 64, 32, [6, 1], 1),
        (17, 128, 128, [8, 8], 1),
        (70, 33, 35, [7, 6], 1),
        (9, 34, 40, [31, 32], 0),
    ] {
        check_conv([batch, from, height, width], to, [3, 3], 1, padding);
    }
}

/// In units of the root mean square of the true values, which double precision tells.
#[test]
fn the_error_of_tiles_is_small() {
    let dims = [16, 64, 32, 32];
    let (x, weight) = (random(dims, 5).inner(), random([64, 64, 3, 3], 6).inner());
    let run = |dtype: DType, ours: bool| -> [Vec<f64>; 3] {
        let leaf = |tensor: &Tensor<4>| tensor.clone().cast(dtype).autodiff().require_grad();
        let (x, weight) = (leaf(&x), leaf(&weight));
        let y = if ours {
            conv2d(x.clone(), weight.clone(), [1; 2], [1; 2])
        } else {
            let options = ConvOptions::new([1; 2], [1; 2], [1, 1], 1);
            module::conv2d(x.clone(), weight.clone(), None, options)
        };
        let weights = random(dims, 7).inner().cast(dtype);
        let gradients = (y.clone() * Tensor::from_inner(weights)).sum().backward();
        let all = [y.inner(), x.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()];
        all.map(|tensor| tensor.into_data().iter::<f64>().collect())
    };
    let truth = run(DType::F64, false);
    for (what, (found, truth)) in ["output", "gradient of the input", "gradient of the weight"]
        .iter()
        .zip(run(DType::F32, true).into_iter().zip(truth))
    {
        let size = (truth.iter().map(|x| x * x).sum::<f64>() / truth.len() as f64).sqrt();
        let off = found.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{what}: off by {:.1e} at most", off / size);
        assert!(off < 3e-5 * size, "{what} is off by {}", off / size);
    }
}

fn normalize(
    norm: impl Fn(Tensor<4>, Tensor<1>, Tensor<1>, Tensor<4>) -> [Tensor<4>; 1],
    dims: [usize; 4],
) -> Vec<Vec<f32>> {
    let (x, residual) = (random(dims, 3).require_grad(), random(dims, 4).require_grad());
    let (gamma, beta) = (random([dims[1]], 5).require_grad(), random([dims[1]], 6).require_grad());
    let [output] = norm(x.clone() * 3.0 + 2.0, gamma.clone(), beta.clone(), residual.clone());
    run(
        output,
        [
            &|g| elements(x.grad(g).unwrap()),
            &|g| elements(gamma.grad(g).unwrap()),
            &|g| elements(beta.grad(g).unwrap()),
            &|g| residual.grad(g).map_or_else(Vec::new, elements),
        ],
    )
}

/// What follows a norm: as ours is told, and by burn's operators.
type Follow = (fn(Tensor<4>) -> Epilogue<4>, fn(Tensor<4>, Tensor<4>) -> Tensor<4>);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn batch_norms(batch in 2_usize..9, channels in 1_usize..9, height in 1_usize..12, width in 1_usize..12) {
        let dims = [batch, channels, height, width];
        let follows: [Follow; 4] = [
            (|_| Epilogue::None, |y, _| y),
            (|_| Epilogue::Relu, |y, _| relu(y)),
            (|_| Epilogue::Gelu, |y, _| activation::gelu(y)),
            (Epilogue::AddRelu, |y, residual| relu(y + residual)),
        ];
        for (then, same) in follows {
            let ours = normalize(|x, gamma, beta, residual| {
                [batch_norm_train(x, gamma, beta, then(residual), 1e-3).output]
            }, dims);
            let theirs = normalize(|x, gamma, beta, residual| {
                [same(module::batch_norm_train(x, gamma, beta, 1e-3).output, residual)]
            }, dims);
            assert_same(&ours, &theirs);
        }
    }
}

fn of_one_input(
    operator: impl Fn(Tensor<4>) -> Tensor<4>,
    dims: [usize; 4],
    scale: f32,
) -> Vec<Vec<f32>> {
    let x = (random(dims, 3) * scale).detach().require_grad();
    run(operator(x.clone()), [&|g| elements(x.grad(g).unwrap())])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pooling(
        batch in 1_usize..5, channels in 1_usize..9, height in 2_usize..24, width in 2_usize..24,
        window in (1_usize..4, 1_usize..4), whole: bool, square: bool,
    ) {
        let window = match (whole, square) {
            (true, _) => [height, width],
            (false, true) => [2, 2],
            (false, false) => [window.0.min(height), window.1.min(width)],
        };
        let dims = [batch, channels, height, width];
        let ours = of_one_input(|x| max_pool2d(x, window), dims, 1.0);
        let theirs =
            of_one_input(|x| module::max_pool2d(x, MaxPoolOptions::new(window)), dims, 1.0);
        prop_assert!(ours == theirs, "the same pixels, to the last bit");
    }

    #[test]
    fn gelus(batch in 1_usize..5, channels in 1_usize..40, scale in 0.01_f32..20.0) {
        let dims = [batch, channels, 7, 9];
        assert_same(&of_one_input(gelu, dims, scale), &of_one_input(activation::gelu, dims, scale));
    }
}

/// The gradient of pixels that are equal goes to one of them, and NaN is not lost.
#[test]
fn the_first_of_equal_pixels_gets_the_gradient() {
    for window in [[2, 2], [4, 4]] {
        let x = random([1, 1, 4, 4], 1).mul_scalar(0.0).detach().require_grad();
        let gradients = max_pool2d(x.clone(), window).sum().backward();
        let found = elements(x.grad(&gradients).unwrap());
        let windows = 16 / (window[0] * window[1]);
        assert_eq!((found[0], found.iter().sum::<f32>()), (1.0, windows as f32));
        let hole = x.detach().inner().slice_fill([0..1, 0..1, 1..2, 1..2], f32::NAN);
        assert!(elements(max_pool2d(hole, window))[0].is_nan());
    }
}

#[test]
#[should_panic(expected = "a window of [3, 1] does not fit 2 × 4 pixels")]
fn a_window_larger_than_the_image_is_named() {
    let _ = max_pool2d(random([1, 1, 2, 4], 1), [3, 1]);
}

#[test]
fn statistics_are_exact_far_from_zero() {
    let x = random([8, 2, 16, 16], 9) + 1000.0;
    let (one, zero) = (random([2], 1) * 0.0 + 1.0, random([2], 1) * 0.0);
    let norm = batch_norm_train(x.clone(), one, zero, Epilogue::None, 1e-5);
    let values = x.into_data().iter::<f32>().map(f64::from).collect::<Vec<_>>();
    let channel: Vec<f64> = values.chunks(256).step_by(2).flatten().copied().collect();
    let mean = channel.iter().sum::<f64>() / channel.len() as f64;
    let variance = channel.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / channel.len() as f64;
    assert!((f64::from(elements(norm.mean)[0]) - mean).abs() < 1e-4);
    assert!((f64::from(elements(norm.variance)[0]) / variance - 1.0).abs() < 1e-4);
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| convolve(|x, w| conv2d(x, w, [1; 2], [1; 2]), [37, 6, 9, 9], [10, 6, 3, 3]))
    };
    assert!(run(1) == run(2) && run(1) == run(5));
    let tiled = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            convolve(|x, w| conv2d(x, w, [1; 2], [1; 2]), [99, 32, 9, 9], [40, 32, 3, 3])
        })
    };
    assert!(tiled(1) == tiled(2) && tiled(1) == tiled(5));
}

#[test]
fn a_batch_norm_that_is_only_used_equals_the_sum_of_its_parts() {
    let x = random([3, 4, 5, 6], 1).inner();
    let one = |seed| random([4], seed).inner();
    let statistics = || [one(4), one(5) + 1.0];
    let ours =
        batch_norm(x.clone(), [one(2), one(3)], statistics(), Epilogue::AddRelu(x.clone()), 1e-3);
    let [mean, variance] = statistics();
    let theirs = module::batch_norm(x.clone(), one(2), one(3), mean, variance, 1e-3);
    assert_same(&[elements(ours)], &[elements(relu(theirs + x))]);
}
