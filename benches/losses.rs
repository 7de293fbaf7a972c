//! Every loss of two views, forward and forward with backward. Ids are `loss/batch x dim/pass`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use selfsame_benches::losses::LOSSES;

fn losses(criterion: &mut Criterion) {
    for measured in LOSSES {
        let mut group = criterion.benchmark_group(measured.name);
        group.sample_size(10).warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(800));
        for batch in [64, 256, 1024, 4096] {
            group.throughput(Throughput::Elements(2 * batch as u64));
            let shape = format!("{batch}x{}", measured.dim);
            let views = measured.views(batch, false);
            group.bench_function(format!("{shape}/forward"), |bencher| {
                bencher.iter(|| {
                    let [a, b] = black_box(views.clone());
                    (measured.loss)(a, b).into_scalar::<f32>()
                });
            });
            let views = measured.views(batch, true);
            group.bench_function(format!("{shape}/backward"), |bencher| {
                bencher.iter(|| {
                    let [a, b] = black_box(views.clone());
                    (measured.loss)(a, b).backward()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, losses);
criterion_main!(benches);
