//! Settings of a run: everything that decides the bytes of its result.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use selfsame::augment::{Recipe, ViewMaker};
use selfsame::datasets::{FolderLayout, PixelOptions};
use selfsame::models::{BackboneConfig, MethodConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::train::{RunFolder, TrainerConfig};
use serde::{Deserialize, Serialize};

use crate::ranges::check_ranges;

/// Settings of a run, as `settings.json` of its folder has them.
///
/// `--config` reads them, and any part of them, as TOML or JSON; `--set` changes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The images.
    pub data: DataSettings,
    /// Seed of every random choice.
    pub seed: u64,
    /// Passes over the images.
    pub epochs: u64,
    /// Images per optimizer step.
    pub batch_size: usize,
    /// The highest learning rate; it falls along half a cosine.
    pub learning_rate: f64,
    /// The learning rate at the end.
    pub last_learning_rate: f64,
    /// Epochs in which the learning rate rises.
    pub warmup_epochs: u64,
    /// The largest norm of all gradients together.
    pub clip_norm: Option<f64>,
    /// Weights that the encoder starts from.
    pub init: Option<PathBuf>,
    /// The method and its numbers.
    pub method: MethodConfig,
    /// The encoder.
    pub backbone: BackboneConfig,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The views.
    pub recipe: Recipe,
}

/// The images of a run, and how they are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSettings {
    /// Folders, archives, lists and other formats, one after the other; none for drawn shapes.
    pub paths: Vec<PathBuf>,
    /// What folders mean.
    pub layout: FolderLayout,
    /// Names of the folders that are classes; none to use those of `layout`.
    pub classes: Vec<String>,
    /// How stored values become pixels.
    pub pixels: PixelOptions,
    /// Training images at most.
    pub limit: Option<usize>,
    /// Test images at most.
    pub test_limit: usize,
    /// Whether an image that cannot be read ends the run.
    pub strict: bool,
    /// Whether images are decoded when they are needed, and not kept in memory; by default those
    /// are that would take more than 4 GiB.
    pub stream: Option<bool>,
}

impl DataSettings {
    /// Returns the name of the images, as results show it.
    pub(crate) fn name(&self) -> String {
        let names = self.paths.iter().map(|path| {
            let real = path.canonicalize(); // `..` has no name
            let name = path.file_name().or(real.as_ref().ok().and_then(|path| path.file_name()));
            name.map_or_else(|| "images".to_owned(), |name| name.to_string_lossy().into_owned())
        });
        let names: Vec<String> = names.collect();
        if names.is_empty() { "synthetic".to_owned() } else { names.join(" + ") }
    }
}

impl Settings {
    /// Reads the settings of the run in `folder`.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(RunFolder::SETTINGS);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} holds no run", folder.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} does not hold settings of this program", path.display()))
    }

    /// Returns the settings with the names of files only: their paths would tell about the machine.
    pub(crate) fn without_paths(&self) -> Self {
        let mut settings = self.clone();
        for path in settings.data.paths.iter_mut().chain(settings.init.as_mut()) {
            *path = path.file_name().map_or_else(PathBuf::new, PathBuf::from);
        }
        settings
    }

    /// Returns the settings as they are written.
    pub(crate) fn to_json(&self) -> anyhow::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Checks what can be checked without the images.
    pub(crate) fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.epochs > 0, "`epochs` is 0, which trains nothing; give --epochs 1 or more");
        ensure!(
            self.batch_size > 1,
            "`batch_size` must be 2 or more, since images are compared with each other"
        );
        let rate = self.learning_rate;
        ensure!(
            rate.is_finite() && rate > 0.0,
            "`learning_rate` must be above 0 (0.01 to 1 is usual), not {rate}"
        );
        ensure!(self.data.limit != Some(0), "`data.limit` is 0, which leaves no images");
        ensure!(self.data.test_limit > 0, "`data.test_limit` is 0, which leaves no images");
        self.recipe.validate()?;
        self.optimizer.validate()?;
        check_ranges("method", &serde_json::to_value(&self.method)?)?;
        check_ranges("backbone", &serde_json::to_value(&self.backbone)?)?;
        ensure!(
            self.warmup_epochs <= self.epochs,
            "`warmup_epochs` is {}, more than the {} epochs of the run; give --set warmup_epochs=0 \
             or more epochs",
            self.warmup_epochs,
            self.epochs
        );
        if let BackboneConfig::Vit(vit) = &self.backbone {
            let (side, patch) = (self.side() as usize, vit.patch);
            ensure!(
                (0..self.recipe.view_count())
                    .all(|view| self.recipe.view_dims(view)[1].is_multiple_of(patch)),
                "patches of {patch} pixels do not cut every view without a rest; choose another \
                 --image-size, or `backbone.patch`"
            );
            ensure!(
                side < 16 || patch > 1,
                "images of {side} pixels can only be cut into patches of 1, which are too many; \
                 choose an --image-size that 4 or 8 divides, such as {}",
                side.next_multiple_of(8)
            );
        }
        let (method, views) = (self.method.name(), self.recipe.view_count());
        let range = method.views();
        let title = method.title();
        ensure!(
            range.contains(&views),
            "the recipe `{}` makes {views} views of an image, but {title} needs {}; choose another \
             with --recipe (`selfsame recipes` lists them)",
            self.recipe.name,
            if range.end() == range.start() {
                range.start().to_string()
            } else {
                format!("{} or more", range.start())
            }
        );
        Ok(())
    }

    /// Returns the recipe of evaluation: the whole image, in the size of a view if no other is given.
    pub(crate) fn shown(&self) -> Recipe {
        self.recipe.for_evaluation()
    }

    /// Returns the side of a view, in pixels.
    pub(crate) fn side(&self) -> u32 {
        u32::try_from(self.recipe.view_dims(0)[1]).unwrap_or(u32::MAX)
    }

    /// Returns the side that images are read at, in pixels: views and evaluation show no more.
    pub(crate) fn read_side(&self) -> u32 {
        self.side().max(self.recipe.shown.unwrap_or(0))
    }

    /// Returns the settings of the training.
    pub(crate) fn training(&self, steps_per_epoch: u64) -> TrainerConfig {
        let schedule = Schedule::WarmupCosine {
            peak: self.learning_rate,
            warmup_steps: self.warmup_epochs.saturating_mul(steps_per_epoch),
            last: self.last_learning_rate,
        };
        let clip_norm = self.clip_norm;
        TrainerConfig { clip_norm, ..TrainerConfig::new(self.epochs, self.optimizer, schedule) }
    }
}
