//! What is evaluated, and what it costs while training.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, Tensor};
use image::DynamicImage;
use selfsame_augment::{Recipe, ViewKey};
use selfsame_datasets::{DataError, Dataset};
use selfsame_models::MethodName;
use selfsame_optim::{OptimizerConfig, Schedule};
use selfsame_samplers::{ImageViews, Loader, LoaderConfig, ViewSource};
use selfsame_train::{HeldOut, OnlineAccuracy, TrainError, Trainer, TrainerConfig, extract_views};

use crate::methods::{Widths, method};
use crate::run::{SIDE, shapes};

/// Images that count how many of them are read.
struct Counting(Arc<dyn Dataset>, AtomicUsize);

impl Dataset for Counting {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.image(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.0.label(index)
    }

    fn class_names(&self) -> &[String] {
        self.0.class_names()
    }

    fn name(&self, index: usize) -> String {
        self.0.name(index)
    }
}

/// Images are counted rather than time, so that no other program can make the test fail. A forward
/// and backward pass counts as three forward passes.
#[test]
fn evaluation_after_every_epoch_encodes_a_twentieth_of_what_the_epoch_does() {
    let (device, epochs, views) = (Device::flex().autodiff(), 2, 2);
    for images in [60, 200] {
        let widths = Widths { hidden: 16, output: 8, queue: 24 };
        let method = method(MethodName::SimClr, 2, widths, &device);
        let config = LoaderConfig { batch_size: 20, threads: 1, seed: 0 };
        let loader = Loader::new(shapes(images, 0), Recipe::shapes(SIDE), config).unwrap();
        let counting = Arc::new(Counting(shapes(images, 0), AtomicUsize::new(0)));
        let held_out =
            HeldOut::for_every_epoch(counting.clone(), Recipe::evaluation(SIDE), views, 0).unwrap();
        let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.01));
        let config = TrainerConfig::new(epochs, sgd, schedule);
        let trainer = Trainer::new(method, loader, config, &device).unwrap();
        let outcome = trainer.with_callback(OnlineAccuracy::knn(held_out)).fit().unwrap();
        assert!(outcome.history.last("knn").is_some());
        let encoded = counting.1.load(Ordering::Relaxed);
        let passes = 3 * views * images * epochs as usize;
        assert_eq!(encoded * 20, passes, "{images} images");
    }
}

#[test]
fn the_number_that_measures_progress_is_bounded() {
    let held_out = HeldOut::for_every_epoch(shapes(10_000, 0), Recipe::evaluation(SIDE), 2, 0);
    let held_out = held_out.unwrap();
    assert_eq!(held_out.train.len() + held_out.queries.len(), 2_500);
    let none = HeldOut::for_every_epoch(shapes(3, 0), Recipe::evaluation(SIDE), 2, 0).unwrap();
    assert_eq!(none.train.len() + none.queries.len(), 0, "an epoch as short as this pays for none");
}

#[test]
fn views_are_those_of_a_run_with_the_seed_epoch_after_epoch() {
    let (images, recipe, device) = (shapes(5, 1), Recipe::shapes(SIDE), Device::flex());
    let pixels = |view: Tensor<4>| view.flatten::<2>(1, 3);
    let found = extract_views(images.clone(), &recipe, 3, 7, 2, &device, pixels).unwrap();
    let source = ImageViews::new(images, recipe).unwrap();
    let size = found[0].dim();
    for (number, view) in found.iter().enumerate() {
        for row in 0..5 {
            let key = ViewKey { seed: 7, epoch: number as u64 / 2, sample: row as u64, view: 0 };
            let mut both = [vec![0.0; size], vec![0.0; size]];
            let [first, second] = &mut both;
            source.write_views(row, key, &mut [first, second]).unwrap();
            assert_eq!(view.row(row), both[number % 2], "view {number} of image {row}");
        }
    }
}

#[test]
fn no_views_and_no_batch_are_errors() {
    let pixels = |view: Tensor<4>| view.flatten::<2>(1, 3);
    for (count, batch, field) in [(0, 2, "count"), (2, 0, "batch")] {
        let (images, recipe) = (shapes(5, 1), Recipe::shapes(SIDE));
        let found = extract_views(images, &recipe, count, 0, batch, &Device::flex(), pixels);
        let TrainError::Setting { field: found, .. } = found.unwrap_err() else { panic!() };
        assert_eq!(found, field);
    }
}
