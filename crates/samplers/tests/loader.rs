//! The loader with every kind of sampler, and with data sets that fail, wait and panic.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "tests, with small numbers"
)]

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use selfsame_augment::{Recipe, Scratch, ViewKey, ViewMaker};
use selfsame_datasets::{
    DataError, Dataset, EncodedImage, Map, Split, Synthetic, SyntheticConfig, labels, open,
};
use selfsame_samplers::{
    Balanced, BalancedConfig, EpochOrder, HostBatch, Loader, LoaderConfig, LoaderError, Sampler,
    Sharded, Shuffled, SingleShot, Weighted, WithReplacement,
};

fn shapes() -> Arc<dyn Dataset> {
    let config = SyntheticConfig { images: 26, size: 12, seed: 1, split: Split::Train };
    Arc::new(Synthetic::new(config))
}

fn with(sampler: impl Sampler + 'static, threads: usize) -> Loader {
    Loader::with_sampler(shapes(), Recipe::shapes(12), sampler, threads, 9).unwrap()
}

/// The batches of this epoch from `first_batch` on, and of all further ones.
fn stream(
    loader: &Loader,
    epoch: u64,
    first_batch: usize,
) -> impl Iterator<Item = Result<HostBatch, LoaderError>> {
    let further = (epoch + 1..).flat_map(|epoch| loader.epoch(epoch, 0));
    loader.epoch(epoch, first_batch).chain(further)
}

fn take(
    batches: impl Iterator<Item = Result<HostBatch, LoaderError>>,
    count: usize,
) -> Vec<HostBatch> {
    batches.take(count).collect::<Result<_, _>>().unwrap()
}

fn samplers() -> Vec<(&'static str, Arc<dyn Sampler>)> {
    let balanced = BalancedConfig { batches_per_epoch: 4, ..BalancedConfig::default() };
    let shuffled = || Shuffled::new(26, 6, 3).unwrap();
    vec![
        ("shuffled", Arc::new(shuffled())),
        ("shuffled, all", Arc::new(shuffled().keep_last())),
        ("with replacement", Arc::new(WithReplacement::new(26, 6, 4, 3).unwrap())),
        ("weighted", Arc::new(Weighted::new(&[1.0; 26], 6, 4, 3).unwrap())),
        ("balanced", Arc::new(Balanced::new(&labels(&*shapes()), balanced).unwrap())),
        ("single-shot", Arc::new(SingleShot(shuffled()))),
        ("sharded", Arc::new(Sharded::new(shuffled().keep_last(), 1, 2).unwrap())),
    ]
}

#[test]
fn the_stream_is_the_same_for_1_2_and_8_threads_with_every_sampler() {
    for (name, sampler) in samplers() {
        let want = take(stream(&with(sampler.clone(), 1), 0, 0), 9);
        for threads in [2, 8] {
            assert!(
                take(stream(&with(sampler.clone(), threads), 0, 0), 9) == want,
                "{name}, {threads} threads"
            );
        }
        let places: Vec<_> = want.iter().map(|batch| (batch.epoch, batch.batch)).collect();
        let per_epoch = sampler.batches_per_epoch();
        let expected: Vec<_> = (0..9).map(|n| ((n / per_epoch) as u64, n % per_epoch)).collect();
        assert_eq!(places, expected, "{name}");
        for batch in &want {
            assert_eq!(batch.indices, sampler.batch(batch.epoch, batch.batch), "{name}");
        }
    }
}

#[test]
fn a_run_resumed_at_any_batch_has_the_batches_it_would_have_had() {
    for (name, sampler) in samplers() {
        let per_epoch = sampler.batches_per_epoch();
        let loader = with(sampler.clone(), 2);
        let want = take(stream(&loader, 0, 0), 10);
        for place in 0..=want.len() {
            let (epoch, batch) = ((place / per_epoch) as u64, place % per_epoch);
            let again = with(sampler.clone(), 2);
            let rest = take(stream(&again, epoch, batch), 10 - place);
            assert!(rest == want[place..], "{name} from batch {place}");
        }
    }
}

#[test]
fn an_epoch_has_no_batches_beyond_its_last() {
    let loader = with(Shuffled::new(26, 6, 3).unwrap(), 1);
    assert_eq!(loader.epoch(0, 3).size_hint(), (0, Some(1)));
    for first_batch in [4, 5, usize::MAX] {
        assert!(loader.epoch(0, first_batch).next().is_none());
    }
}

