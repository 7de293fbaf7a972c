//! Decoding, photographs loaded as views, and the time that loading adds to a training step. All of
//! it runs on the host; ids are `operation/shape/dtype/host`.
//!
//! Photographs are drawn, or read from the folder or archive that `SELFSAME_IMAGES` names.

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use image::{ImageFormat, Rgb, RgbImage};
use selfsame::augment::Recipe;
use selfsame::datasets::{
    DataError, Dataset, EncodedImage, Split, Synthetic, SyntheticConfig, decode_image, open,
};
use selfsame::samplers::{Loader, WithReplacement};

/// Encoded photographs.
struct Photographs(Vec<Vec<u8>>);

impl Dataset for Photographs {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn image(&self, index: usize) -> Result<image::DynamicImage, DataError> {
        decode_image(&self.0[index])
            .map_err(|error| DataError::Image { name: self.name(index), reason: error.to_string() })
    }

    fn encoded(&self, index: usize) -> Result<Option<std::borrow::Cow<'_, [u8]>>, DataError> {
        Ok(Some((&self.0[index]).into()))
    }
}

fn photographs() -> Photographs {
    if let Some(path) = std::env::var_os("SELFSAME_IMAGES") {
        let images = open(Path::new(&path)).expect("images to measure with").train;
        let bytes = |index| Some(images.encoded(index).ok()??.into_owned());
        return Photographs((0..images.len()).filter_map(bytes).collect());
    }
    Photographs((0..64).map(|seed| drawn(500, 375, seed)).collect())
}

/// A JPEG with gradients and grain.
fn drawn(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let grain = (x * 7919 + y * 104_729 + seed * 31) % 23;
        Rgb([x / 2 + grain, y / 2 + grain, (x + y) / 4].map(|value| value.to_le_bytes()[0]))
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Jpeg).expect("memory takes any image");
    bytes.into_inner()
}

/// Photographs at full size, and a large one at full, half, quarter and eighth size.
fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let Photographs(images) = photographs();
    let mut next = images.iter().cycle();
    group.bench_function("photographs/u8/host", |bencher| {
        bencher.iter(|| next.next().map(|bytes| decode_image(bytes).expect("an image")));
    });
    let large = drawn(4_000, 3_000, 0);
    group.sample_size(10);
    for reduction in [1, 2, 4, 8] {
        group.bench_function(format!("4000x3000px-at-1-{reduction}/u8/host"), |bencher| {
            bencher.iter(|| {
                let image = EncodedImage::open(black_box(&large)).expect("an image");
                image.decode(reduction).expect("an image")
            });
        });
    }
    group.finish();
}

/// A loader of one thread, whose epoch is longer than any measurement.
fn endless(dataset: Arc<dyn Dataset>, batch_size: usize, recipe: Recipe) -> Loader {
    let sampler = WithReplacement::new(dataset.len(), batch_size, 10_000, 0).expect("a sampler");
    Loader::with_sampler(dataset, recipe, sampler, 1, 0).expect("a loader")
}

/// One thread that decodes photographs and makes two views of each.
fn views(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loader");
    let photographs = Arc::new(photographs());
    let loader = endless(photographs, 16, Recipe::simclr_imagenet());
    group.throughput(Throughput::Elements(2 * loader.batch_size() as u64));
    group.sample_size(20);
    group.bench_function("simclr_imagenet-with-decoding/f32/host", |bencher| {
        bencher.iter_custom(|count| {
            let mut batches = loader.epoch(0, 0);
            // Two batches wait to be taken; the time measured is that of making as many others.
            batches.by_ref().take(3).for_each(|batch| drop(batch.expect("a batch")));
            let start = Instant::now();
            for _ in 0..count {
                black_box(batches.next().expect("more batches").expect("a batch"));
            }
            start.elapsed()
        });
    });
    group.finish();
}

/// Steps of a fixed length, alone and with batches from a loader. The host waits for a device, or
/// computes on one thread.
fn overlap(criterion: &mut Criterion) {
    const STEP: Duration = Duration::from_millis(40);
    let mut group = criterion.benchmark_group("loader_overlap");
    group.sample_size(10);
    let shapes = SyntheticConfig { images: 2_000, size: 32, seed: 0, split: Split::Train };
    let loader = endless(Arc::new(Synthetic::new(shapes)), 128, Recipe::simclr_cifar());
    let compute = || {
        let (start, mut sum) = (Instant::now(), 0_u64);
        while start.elapsed() < STEP {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
    };
    let steps: [(&str, &dyn Fn()); 2] =
        [("waiting", &|| std::thread::sleep(STEP)), ("computing", &compute)];
    for (name, step) in steps {
        group.bench_function(format!("{name}-40ms-alone/f32/host"), |bencher| bencher.iter(step));
        group.bench_function(format!("{name}-40ms-with-loading/f32/host"), |bencher| {
            bencher.iter_custom(|count| {
                let mut batches = loader.epoch(0, 0);
                drop(batches.next());
                let start = Instant::now();
                for _ in 0..count {
                    black_box(batches.next().expect("more batches").expect("a batch"));
                    step();
                }
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, views, overlap);
criterion_main!(benches);
