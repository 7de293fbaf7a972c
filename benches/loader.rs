//! Decoding, loading photographs as views, and what loading adds to a training step.
//!
//! Photographs are drawn, or those of the folder or archive that `SELFSAME_PICTURES` names.

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use image::{ImageFormat, Rgb, RgbImage};
use selfsame::augment::Recipe;
use selfsame::samplers::{
    DataError, Dataset, EncodedPicture, Loader, LoaderConfig, Split, Synthetic, SyntheticConfig,
    decode, open,
};

/// Encoded photographs.
struct Photographs(Vec<Vec<u8>>);

impl Dataset for Photographs {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn picture(&self, index: usize) -> Result<image::DynamicImage, DataError> {
        decode(&self.0[index]).map_err(|error| DataError::Picture {
            name: self.name(index),
            reason: error.to_string(),
        })
    }

    fn encoded(&self, index: usize) -> Result<Option<std::borrow::Cow<'_, [u8]>>, DataError> {
        Ok(Some((&self.0[index]).into()))
    }
}

fn photographs() -> Photographs {
    if let Some(path) = std::env::var_os("SELFSAME_PICTURES") {
        let pictures = open(Path::new(&path)).expect("pictures to measure with").train;
        let bytes = |index| Some(pictures.encoded(index).ok()??.into_owned());
        return Photographs((0..pictures.len()).filter_map(bytes).collect());
    }
    let draw = |seed: u32| {
        let picture = RgbImage::from_fn(500, 375, |x, y| {
            let grain = (x * 7919 + y * 104_729 + seed * 31) % 23;
            Rgb([x / 2 + grain, y / 2 + grain, (x + y) / 4].map(|value| value as u8))
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Jpeg).expect("memory takes any picture");
        bytes.into_inner()
    };
    Photographs((0..64).map(draw).collect())
}

/// Whole pictures, and those of half, a quarter and an eighth of the size.
fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let Photographs(pictures) = photographs();
    for reduction in [1, 2, 4, 8] {
        let mut next = pictures.iter().cycle();
        group.bench_function(format!("scale_1_{reduction}"), |bencher| {
            bencher.iter(|| {
                let picture = next.next().map(|bytes| EncodedPicture::open(bytes).unwrap());
                black_box(picture.unwrap().decode(reduction).unwrap())
            });
        });
    }
    group.finish();
}

/// One thread that decodes photographs and makes two views of each.
fn views(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loader");
    let photographs = Arc::new(photographs());
    for (name, recipe) in [("simclr_imagenet", Recipe::simclr_imagenet())] {
        let config = LoaderConfig { batch_size: 16.min(photographs.len()), threads: 1, seed: 0 };
        let loader = Loader::new(photographs.clone(), recipe, config).unwrap();
        let views = 2 * loader.batch_size() as u64;
        group.throughput(Throughput::Elements(views));
        group.sample_size(20);
        group.bench_function(format!("{name}/with_decoding"), |bencher| {
            bencher.iter_custom(|count| {
                let mut batches = loader.batches();
                // Two batches wait to be taken: what is timed is the making of as many others.
                batches.by_ref().take(3).for_each(|batch| drop(batch.unwrap()));
                let start = Instant::now();
                batches.take(count as usize).for_each(|batch| drop(black_box(batch.unwrap())));
                start.elapsed()
            });
        });
    }
    group.finish();
}

/// Steps of a fixed length, alone and with the batches of a loader: the host waits for a device, or
/// computes itself on one thread.
fn overlap(criterion: &mut Criterion) {
    const STEP: Duration = Duration::from_millis(40);
    let mut group = criterion.benchmark_group("step_40ms");
    group.sample_size(10);
    let shapes = SyntheticConfig { pictures: 2_000, size: 32, seed: 0, split: Split::Train };
    let config = LoaderConfig { batch_size: 128, threads: 1, seed: 0 };
    let loader =
        Loader::new(Arc::new(Synthetic::new(shapes)), Recipe::simclr_cifar(), config).unwrap();
    let compute = || {
        let (start, mut sum) = (Instant::now(), 0_u64);
        while start.elapsed() < STEP {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
    };
    let steps: [(&str, &dyn Fn()); 2] =
        [("waiting", &|| std::thread::sleep(STEP)), ("computing", &compute)];
    for (name, step) in steps {
        group.bench_function(format!("{name}/alone"), |bencher| bencher.iter(step));
        group.bench_function(format!("{name}/with_loading"), |bencher| {
            bencher.iter_custom(|count| {
                let mut batches = loader.batches();
                drop(batches.next());
                let start = Instant::now();
                for batch in batches.take(count as usize) {
                    black_box(batch.unwrap());
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