#[test]
fn a_view_is_that_of_its_key_and_an_image_that_comes_again_has_others() {
    let loader = with(WithReplacement::new(2, 6, 1, 0).unwrap(), 2);
    let batch = loader.epoch(5, 0).next().unwrap().unwrap();
    let size = 3 * 12 * 12;
    let mut seen = [0_u64; 2];
    for (place, &index) in batch.indices.iter().enumerate() {
        for view in 0..2 {
            let epoch = 5 | seen[index] << 32;
            let key = ViewKey { seed: 9, epoch, sample: index as u64, view };
            let mut want = vec![0.0; size];
            let image = shapes().image(index).unwrap();
            Recipe::shapes(12).write_view(&image, key, &mut Scratch::default(), &mut want);
            assert_eq!(batch.views[view as usize].data[place * size..][..size], want);
        }
        seen[index] += 1;
    }
    assert!(seen.iter().any(|&times| times > 1));
}

#[test]
fn labels_are_those_of_the_sampler() {
    let own = with(Shuffled::new(26, 26, 0).unwrap(), 1).epoch(0, 0).next().unwrap().unwrap();
    assert!(own.indices.iter().zip(&own.labels).all(|(index, label)| *label == Some(index % 10)));
    let sampler = SingleShot(Shuffled::new(26, 26, 0).unwrap());
    let single = with(sampler, 1).epoch(0, 0).next().unwrap().unwrap();
    assert!(single.indices.iter().zip(&single.labels).all(|(index, label)| *label == Some(*index)));
}

/// Images that take their time.
struct Slow {
    pause: Duration,
    asked: AtomicUsize,
}

impl Dataset for Slow {
    fn len(&self) -> usize {
        64
    }

    fn image(&self, _index: usize) -> Result<DynamicImage, DataError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.pause);
        Ok(DynamicImage::new_rgb8(16, 16))
    }
}

fn slow(pause: Duration, threads: usize) -> (Arc<Slow>, Loader) {
    let dataset = Arc::new(Slow { pause, asked: AtomicUsize::new(0) });
    let config = LoaderConfig { batch_size: 4, threads, seed: 0 };
    (dataset.clone(), Loader::new(dataset, Recipe::shapes(8), config).unwrap())
}

#[test]
fn dropping_waits_for_no_slow_image() {
    for taken in [0, 1] {
        let (_, loader) = slow(Duration::from_millis(300 * (1 - taken)), 2);
        let (_, very_slow) = slow(Duration::from_secs(20), 2);
        let start = Instant::now();
        let mut batches = loader.epoch(0, 0);
        batches.by_ref().take(taken as usize).for_each(drop);
        drop(batches);
        drop(very_slow.epoch(0, 0));
        drop(very_slow);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

#[test]
fn a_full_queue_holds_three_batches_and_can_be_dropped() {
    let (dataset, loader) = slow(Duration::ZERO, 3);
    let batches = loader.epoch(0, 0);
    std::thread::sleep(Duration::from_millis(300));
    // One waits in the queue and one to get into it.
    assert_eq!(dataset.asked.load(Ordering::SeqCst), 2 * 4);
    let start = Instant::now();
    drop(batches);
    assert!(start.elapsed() < Duration::from_millis(200));
    // The threads are free for another epoch.
    assert_eq!(take(loader.epoch(1, 0), 99).len(), 16);
    drop(loader);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(Arc::strong_count(&dataset), 1, "the streams have let go of the data set");
}

#[test]
fn a_file_that_vanishes_and_a_transform_that_panics_are_errors_with_the_image_s_name() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png", "c.png", "d.png"] {
        RgbImage::new(16, 16).save(root.path().join(name)).unwrap();
    }
    let train = open(root.path()).unwrap().train;
    let panics = Map::new(train.clone(), |image| {
        assert!(image.width() < 16, "too wide");
        Ok(image)
    });
    let says = Map::new(train.clone(), |_| Err("not today".to_owned()));
    let config = LoaderConfig { batch_size: 4, threads: 2, seed: 0 };
    let first = |dataset: Arc<dyn Dataset>| {
        let loader = Loader::new(dataset, Recipe::shapes(8), config).unwrap();
        let mut batches = loader.epoch(0, 0);
        let error = batches.next().unwrap().unwrap_err().to_string();
        assert!(batches.next().is_none(), "an error ends the stream");
        error
    };
    // The first image of the batch is named, whichever thread failed first.
    let name =
        |error: &str| ["a.png", "b.png", "c.png", "d.png"].iter().any(|name| error.contains(name));
    let panicked: Vec<String> = (0..5).map(|_| first(Arc::new(panics.clone()))).collect();
    assert!(name(&panicked[0]) && panicked[0].contains("too wide"), "{}", panicked[0]);
    assert!(panicked.iter().all(|error| *error == panicked[0]));
    assert!(first(Arc::new(says)).contains("not today"));
    std::fs::remove_file(root.path().join("c.png")).unwrap();
    let error = first(train);
    assert!(error.contains("c.png"), "{error}");
}

