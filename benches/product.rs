//! The matrix products of the losses of features, by our packed product and by `faer`; on the CPU,
//! whatever the device of the other benches.

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::{Device, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use selfsame_benches::values::values;
use selfsame_kernels::Factor::{Plain, Transposed};
use selfsame_kernels::{Factor, gemm, gram};

/// A matrix on the host with its shape, for `faer`.
struct Host {
    elements: Vec<f32>,
    shape: [usize; 2],
}

impl Host {
    fn of(tensor: &Tensor<2>) -> Self {
        let elements = tensor.to_data().iter::<f32>().collect();
        Self { elements, shape: tensor.dims() }
    }

    fn matrix(&self) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(&self.elements, self.shape[0], self.shape[1])
    }
}

/// `left · right` by `faer`, with a block of rows for each thread.
fn by_faer(left: MatRef<'_, f32>, right: MatRef<'_, f32>) -> Vec<f32> {
    let (rows, columns) = (left.nrows(), right.ncols());
    let mut out = vec![0.0; rows * columns];
    let block = rows.div_ceil(rayon::current_num_threads());
    out.par_chunks_mut(block * columns).enumerate().for_each(|(place, out)| {
        let count = out.len() / columns;
        let left = left.subrows(place * block, count);
        let out = MatMut::from_row_major_slice_mut(out, count, columns);
        matmul(out, Accum::Replace, left, right, 1.0, Par::Seq);
    });
    out
}

/// Elements are multiplications and additions.
fn product(criterion: &mut Criterion) {
    selfsame::compute_on_this_thread();
    for [batch, dim] in [[256, 128], [256, 2048], [512, 2048], [1024, 2048], [4096, 2048]] {
        let mut group = criterion.benchmark_group("product");
        group.sample_size(10).warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
        let device = Device::flex();
        let [a, b] = [1, 2].map(|seed| values(seed, [batch, dim], &device));
        let square = values(3, [dim, dim], &device);
        let id = |operation: &str| format!("{operation}/{batch}x{dim}/f32/flex");
        let [host_a, host_b, host_square] = [&a, &b, &square].map(Host::of);
        let work = |rows: usize, depth: usize, columns: usize| {
            Throughput::Elements(2 * (rows * depth * columns) as u64)
        };

        // Barlow Twins' correlations.
        group.throughput(work(dim, batch, dim));
        group.bench_function(id("transposed-packed"), |bencher| {
            bencher.iter(|| gemm(Transposed(black_box(&a)), Plain(&b), 1.0));
        });
        group.bench_function(id("transposed-faer"), |bencher| {
            bencher.iter(|| by_faer(black_box(host_a.matrix()).transpose(), host_b.matrix()));
        });
        // The gradients of Barlow Twins and VICReg, and TiCo's product with the covariance.
        group.throughput(work(batch, dim, dim));
        group.bench_function(id("plain-packed"), |bencher| {
            bencher.iter(|| gemm(Plain(black_box(&a)), Plain(&square), 1.0));
        });
        group.bench_function(id("plain-faer"), |bencher| {
            bencher.iter(|| by_faer(black_box(host_a.matrix()), host_square.matrix()));
        });
        // The Gram matrices of VICReg, VIbCReg, FroSSL and EMP-SSL, of which `gram` computes half.
        let fewer = if batch < dim { batch } else { dim };
        let factor: Factor<'_> = if batch < dim { Plain(&a) } else { Transposed(&a) };
        group.throughput(work(fewer, batch.max(dim), fewer));
        group.bench_function(id("gram-packed"), |bencher| bencher.iter(|| gram(black_box(factor))));
        group.bench_function(id("gram-faer"), |bencher| {
            let x = host_a.matrix();
            let x = if batch < dim { x } else { x.transpose() };
            bencher.iter(|| by_faer(black_box(x), x.transpose()));
        });
    }
}

criterion_group!(benches, product);
criterion_main!(benches);
