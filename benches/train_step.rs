//! One step of SimCLR on the CPU: views in, weights changed.

use std::hint::black_box;
use std::time::Duration;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use selfsame::models::{Method, ResNetConfig, SimClrHead, Views, seed_weights};
use selfsame::optim::OptimizerConfig;

/// 64 pictures, two views each.
fn train_step(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    let mut group = criterion.benchmark_group("train_step");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    for width in [16, 64] {
        let encoder = ResNetConfig::resnet18(width).init(&device);
        let mut method = seed_weights(SimClrHead::default().init(encoder, &device), 0);
        let mut optimizer = OptimizerConfig::sgd(0.9, 5e-4).init();
        let view = || Tensor::random([64, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);
        let views = Views::new(vec![view(), view()], vec![None; 64]);
        group.bench_function(format!("simclr/resnet18-w{width}/128x32px/f32/flex"), |bencher| {
            bencher.iter(|| {
                let step = method.step(black_box(&views));
                let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
                method = optimizer.step(1e-3, method.clone(), gradients);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, train_step);
criterion_main!(benches);
