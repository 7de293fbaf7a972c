//! `selfsame pretrain`: train an encoder on images without labels.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use selfsame::augment::{Normalize, ViewMaker};
use selfsame::files::shell_word;
use selfsame::models::{MethodName, UnknownMethod};
use selfsame::train::{RunFolder, TrainError};
use serde_json::json;

use crate::data_options::DataOptions;
use crate::encoder::{About, open_weights};
use crate::given::{Given, absolute};
use crate::numbers::{above_zero, count, duration, hours, zero_or_more};
use crate::run::{Run, Start, Work};
use crate::terminal::Terminal;
use crate::usage::Usage;

/// Train an encoder on images without labels, and measure what it has learned.
///
/// Without DATA the program draws its own images. All results are written to --out:
/// encoder.safetensors, report.html, result.json, views.png, settings.json, epochs.csv, steps.jsonl,
/// timing.csv, and checkpoints to resume from. Where labels are known they are used to measure
/// accuracy, never to learn.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// Images: class folders, folders without labels, archives of either, CIFAR-10, Parquet, or
    /// another format of the guide; several are joined [default: drawn shapes]
    #[arg(value_name = "DATA")]
    data: Vec<PathBuf>,
    /// The same, as an option
    #[arg(long = "data", value_name = "PATH", hide = true)]
    more_data: Vec<PathBuf>,
    /// Folder for the results; created if it does not exist
    #[arg(long, short, value_name = "RUN", default_value = "runs/pretrain")]
    out: PathBuf,
    /// Replace the run in the folder for the results, if there is one
    #[arg(long)]
    overwrite: bool,
    /// Smaller sizes throughout; takes less than a minute
    #[arg(long)]
    quick: bool,

    /// Method that learns without labels; `selfsame methods` describes all [default: simclr]
    #[arg(long, value_parser = method_names(), hide_possible_values = true, value_name = "NAME",
          help_heading = "Method and encoder")]
    method: Option<MethodName>,
    /// Encoder, such as `resnet18`, `vit_tiny` or `airbench_small`; `selfsame models` lists all
    /// [default: a narrow ResNet, or the small transformer that a method needs]
    #[arg(long, value_name = "NAME", help_heading = "Method and encoder")]
    model: Option<String>,
    /// Channels of the encoder's first stage, or width of its tokens [default: 16; of a transformer
    /// 64; with --model or --preset as published]
    #[arg(long, value_name = "CHANNELS", value_parser = clap::value_parser!(u32).range(1..=4096),
          help_heading = "Method and encoder")]
    width: Option<u32>,
    /// Side of a view in pixels: more shows details, and takes longer by its square [default: 32;
    /// of drawn shapes 16]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(8..=1024),
          help_heading = "Method and encoder")]
    image_size: Option<u32>,
    /// Recipe to take all defaults from: laptop, ours for small images and an hour of a CPU, or the
    /// published one of the method, cifar10 or imagenet, of hundreds of epochs [default: ours, for
    /// runs of minutes]
    #[arg(long, value_name = "NAME", value_parser = ["laptop", "cifar10", "imagenet", "shapes"],
          hide_possible_values = true, help_heading = "Method and encoder")]
    preset: Option<String>,
    /// Views: a recipe by name (`selfsame recipes` lists all) or a file [default: by method]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Method and encoder")]
    recipe: Option<String>,
    /// Weights to start from, all of which may change: a run, or a file that `selfsame` wrote, or
    /// with --model one of torchvision or timm
    #[arg(long, value_name = "WEIGHTS", help_heading = "Method and encoder")]
    init: Option<PathBuf>,
    /// Temperature of the loss [default: by method]
    #[arg(long, value_name = "T", value_parser = above_zero, help_heading = "Method and encoder")]
    temperature: Option<f64>,

    /// Passes over the images [default: 12, more for few images; of drawn shapes 18]
    #[arg(long, value_parser = count, help_heading = "Training")]
    epochs: Option<u64>,
    /// Hours at most, with the evaluation; as many epochs as fit, and the schedule ends there
    #[arg(long, value_name = "HOURS", value_parser = hours, help_heading = "Training")]
    max_hours: Option<f64>,
    /// Images per optimizer step [default: 256, less for few images; of drawn shapes 64]
    #[arg(long, value_name = "IMAGES", value_parser = clap::value_parser!(u32).range(2..),
          help_heading = "Training")]
    batch_size: Option<u32>,
    /// Highest learning rate [default: by method, in proportion to the batch size]
    #[arg(long, visible_alias = "learning-rate", value_name = "RATE", value_parser = above_zero,
          help_heading = "Training")]
    lr: Option<f64>,
    /// Weight decay of the optimizer [default: by method]
    #[arg(long, value_name = "DECAY", value_parser = zero_or_more, help_heading = "Training")]
    weight_decay: Option<f64>,
    /// Seed of every random choice [default: 0]
    #[arg(long, help_heading = "Training")]
    seed: Option<u64>,
    /// Number of images used for training, each class in proportion [default: all]
    #[arg(long, value_name = "IMAGES", value_parser = count,
          help_heading = "Images")]
    limit: Option<u64>,
    #[command(flatten)]
    images: DataOptions,
    /// Read images from their files for every view, instead of keeping them in memory [default: if
    /// they would take more than 4 GiB]
    #[arg(long, help_heading = "Images")]
    stream: bool,
    #[command(flatten)]
    work: WorkOptions,

    /// File of settings, TOML or JSON, such as the settings.json of a run; options change them
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Change any setting, such as `method.temperature=0.2`; settings.json of a run shows all
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Settings")]
    set: Vec<String>,
}

