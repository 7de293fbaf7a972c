//! Command line of the program, and the settings of a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use selfsame::augment::Recipe;
use selfsame::files::shell_word;
use selfsame::models::{BackboneConfig, MethodConfig, MethodName, UnknownMethod, backbone};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::train::{Checkpoints, Preset, RunFolder, TrainError, TrainerConfig};
use serde::{Deserialize, Serialize};

/// Side of an image, in pixels, and of the views of photographs.
pub(crate) const SIDE: u32 = 32;
/// Side of the views of drawn shapes.
const SMALL_SIDE: u32 = 16;
/// The longest time limit, more than a year.
const MAX_HOURS: f64 = 10_000.0;

/// Trains an encoder on images without labels, then measures how good it is.
///
/// Without --data the program draws its own images. All results are written to --out: views.png,
/// encoder.safetensors, report.html, result.json, epochs.csv, steps.jsonl, timing.csv, and
/// checkpoints to resume from.
#[derive(Debug, Parser)]
#[command(version, name = "pretrain")]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// Method that learns without labels [default: simclr]
    #[arg(long, value_parser = method_names())]
    method: Option<MethodName>,
    /// Encoder, such as `resnet18`, `vit_tiny` or `airbench_small` [default: by method; a shallow one for
    /// drawn shapes, ResNet-18 or a small transformer with --data]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Images: class folders, a folder without labels, an archive of either, CIFAR-10, or another
    /// format of docs/guide/2-your-data.md [default: drawn shapes]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Folder for the results; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "runs/pretrain")]
    out: PathBuf,
    /// Replace the run in the folder for the results, if there is one
    #[arg(long)]
    overwrite: bool,
    /// Smaller sizes throughout; takes less than a minute
    #[arg(long)]
    quick: bool,
    /// Seed of every random choice [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Passes over the images in pre-training; with --resume of a finished run a larger number,
    /// to train it longer with a new schedule [default: 18; with --data 12]
    #[arg(long)]
    epochs: Option<u64>,
    /// Images per optimizer step in pre-training [default: 64; with --data 256]
    #[arg(long)]
    batch_size: Option<usize>,
    /// Highest learning rate [default: by method, in proportion to the batch size]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Channels of the encoder's first stage, or width of its tokens [default: 16; of a transformer
    /// 64]
    #[arg(long)]
    width: Option<usize>,
    /// Temperature of SimCLR's loss [default: 0.1; with --data 0.5]
    #[arg(long)]
    temperature: Option<f64>,
    /// Number of images used for pre-training [default: all]
    #[arg(long)]
    limit: Option<usize>,
    /// Device to compute on; an unknown name lists the available ones
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads that prepare views; results do not depend on their number [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// Hours of pre-training, at most; fewer epochs if not all fit, and the schedule ends there
    #[arg(long, value_name = "H")]
    max_hours: Option<f64>,
    /// Write curves for TensorBoard, to the folder tensorboard of --out
    #[arg(long)]
    tensorboard: bool,
    /// Skip the comparison with a network trained from scratch
    #[arg(long)]
    no_scratch: bool,
    /// Stop at the first image that cannot be read, instead of skipping it
    #[arg(long)]
    strict: bool,
    /// Resume the run in this folder, with its settings
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "method", "model", "data", "out", "overwrite", "quick", "seed", "batch_size", "learning_rate",
        "width", "temperature", "limit", "no_scratch", "strict",
    ])]
    resume: Option<PathBuf>,
}

/// Run with its device, its output folder and the settings that decide its result.
#[derive(Debug)]
pub(crate) struct Plan {
    pub out: PathBuf,
    pub device: String,
    pub threads: usize,
    pub time_limit: Option<Duration>,
    pub tensorboard: bool,
    /// Whether a new run replaces the one in its folder.
    pub overwrite: bool,
    /// Where this run starts: anew, or from a folder.
    pub start: Start,
    pub settings: Settings,
}

/// Where a run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    New,
    Resumed,
    /// Resumed, with a number of epochs that may make a finished run longer.
    Extended,
}

/// Settings that decide the bytes of a run's result.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub method: MethodName,
    /// `None` for drawn shapes.
    pub data: Option<PathBuf>,
    pub quick: bool,
    pub seed: u64,
    pub epochs: u64,
    pub batch_size: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    pub backbone: BackboneConfig,
    /// Of SimCLR's loss.
    pub temperature: f64,
    pub limit: Option<usize>,
    pub scratch: bool,
    pub strict: bool,
}

/// Reads a method by its name, and lists the names in the help.
fn method_names() -> impl TypedValueParser<Value = MethodName> {
    let names = MethodName::ALL.iter().map(|method| method.key().replace('_', "-"));
    PossibleValuesParser::new(names).try_map(|name| -> Result<_, UnknownMethod> { name.parse() })
}

