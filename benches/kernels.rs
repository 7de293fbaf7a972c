//! The kernels of a training step, layer by layer, beside burn's own operators.

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Distribution, Tensor, module};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use selfsame_kernels::{Epilogue, MomentumStep, batch_norm_train, conv2d, momentum_step};

/// Images of 32 pixels in one forward pass of a step: the views are encoded one after the other.
const IMAGES: usize = 64;

fn random<const D: usize>(dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(dims, Distribution::Normal(0.0, 1.0), device)
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

/// What the others can be held against: the best this machine does with a large matrix product.
fn matmul(criterion: &mut Criterion) {
    selfsame::compute_on_this_thread();
    let device = Device::flex();
    let mut group = group(criterion, "matmul");
    let (a, b) = (random([2048, 2048], &device), random([2048, 2048], &device));
    group.throughput(Throughput::Elements(2 * 2048_u64.pow(3)));
    group.bench_function("2048/f32/flex", |bencher| bencher.iter(|| a.clone().matmul(b.clone())));
}

/// The convolutions of `ResNet`-18 by their names in the paper; elements are multiplications and
/// additions.
fn conv(criterion: &mut Criterion) {
    let device = Device::flex();
    for width in [16, 64] {
        let mut group = group(criterion, &format!("conv/w{width}"));
        let layers = [
            ("stem", 3, width, 32, 3, 1),
            ("conv2_x", width, width, 32, 3, 1),
            ("conv3_1", width, 2 * width, 32, 3, 2),
            ("conv3_x", 2 * width, 2 * width, 16, 3, 1),
            ("conv4_x", 4 * width, 4 * width, 8, 3, 1),
            ("conv5_x", 8 * width, 8 * width, 4, 3, 1),
            ("shortcut5", 4 * width, 8 * width, 8, 1, 2),
        ];
        for (name, from, to, side, kernel, stride) in layers {
            let x = random([IMAGES, from, side, side], &device);
            let weight = random([to, from, kernel, kernel], &device);
            let work = 2 * (IMAGES * from * to * (kernel * side / stride).pow(2)) as u64;
            let (strides, padding) = ([stride; 2], [kernel / 2; 2]);
            let ours = |x: Tensor<4>, weight: Tensor<4>| conv2d(x, weight, strides, padding);
            let burns = |x: Tensor<4>, weight: Tensor<4>| {
                module::conv2d(x, weight, None, ConvOptions::new(strides, padding, [1, 1], 1))
            };
            group.throughput(Throughput::Elements(work));
            group.bench_function(format!("{name}/forward/ours"), |bencher| {
                bencher.iter(|| ours(black_box(x.clone()), weight.clone()));
            });
            group.throughput(Throughput::Elements(3 * work));
            let there_and_back = |conv: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
                let x = black_box(x.clone()).autodiff().require_grad();
                let weight = weight.clone().autodiff().require_grad();
                conv(x, weight).sum().backward()
            };
            group.bench_function(format!("{name}/forward+backward/ours"), |bencher| {
                bencher.iter(|| there_and_back(&ours));
            });
            group.bench_function(format!("{name}/forward+backward/burn"), |bencher| {
                bencher.iter(|| there_and_back(&burns));
            });
        }
    }
}

/// Batch norm with a sum and a ReLU, as at the end of a block; bytes are those of its input.
fn norm(criterion: &mut Criterion) {
    let device = Device::flex();
    let mut group = group(criterion, "batch_norm");
    for channels in [16, 64] {
        let dims = [IMAGES, channels, 32, 32];
        let (x, carried) = (random(dims, &device), random(dims, &device));
        let of_channels = |value: f64| Tensor::<1>::full([channels], value, &device);
        let (gamma, beta) = (of_channels(1.0), of_channels(0.0));
        group.throughput(Throughput::Bytes(4 * dims.iter().product::<usize>() as u64));
        let leaf = |tensor: &Tensor<4>| black_box(tensor.clone()).autodiff().require_grad();
        let parameters = || [&gamma, &beta].map(|p| p.clone().autodiff().require_grad());
        group.bench_function(format!("add+relu/c{channels}/forward+backward/ours"), |bencher| {
            bencher.iter(|| {
                let [gamma, beta] = parameters();
                let then = Epilogue::AddRelu(leaf(&carried));
                batch_norm_train(leaf(&x), gamma, beta, then, 1e-5).output.sum().backward()
            });
        });
        group.bench_function(format!("add+relu/c{channels}/forward+backward/burn"), |bencher| {
            bencher.iter(|| {
                let [gamma, beta] = parameters();
                let norm = module::batch_norm_train(leaf(&x), gamma, beta, 1e-5);
                burn::tensor::activation::relu(norm.output + leaf(&carried)).sum().backward()
            });
        });
    }
}

/// SGD's step for the largest weight of `ResNet`-18.
fn momentum(criterion: &mut Criterion) {
    let device = Device::flex();
    let mut group = group(criterion, "momentum_step");
    let parameter = || random([512, 512 * 9], &device);
    let (weight, mut gradient, mut velocity) = (parameter(), parameter(), parameter());
    let step = MomentumStep { rate: 1e-3, momentum: 0.9, weight_decay: 5e-4, nesterov: false };
    group.throughput(Throughput::Elements(512 * 512 * 9));
    group.bench_function("2.4M/f32/ours", |bencher| {
        bencher.iter(|| {
            let [old, from] = [&mut velocity, &mut gradient]
                .map(|tensor| std::mem::replace(tensor, Tensor::empty([0, 0], &device)));
            // The next weight stands in for a gradient, so that memory goes round as in training.
            (gradient, velocity) = momentum_step(weight.clone(), from, Some(old), None, step);
        });
    });
    let (gradient, velocity) = (parameter(), parameter());
    group.bench_function("2.4M/f32/burn", |bencher| {
        bencher.iter(|| {
            let decayed = gradient.clone() + weight.clone() * step.weight_decay;
            let velocity = velocity.clone() * step.momentum + decayed;
            (weight.clone() - velocity.clone() * step.rate, velocity)
        });
    });
}

criterion_group!(benches, matmul, conv, norm, momentum);
criterion_main!(benches);
