//! Custom views: a function after the operators of a recipe, and a `ViewMaker` that chooses between
//! recipes. SimCLR learns with each. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::sync::Arc;

use burn::tensor::Device;
use rand::RngExt;
use selfsame::augment::operator::{Equalize, GaussianBlur, Grayscale};
use selfsame::augment::{
    CustomRecipe, Operator, Plan, Recipe, RecipeError, Scratch, ViewKey, ViewMaker,
};
use selfsame::datasets::{Split, Synthetic, SyntheticConfig};
use selfsame::models::{Method, ResNetConfig, SimClrConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{HeldOut, Trainer, TrainerConfig};

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();

    // A function of the image, whose planes of red, green and blue trade places here. Draws come from
    // the generator that it is given, so the seed decides them. Several threads call it at once.
    let mut traded = CustomRecipe::new(Recipe::shapes(16));
    for view in 0..2 {
        traded = traded.with_last(view, |image, rng| {
            let plane = image.height * image.width;
            image.data.rotate_left(plane * rng.random_range(0..3));
        });
    }
    train("colors trade places", traded)?;

    // One of three changes in each view, in the manner of 3-Augment (Touvron et al., 2022,
    // arXiv:2204.07118), which has solarization where this has equalization.
    let changes: [Operator; 3] = [
        Grayscale { probability: 1.0 }.into(),
        Equalize { probability: 1.0 }.into(),
        GaussianBlur { kernel_size: Some(3), sigma: [0.1, 2.0], probability: 1.0 }.into(),
    ];
    let recipes = changes.map(|change| {
        let mut recipe = Recipe::shapes(16);
        recipe.views.iter_mut().for_each(|view| view.push(change.clone()));
        recipe
    });
    train("one of three changes", OneOf { recipes: recipes.to_vec() })
}

/// A view maker that draws a recipe for each view. All recipes make views of the same shape.
#[derive(Debug)]
struct OneOf {
    recipes: Vec<Recipe>,
}

impl OneOf {
    /// Returns the recipe of a view; the key decides it, so it is the same whenever it is asked for.
    fn drawn(&self, key: ViewKey) -> &Recipe {
        let mut rng = key.rng();
        rng.set_stream(1); // the recipe itself draws from stream 0
        &self.recipes[rng.random_range(0..self.recipes.len())]
    }
}

impl ViewMaker for OneOf {
    fn validate(&self) -> Result<(), RecipeError> {
        self.recipes.iter().try_for_each(Recipe::validate)
    }

    // A run that is resumed compares it.
    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn view_count(&self) -> usize {
        self.recipes[0].view_count()
    }

    fn view_dims(&self, view: usize) -> [usize; 3] {
        self.recipes[0].view_dims(view)
    }

    // All draws come first, so that a JPEG is decoded no further than its views reach.
    fn plan(&self, key: ViewKey, image: [usize; 2]) -> Plan {
        self.drawn(key).plan(key, image)
    }

    fn write_planned(
        &self,
        image: &image::DynamicImage,
        plan: &Plan,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        self.drawn(plan.key).write_planned(image, plan, scratch, out);
    }
}

/// Trains SimCLR with these views, and prints how many test images have neighbors of their class,
/// with the random encoder and with the trained one.
fn train(name: &str, views: impl ViewMaker + 'static) -> anyhow::Result<()> {
    let device = Device::flex().autodiff();
    let shown = Recipe::shapes(16).for_evaluation();
    let drawn = SyntheticConfig { images: 1000, size: 16, seed: 0, split: Split::Train };
    let train = Arc::new(Synthetic::new(drawn));
    let test = Arc::new(Synthetic::new(SyntheticConfig { split: Split::Test, ..drawn }));
    let loading = LoaderConfig { batch_size: 50, threads: 2, seed: 0 };
    let loader = Loader::new(train.clone(), views, loading)?;
    let held_out = HeldOut { train, queries: test, recipe: shown, batch: 100 };

    let encoder = ResNetConfig::resnet10(4).init(0, &device);
    let config = SimClrConfig { temperature: 0.1, ..SimClrConfig::default() };
    let method = config.init(encoder, 0, &device);
    let before = held_out.knn(method.encoder(), &Device::flex())?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.2));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device)?.fit()?;
    let after = held_out.knn(outcome.method.encoder(), &Device::flex())?;
    println!("{name:20} kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    Ok(())
}