/// What a run computes with, which does not change its result.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Work")]
pub(crate) struct WorkOptions {
    /// Device to compute on; `selfsame devices` lists all
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads that prepare views [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
    /// Save a checkpoint as often as this, such as 10m, besides one at the end of every epoch
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub save_every: Option<Duration>,
    /// Write curves for TensorBoard, to the folder tensorboard of the run
    #[arg(long)]
    pub tensorboard: bool,
}

impl WorkOptions {
    /// Returns how a run works.
    pub(crate) fn work(self, max_hours: Option<f64>, terminal: Terminal) -> Work {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Work {
            device: self.device,
            threads: self.threads.map_or_else(cores, |threads| threads as usize),
            time_limit: max_hours.map(|hours| Duration::from_secs_f64(3_600.0 * hours)),
            save_every: self.save_every,
            tensorboard: self.tensorboard,
            terminal,
        }
    }
}

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<ExitCode> {
        let usage = |error: anyhow::Error| Usage(format!("{error:#}"));
        let given = self.given().map_err(usage)?;
        let settings = given.resolve(None).map_err(usage)?;
        ensure_apart(&self.out, &settings.data.paths)?;
        let lock = if self.overwrite { RunFolder::replace } else { RunFolder::create };
        let folder = lock(self.out.clone()).map_err(|error| explain(error, &self.out))?;
        let work = self.work.work(self.max_hours, terminal);
        let start = Start::New(given);
        Run::prepare(folder, settings, start, work)?.go()
    }

