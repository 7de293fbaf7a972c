//! The choice of the settings of supervised training.

use std::sync::Arc;

use burn::tensor::Device;
use image::DynamicImage;
use selfsame_augment::Recipe;
use selfsame_datasets::{DataError, Dataset, Split, few_labels};
use selfsame_models::ResNetConfig;
use selfsame_optim::OptimizerConfig;
use selfsame_train::{FineTune, Supervised, TrainError, TuningGrid};

use crate::fine_tune::{encoder, known, shapes, supervised};

/// Images that nobody may look at.
struct Sealed;

impl Dataset for Sealed {
    fn len(&self) -> usize {
        10
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        Err(DataError::Image { name: self.name(index), reason: "it is sealed".to_owned() })
    }

    fn label(&self, index: usize) -> Option<usize> {
        panic!("the label of test image {index} was read");
    }
}

fn sgd() -> FineTune {
    let sgd = FineTune::from_scratch(OptimizerConfig::sgd(0.9, 5e-4), 0.1);
    FineTune { batch_size: 20, ..sgd }
}

/// Rates that do nothing, that learn, and that diverge.
fn grid() -> TuningGrid {
    TuningGrid::product(&sgd(), &[1e-9, 0.1, 1e30], &[150])
}

#[test]
fn the_best_on_held_out_images_is_chosen_without_a_look_at_test_images() {
    let images = Supervised { test: Arc::new(Sealed), ..supervised(200, 10) };
    let labeled: Vec<usize> = (0..200).collect();
    let encoder = ResNetConfig::resnet10(8).init(0, &Device::flex());
    let choice = grid().choose(&encoder, &images, &labeled).unwrap();
    let accuracies: Vec<Option<f64>> = choice.trials.iter().map(|trial| trial.accuracy).collect();
    assert_eq!((choice.settings.rate, accuracies.len()), (0.1, 3), "{accuracies:?}");
    assert!(accuracies[1] > accuracies[0] && accuracies[2].is_none(), "{accuracies:?}");
    let last = TuningGrid::new(vec![choice.settings]);
    let error = last.fit(&encoder, &images, &labeled).unwrap_err().to_string();
    assert!(error.contains("sealed"), "the scores do need test images: {error}");
}

#[test]
fn held_out_images_are_trained_on_in_the_end() {
    // The first candidate alone is trained on all images, as the choice of many is.
    let (images, labeled) = (supervised(60, 20), (0..60).collect::<Vec<_>>());
    let grid = TuningGrid::product(&FineTune { steps: 5, ..sgd() }, &[0.1, 1e-9], &[5]);
    let (choice, tuned) = grid.fit(&encoder(0), &images, &labeled).unwrap();
    let alone = choice.settings.fit(&encoder(0), &images, &labeled).unwrap();
    assert_eq!(tuned.scores, alone.scores);
    let again = grid.choose(&encoder(0), &images, &labeled).unwrap();
    assert_eq!(again, choice, "the same choice");
}

#[test]
fn too_few_labels_take_the_first_candidate() {
    let images = supervised(200, 10);
    let labels = known(images.train.as_ref());
    for per_class in [1, 2] {
        let labeled = few_labels(&labels, per_class, 0).unwrap();
        let choice = grid().choose(&encoder(0), &images, &labeled).unwrap();
        assert_eq!((choice.settings, choice.trials.len()), (grid().candidates.remove(0), 0));
    }
    let labeled = few_labels(&labels, 3, 0).unwrap();
    let grid = TuningGrid::product(&sgd(), &[0.1, 0.01], &[2]);
    assert_eq!(grid.choose(&encoder(0), &images, &labeled).unwrap().trials.len(), 2);
}

#[test]
fn label_samples_give_a_mean_and_a_spread() {
    let images = supervised(100, 50);
    let labels = known(images.train.as_ref());
    let samples: Vec<Vec<usize>> =
        (0..3).map(|seed| few_labels(&labels, 4, seed).unwrap()).collect();
    let grid = TuningGrid::new(vec![FineTune { steps: 20, ..sgd() }]);
    let summary = grid.accuracy(encoder, &images, &samples).unwrap();
    let each = samples.iter().zip(0..).map(|(labeled, seed)| {
        let tuned = grid.candidates[0].fit(&encoder(seed), &images, labeled).unwrap();
        tuned.accuracy(&known(images.test.as_ref()))
    });
    let mean = each.sum::<f64>() / 3.0;
    assert!((summary.mean - mean).abs() < 1e-12, "{summary:?}, {mean}");
}

#[test]
fn a_grid_that_cannot_choose_says_why() {
    let (images, labeled) = (supervised(60, 10), (0..60).collect::<Vec<_>>());
    let error =
        |grid: TuningGrid| grid.choose(&encoder(0), &images, &labeled).unwrap_err().to_string();
    assert!(error(TuningGrid::new(Vec::new())).contains("`candidates` is empty"));
    for held_out in [0.0, 1.0, f64::NAN] {
        assert!(error(TuningGrid { held_out, ..grid() }).contains("`held_out`"));
    }
    let diverging = TuningGrid::product(&sgd(), &[1e30, 1e31], &[20]);
    let found = diverging.choose(&encoder(0), &images, &labeled).unwrap_err();
    let diverged = matches!(found, TrainError::NonFiniteLoss { .. } | TrainError::Metric(_));
    assert!(diverged, "{found}");
    let found = grid().accuracy(encoder, &images, &[]).unwrap_err().to_string();
    assert!(found.contains("`samples` is empty"), "{found}");
    let unlabeled = Recipe::supervised_shapes(12);
    let test = Arc::new(Unlabeled(shapes(5, Split::Test)));
    let images = Supervised::new(images.train.clone(), test, unlabeled, &images.device);
    let found =
        grid().accuracy(encoder, &images, std::slice::from_ref(&labeled)).unwrap_err().to_string();
    assert!(found.contains("`test` needs labels"), "{found}");
}

struct Unlabeled(Arc<dyn Dataset>);

impl Dataset for Unlabeled {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        self.0.image(index)
    }
}