/// States other numbers than those of its epochs.
struct Liar(usize, usize);

impl Sampler for Liar {
    fn samples(&self) -> usize {
        26
    }
    fn batch_size(&self) -> usize {
        2
    }
    fn batches_per_epoch(&self) -> usize {
        2
    }
    fn epoch(&self, _epoch: u64) -> EpochOrder {
        assert!(self.0 != 99, "no order today");
        EpochOrder::new(vec![self.0; self.1], 2)
    }
}

#[test]
fn a_sampler_that_breaks_its_contract_is_an_error() {
    let message = |sampler| {
        let mut batches = with(sampler, 1).epoch(0, 0);
        batches.next().unwrap().unwrap_err().to_string()
    };
    assert!(message(Liar(26, 4)).contains("sample 26 of 26"));
    assert!(message(Liar(0, 9)).contains("5 batches instead of 2"));
    assert!(message(Liar(99, 4)).contains("no order today"));
    let more = WithReplacement::new(27, 2, 2, 0).unwrap();
    let error =
        Loader::with_sampler(shapes(), Recipe::shapes(12), more, 1, 0).unwrap_err().to_string();
    assert!(error.contains("`samples`"), "{error}");
}

/// Smooth JPEGs, as files and as images.
struct Photographs {
    files: Vec<Vec<u8>>,
    whole: bool,
}

impl Photographs {
    fn new(whole: bool) -> Self {
        let file = |n: u32| {
            let wave = |x: u32| (127.0 + 120.0 * (x as f32 / 240.0).sin()) as u8;
            let image =
                RgbImage::from_fn(1_800, 1_400, |x, y| Rgb([wave(x + n), wave(y), wave(x + y)]));
            let mut bytes = Cursor::new(Vec::new());
            image.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
            bytes.into_inner()
        };
        Self { files: (0..4).map(file).collect(), whole }
    }
}

impl Dataset for Photographs {
    fn len(&self) -> usize {
        4
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        Ok(selfsame_datasets::decode_image(&self.files[index]).unwrap())
    }

    fn encoded(&self, index: usize) -> Result<Option<std::borrow::Cow<'_, [u8]>>, DataError> {
        Ok((!self.whole).then(|| self.files[index].as_slice().into()))
    }
}

#[test]
fn views_of_images_decoded_at_reduced_scale_are_nearly_those_of_whole_ones() {
    // 32 pixels of crops of 600 and more: all images can be reduced to an eighth.
    let recipe = Recipe::simclr_cifar();
    let batch = |whole| {
        let config = LoaderConfig { batch_size: 4, threads: 2, seed: 0 };
        let loader =
            Loader::new(Arc::new(Photographs::new(whole)), recipe.clone(), config).unwrap();
        loader.epoch(0, 0).next().unwrap().unwrap()
    };
    let (reduced, whole) = (batch(false), batch(true));
    assert_eq!((&reduced.indices, &reduced.labels), (&whole.indices, &whole.labels));
    let mut differ = false;
    for (a, b) in reduced.views.iter().zip(&whole.views) {
        let errors = || a.data.iter().zip(&b.data).map(|(a, b)| (a - b).abs());
        let mean = errors().sum::<f32>() / a.data.len() as f32;
        differ |= errors().any(|error| error > 0.0);
        // Values have a standard deviation of 1, so this is about a hundredth of the contrast.
        assert!(mean < 0.04, "mean difference {mean}");
    }
    assert!(differ, "no image was decoded at reduced scale");
    assert_eq!(
        EncodedImage::open(&Photographs::new(false).files[0]).unwrap().size(),
        [1_800, 1_400]
    );
}