    /// Returns what these options give of the settings.
    fn given(&self) -> anyhow::Result<Given> {
        let mut given = match &self.config {
            Some(path) => Given::read(path)?,
            None => Given::default(),
        };
        let paths: Vec<&Path> =
            self.data.iter().chain(&self.more_data).map(PathBuf::as_path).collect();
        if !paths.is_empty() {
            let paths = paths.into_iter().map(|path| Ok(json!(absolute(path)?)));
            given.set("data.paths", paths.collect::<anyhow::Result<Vec<_>>>()?)?;
        }
        given.set_some("quick", self.quick.then_some(true))?;
        given.set_some("preset", self.preset.clone())?;
        given.set_some("method.name", self.method.map(MethodName::key))?;
        given.set_some("method.temperature", self.temperature)?;
        given.set_some("model", self.model.clone())?;
        given.set_some("width", self.width)?;
        given.set_some("image_size", self.image_size)?;
        given.set_some("recipe", self.recipe.clone())?;
        if let Some(init) = &self.init {
            self.start_from(init, &mut given)?;
        }
        given.set_some("epochs", self.epochs)?;
        given.set_some("batch_size", self.batch_size)?;
        given.set_some("learning_rate", self.lr)?;
        given.set_some("weight_decay", self.weight_decay)?;
        given.set_some("seed", self.seed)?;
        given.set_some("data.limit", self.limit)?;
        let images = &self.images;
        given.set_some("data.layout", images.layout.map(|it| json!(it)))?;
        let classes = (!images.classes.is_empty()).then(|| json!(images.classes));
        given.set_some("data.classes", classes)?;
        given.set_some("data.pixels.channels", images.channels.as_ref().map(|it| json!(it)))?;
        given.set_some("data.pixels.range", images.range.map(|it| json!(it)))?;
        given.set_some("data.strict", images.strict.then_some(true))?;
        given.set_some("data.stream", self.stream.then_some(true))?;
        self.set.iter().try_for_each(|assignment| given.assign(assignment))?;
        Ok(given)
    }

    /// Gives the weights to start from and, if they say so, the encoder that they are of.
    fn start_from(&self, init: &Path, given: &mut Given) -> anyhow::Result<()> {
        let path = if init.is_dir() { init.join(RunFolder::ENCODER) } else { init.to_owned() };
        let file = open_weights(&path)?;
        let about = file.about().and_then(|text| serde_json::from_str::<About>(text).ok());
        // As the weights have seen images so far; those from elsewhere are of ImageNet.
        let normalize = about.as_ref().map_or(Normalize::IMAGENET, |about| about.input.normalize);
        given.set("recipe.normalize", serde_json::to_value(normalize)?)?;
        if let (Some(about), None) = (about, &self.model) {
            given.set("backbone", serde_json::to_value(&about.encoder)?)?;
            if self.image_size.is_none() {
                given.set("image_size", about.input.view_dims(0)[1])?;
            }
        }
        given.set("init", serde_json::to_value(path)?)
    }
}

/// Checks that the images are not all in the folder of the run, which is none of the data.
fn ensure_apart(out: &Path, data: &[PathBuf]) -> anyhow::Result<()> {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let out_real = real(out)?;
    for path in data {
        if real(path)?.starts_with(&out_real) {
            bail!(
                "the images {} are in --out {}, which is for the run alone; give it a folder of its \
                 own",
                path.display(),
                out.display()
            );
        }
    }
    Ok(())
}

/// Reads a method by its name.
fn method_names() -> impl TypedValueParser<Value = MethodName> {
    let names = MethodName::ALL.iter().map(|method| {
        let name = method.key().replace('_', "-");
        PossibleValue::new(name.clone()).aliases([method.key().to_owned(), name.replace('-', "")])
    });
    PossibleValuesParser::new(names).try_map(|name| -> Result<_, UnknownMethod> { name.parse() })
}

/// Says what to do about a folder that cannot be used.
fn explain(error: TrainError, out: &Path) -> anyhow::Error {
    let (folder, word) = (out.display(), shell_word(out));
    match error {
        TrainError::Occupied { is_finished: true, .. } => anyhow!(
            "{folder} holds a finished run; give another --out, or --overwrite to replace it"
        ),
        TrainError::Occupied { .. } => anyhow!(
            "{folder} holds an unfinished run; resume it with `selfsame resume {word}`, or give \
             another --out, or --overwrite to replace it"
        ),
        error @ TrainError::File { .. } => anyhow::Error::new(error)
            .context(format!("cannot write to {folder}; give another folder with --out")),
        error => error.into(),
    }
}
