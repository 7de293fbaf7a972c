//! One step of SimCLR on the CPU: views in, weights changed.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use selfsame_benches::train_step::stepper;

/// 64 images, two views each.
fn train_step(criterion: &mut Criterion) {
    selfsame::compute_on_this_thread();
    let mut group = criterion.benchmark_group("train_step");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    for width in [16, 64] {
        let mut step = stepper(width, 64);
        group.bench_function(format!("simclr/resnet18-w{width}/128x32px/f32/flex"), |bencher| {
            bencher.iter(&mut step);
        });
    }
    group.finish();
}

criterion_group!(benches, train_step);
criterion_main!(benches);
