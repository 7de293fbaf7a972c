//! One training step of SimCLR and of the methods with a momentum network. Ids are `train_step/method-encoder-views/dtype/device`.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use selfsame_benches::device::BenchDevice;
use selfsame_benches::train_step::{METHODS, stepper};

/// 64 images, two views each.
fn train_step(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = criterion.benchmark_group("train_step");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    for width in [16, 64] {
        for method in METHODS {
            let network = format!("resnet18/{width}");
            let mut step = stepper(method, &network, 64, 32, &device.device);
            let id = device.id(&format!("{method}-resnet18-w{width}-128x32px"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    step();
                    device.finished(());
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, train_step);
criterion_main!(benches);
