//! Kernels of a training step, layer by layer, beside burn's own operators.
//!
//! Ids are `operation/pass/shape/dtype/device`; the pass of burn's operators begins with `burn_`.

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::activation::{self, relu};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use selfsame_benches::device::BenchDevice;
use selfsame_benches::values::values;
use selfsame_kernels::{
    Epilogue, MomentumStep, batch_norm_train, conv2d, gelu, max_pool2d, momentum_step,
};

/// Images of 32 pixels in one forward pass of a step, which encodes the views one after the other.
const IMAGES: usize = 64;

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

/// A large matrix product: the best that this machine reaches, to compare the others with.
fn matmul(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = group(criterion, "matmul");
    let [a, b] = [0, 1].map(|seed| values(seed, [2048, 2048], &device.device));
    group.throughput(Throughput::Elements(2 * 2048_u64.pow(3)));
    group.bench_function(device.id("2048x2048"), |bencher| {
        bencher.iter(|| device.finished(a.clone().matmul(b.clone())));
    });
}

/// Convolution of `ResNet`-18.
struct Layer {
    /// Its name in the paper.
    name: &'static str,
    channels: [usize; 2],
    /// Height and width of its input.
    side: usize,
    kernel: usize,
    stride: usize,
}

fn layers(width: usize) -> [Layer; 7] {
    let layer =
        |name, channels, side, kernel, stride| Layer { name, channels, side, kernel, stride };
    [
        layer("stem", [3, width], 32, 3, 1),
        layer("conv2_x", [width, width], 32, 3, 1),
        layer("conv3_1", [width, 2 * width], 32, 3, 2),
        layer("conv3_x", [2 * width, 2 * width], 16, 3, 1),
        layer("conv4_x", [4 * width, 4 * width], 8, 3, 1),
        layer("conv5_x", [8 * width, 8 * width], 4, 3, 1),
        layer("shortcut5", [4 * width, 8 * width], 8, 1, 2),
    ]
}

/// The convolutions of `ResNet`-18; elements are multiplications and additions.
fn conv(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = group(criterion, "conv2d");
    for width in [16, 64] {
        for layer in layers(width) {
            bench_layer(&mut group, &device, width, &layer);
        }
    }
}

fn bench_layer(
    group: &mut BenchmarkGroup<'_, WallTime>,
    device: &BenchDevice,
    width: usize,
    layer: &Layer,
) {
    let &Layer { name, channels: [from, to], side, kernel, stride } = layer;
    let x = values(0, [IMAGES, from, side, side], &device.device);
    let weight = values(1, [to, from, kernel, kernel], &device.device);
    let work = 2 * (IMAGES * from * to * (kernel * side / stride).pow(2)) as u64;
    let (strides, padding) = ([stride; 2], [kernel / 2; 2]);
    let ours = |x: Tensor<4>, weight: Tensor<4>| conv2d(x, weight, strides, padding);
    let burns = |x: Tensor<4>, weight: Tensor<4>| {
        module::conv2d(x, weight, None, ConvOptions::new(strides, padding, [1, 1], 1))
    };
    let forward_backward = |conv: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
        let x = black_box(x.clone()).autodiff().require_grad();
        let weight = weight.clone().autodiff().require_grad();
        device.finished(conv(x, weight).sum().backward())
    };
    let shape = device.id(&format!("{name}-w{width}"));
    group.throughput(Throughput::Elements(work));
    group.bench_function(format!("forward/{shape}"), |bencher| {
        bencher.iter(|| device.finished(ours(black_box(x.clone()), weight.clone())));
    });
    group.throughput(Throughput::Elements(3 * work));
    group.bench_function(format!("forward-backward/{shape}"), |bencher| {
        bencher.iter(|| forward_backward(&ours));
    });
    group.bench_function(format!("burn_forward-backward/{shape}"), |bencher| {
        bencher.iter(|| forward_backward(&burns));
    });
}