impl Options {
    /// Returns the run that these options describe; nothing is written yet.
    pub(crate) fn plan(self) -> anyhow::Result<Plan> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or_else(cores);
        ensure!(threads > 0, "--threads 0 leaves no thread to prepare views; give 1 or more");
        let time_limit = self.max_hours.map(|hours| {
            ensure!(
                hours > 0.0 && hours <= MAX_HOURS,
                "--max-hours must be above 0 and at most 10,000, not {hours:?}"
            );
            Ok(Duration::from_secs_f64(3_600.0 * hours))
        });
        let (out, settings, start) = match (&self.resume, self.epochs) {
            (None, _) => (self.out.clone(), self.settings()?, Start::New),
            (Some(folder), None) => (folder.clone(), Settings::load(folder)?, Start::Resumed),
            (Some(folder), Some(epochs)) => {
                let settings = Settings { epochs, ..Settings::load(folder)? };
                (folder.clone(), settings, Start::Extended)
            }
        };
        settings.validate()?;
        Ok(Plan {
            device: self.device,
            threads,
            time_limit: time_limit.transpose()?,
            // A run that has curves goes on with them.
            tensorboard: self.tensorboard
                || (start != Start::New && out.join(RunFolder::TENSORBOARD).is_dir()),
            overwrite: self.overwrite,
            out,
            start,
            settings,
        })
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let own = self.data.is_none();
        let (epochs, batch_size) = match (self.quick, own) {
            (true, true) => (10, 64),
            (true, false) => (3, 64),
            (false, true) => (18, 64),
            (false, false) => (12, 256),
        };
        let data = self.data.as_ref().map(|path| {
            std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
        });
        let method = self.method.unwrap_or(MethodName::SimClr);
        let batch_size = self.batch_size.unwrap_or(batch_size);
        let drawn = Preset::shapes(method);
        let learning_rate = match (own, drawn.optimizer) {
            // Adam's rate does not grow with the loss, so that of longer runs fits.
            (false, OptimizerConfig::Adam { .. } | OptimizerConfig::AdamW { .. }) => {
                Preset::cifar10(method).rate_for(batch_size)
            }
            // The temperature is higher, and so the rate lower.
            (false, _) if method == MethodName::SimClr => 0.5 * drawn.rate_for(batch_size),
            _ => drawn.rate_for(batch_size),
        };
        Ok(Settings {
            method,
            data: data.transpose()?,
            quick: self.quick,
            seed: self.seed.unwrap_or(0),
            epochs: self.epochs.unwrap_or(epochs),
            batch_size,
            learning_rate: self.learning_rate.unwrap_or(learning_rate),
            backbone: self.backbone(method)?,
            temperature: self.temperature.unwrap_or(if own { 0.1 } else { 0.5 }),
            limit: self.limit.or((self.quick && !own).then_some(1_000)),
            scratch: !self.no_scratch,
            strict: self.strict,
        })
    }

    /// Returns the encoder of drawn shapes or of photographs, as deep as they need.
    fn backbone(&self, method: MethodName) -> anyhow::Result<BackboneConfig> {
        let side = if self.data.is_none() { SMALL_SIDE } else { SIDE } as usize;
        let small = Preset::shapes(method).backbone;
        let config = match (&self.model, small) {
            (Some(name), _) => backbone(name)?,
            // With `--data`, twice the blocks.
            (None, BackboneConfig::ResNet(_)) if self.data.is_some() => {
                backbone("resnet18")?.with_width(8)
            }
            (None, small) => small,
        };
        let config = config.for_images(side);
        Ok(match (self.width, self.quick, &config) {
            (Some(0), ..) => bail!("--width 0 has no channels; give 4 or more"),
            (Some(width), ..) => config.with_width(width),
            (None, false, BackboneConfig::ResNet(_)) if self.model.is_none() => {
                config.with_width(16)
            }
            (None, ..) => config,
        })
    }
}

impl Plan {
    /// Locks the output folder before the images are read, which can take long. A folder that holds
    /// a run is refused, unless this run resumes or replaces it.
    pub(crate) fn run_folder(&self) -> anyhow::Result<RunFolder> {
        let folder = match self.start {
            Start::New if self.overwrite => RunFolder::replace(&self.out),
            Start::New => RunFolder::create(&self.out),
            Start::Resumed | Start::Extended => RunFolder::resume(&self.out),
        };
        folder.map_err(|error| {
            let folder = self.out.display();
            match error {
                TrainError::Occupied { is_finished: true, .. } => anyhow!(
                    "{folder} holds a finished run; give another --out, or --overwrite to replace it"
                ),
                TrainError::Occupied { .. } => anyhow!(
                    "{folder} holds an unfinished run; resume it with `--resume {}`, or give another \
                     --out, or --overwrite to replace it",
                    shell_word(&self.out)
                ),
                error @ TrainError::File { .. } => anyhow::Error::new(error)
                    .context(format!("cannot write to {folder}; give another folder with --out")),
                error => error.into(),
            }
        })
    }

