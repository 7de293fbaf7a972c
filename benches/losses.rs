//! Every loss, forward and forward with backward. Ids are `loss/pass/batch x dim/dtype/device`.
//!
//! On the CPU each id of a backward pass is preceded by a line with the peak memory of such a step
//! above its inputs; it counts all allocated memory, whether touched or not.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peak_alloc::PeakAlloc;
use selfsame_benches::device::BenchDevice;
use selfsame_benches::losses::{Inputs, LOSSES, Measured};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

fn losses(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    for measured in LOSSES {
        let mut group = criterion.benchmark_group(measured.name);
        group.sample_size(10).nresamples(1000).warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(300));
        for batch in [64, 256, 1024, 4096] {
            group.throughput(Throughput::Elements((measured.views * batch) as u64));
            let shape = device.id(&format!("{batch}x{}", measured.dim));
            let inputs = measured.inputs(batch, false, &device.device);
            group.bench_function(format!("forward/{shape}"), |bencher| {
                // Reading the value waits for the device.
                bencher.iter(|| (measured.loss)(black_box(&inputs)).into_scalar::<f32>());
            });
            let inputs = measured.inputs(batch, true, &device.device);
            group.bench_function(format!("forward-backward/{shape}"), |bencher| {
                if device.is_host() {
                    print_peak(measured, &shape, &inputs);
                }
                bencher.iter(|| device.finished((measured.loss)(black_box(&inputs)).backward()));
            });
        }
        group.finish();
    }
}

#[allow(clippy::print_stderr, reason = "a figure that criterion does not measure")]
fn print_peak(measured: &Measured, shape: &str, inputs: &Inputs) {
    let before = ALLOCATED.current_usage_as_mb();
    ALLOCATED.reset_peak_usage();
    drop((measured.loss)(inputs).backward());
    let peak = ALLOCATED.peak_usage_as_mb() - before;
    eprintln!("{}/{shape}: {peak:.1} MB", measured.name);
}

criterion_group!(benches, losses);
criterion_main!(benches);