/// Batch norm with a sum and a ReLU, as at the end of a block; bytes are those of its input.
fn norm(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = group(criterion, "batch_norm_add_relu");
    for channels in [16, 64] {
        let dims = [IMAGES, channels, 32, 32];
        let [x, residual] = [0, 1].map(|seed| values(seed, dims, &device.device));
        let per_channel = |value: f64| Tensor::<1>::full([channels], value, &device.device);
        let (gamma, beta) = (per_channel(1.0), per_channel(0.0));
        group.throughput(Throughput::Bytes(4 * dims.iter().product::<usize>() as u64));
        let leaf = |tensor: &Tensor<4>| black_box(tensor.clone()).autodiff().require_grad();
        let parameters = || [&gamma, &beta].map(|p| p.clone().autodiff().require_grad());
        let shape = device.id(&format!("{IMAGES}x{channels}x32x32"));
        group.bench_function(format!("forward-backward/{shape}"), |bencher| {
            bencher.iter(|| {
                let [gamma, beta] = parameters();
                let epilogue = Epilogue::AddRelu(leaf(&residual));
                let norm = batch_norm_train(leaf(&x), gamma, beta, epilogue, 1e-5);
                device.finished(norm.output.sum().backward())
            });
        });
        group.bench_function(format!("burn_forward-backward/{shape}"), |bencher| {
            bencher.iter(|| {
                let [gamma, beta] = parameters();
                let norm = module::batch_norm_train(leaf(&x), gamma, beta, 1e-5);
                device.finished(relu(norm.output + leaf(&residual)).sum().backward())
            });
        });
    }
}

/// GELU and max pooling, which follow a convolution in airbench.
fn airbench(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = group(criterion, "airbench");
    let x = values(0, [IMAGES, 32, 31, 31], &device.device);
    group.throughput(Throughput::Bytes(4 * x.dims().iter().product::<usize>() as u64));
    let window = || MaxPoolOptions::new([2, 2]);
    let operators: [(&str, &dyn Fn(Tensor<4>) -> Tensor<4>); 4] = [
        ("gelu_forward-backward", &gelu),
        ("burn_gelu_forward-backward", &activation::gelu),
        ("max_pool_forward-backward", &|x| max_pool2d(x, [2, 2])),
        ("burn_max_pool_forward-backward", &|x| module::max_pool2d(x, window())),
    ];
    for (name, operator) in operators {
        let id = device.id(&format!("{name}/{IMAGES}x32x31x31"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let x = black_box(x.clone()).autodiff().require_grad();
                device.finished(operator(x).sum().backward())
            });
        });
    }
}

/// The update by SGD with momentum of the largest weight of `ResNet`-18.
fn momentum(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = group(criterion, "momentum_step");
    let dims = [512, 512 * 9];
    let parameter = |seed| values(seed, dims, &device.device);
    let (weight, mut gradient, mut velocity) = (parameter(0), parameter(1), parameter(2));
    let step = MomentumStep { rate: 1e-3, momentum: 0.9, weight_decay: 5e-4, nesterov: false };
    let shape = device.id(&format!("{}x{}", dims[0], dims[1]));
    group.throughput(Throughput::Elements(dims.iter().product::<usize>() as u64));
    group.bench_function(format!("update/{shape}"), |bencher| {
        bencher.iter(|| {
            let [old, from] = [&mut velocity, &mut gradient]
                .map(|tensor| std::mem::replace(tensor, Tensor::empty([0, 0], &device.device)));
            // The next weight serves as a gradient, so that memory is reused as in training.
            (gradient, velocity) = momentum_step(weight.clone(), from, Some(old), None, step);
            device.finished(());
        });
    });
    let (gradient, velocity) = (parameter(1), parameter(2));
    group.bench_function(format!("burn_update/{shape}"), |bencher| {
        bencher.iter(|| {
            let decayed = gradient.clone() + weight.clone() * step.weight_decay;
            let velocity = velocity.clone() * step.momentum + decayed;
            device.finished((weight.clone() - velocity.clone() * step.rate, velocity))
        });
    });
}

criterion_group!(benches, matmul, conv, norm, airbench, momentum);
criterion_main!(benches);