    /// Returns the checkpoints in the folder, which may make a finished run longer if that was asked
    /// for.
    pub(crate) fn checkpoints(&self, folder: &RunFolder) -> Checkpoints {
        let checkpoints = folder.checkpoints();
        if self.start == Start::Extended { checkpoints.extend_finished() } else { checkpoints }
    }
}

impl Settings {
    fn validate(&self) -> anyhow::Result<()> {
        ensure!(self.epochs > 0, "--epochs 0 trains nothing; give 1 or more");
        ensure!(
            self.batch_size > 1,
            "--batch-size must be 2 or more, since images are compared with each other"
        );
        let rate = self.learning_rate;
        ensure!(
            rate.is_finite() && rate > 0.0,
            "--learning-rate must be above 0 (0.01 to 1 is usual), not {rate}"
        );
        let temperature = self.temperature;
        ensure!(
            temperature.is_finite() && temperature > 0.0,
            "--temperature must be above 0 (0.1 to 1 is usual), not {temperature}"
        );
        ensure!(self.limit != Some(0), "--limit 0 leaves no images; give 1 or more");
        Ok(())
    }

    fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(RunFolder::SETTINGS);
        ensure!(
            path.exists(),
            "{} holds no run to resume; start it without --resume",
            folder.display()
        );
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} does not hold settings of this program", path.display()))
    }

    /// Returns the name of the images, as results show it.
    pub(crate) fn data_name(&self) -> String {
        let name = self.data.as_deref().and_then(Path::file_name);
        name.map_or_else(|| "synthetic".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Returns the recipe of the views: those that the method needs, of drawn shapes or of
    /// photographs. Crops of photographs for two views cover a fifth of the image or more, from
    /// which short runs learn faster than from smaller ones; DINO has larger ones.
    pub(crate) fn recipe(&self) -> Recipe {
        let drawn = Preset::shapes(self.method).recipe;
        let has_two_alike = drawn == Recipe::shapes(SMALL_SIDE);
        match (&self.data, self.method) {
            (None, _) => drawn,
            (Some(_), MethodName::Dino) => Recipe::dino_cifar(),
            (Some(_), _) if has_two_alike => Recipe::simsiam_cifar(),
            (Some(_), method) => Preset::cifar10(method).recipe,
        }
    }

    /// Returns the recipe of labeled images, for training from scratch.
    pub(crate) fn supervised_recipe(&self) -> Recipe {
        match self.data {
            None => Recipe::supervised_shapes(self.side()),
            Some(_) => Recipe::supervised_cifar(),
        }
    }

    /// Returns the recipe of evaluation: the whole image, in the size of a view.
    pub(crate) fn shown(&self) -> Recipe {
        self.recipe().for_evaluation()
    }

    /// Returns the side of a view, in pixels. Shapes can be told apart in small views, which take
    /// less than half the time.
    fn side(&self) -> u32 {
        if self.data.is_none() { SMALL_SIDE } else { SIDE }
    }

    /// Returns the settings of the method for a run with this many images.
    pub(crate) fn method(&self, images: usize) -> MethodConfig {
        let mut method = Preset::shapes(self.method).method;
        let queue = self.queue(images);
        match &mut method {
            MethodConfig::SimClr(config) => config.temperature = self.temperature,
            MethodConfig::MocoV2(config) => config.queue = queue,
            MethodConfig::Nnclr(config) => config.queue = queue,
            MethodConfig::Ressl(config) => config.queue = queue,
            _ => {}
        }
        method
    }

    /// Returns the number of rows of a queue: as many as in the authors' CIFAR-10 demo of `MoCo`, but
    /// at most half of the images, in whole batches. With a queue as long as an epoch, an image
    /// would often meet its own key of the epoch before, as a negative.
    fn queue(&self, images: usize) -> usize {
        let batches = (images / 2).min(4_096) / self.batch_size;
        batches.max(1) * self.batch_size
    }

    /// Returns the settings of pre-training. The warm-up is one epoch whatever the number of epochs,
    /// so that a finished run can be made longer.
    pub(crate) fn training(&self, steps_per_epoch: u64) -> TrainerConfig {
        let Preset { optimizer, clip_norm, .. } = Preset::shapes(self.method);
        let schedule = Schedule::warmup_cosine(self.learning_rate, steps_per_epoch);
        TrainerConfig { clip_norm, ..TrainerConfig::new(self.epochs, optimizer, schedule) }
    }
}
