//! An encoder from the folder of a run, or from a file of weights.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use burn::tensor::Device;
use clap::Args;
use selfsame::augment::{Recipe, ViewMaker};
use selfsame::datasets::{Dataset, PixelOptions, stamp};
use selfsame::metrics::Features;
use selfsame::models::{AnyBackbone, Backbone, BackboneConfig, Batch, WeightsError, WeightsFile};
use selfsame::samplers::{Loader, LoaderConfig};
use selfsame::train::{RunFolder, Upload, extract_features};
use serde::Deserialize;

use crate::images::Images;
use crate::named::model;
use crate::settings::Settings;

/// Images per forward pass.
pub(crate) const BATCH: usize = 128;
/// Images that a first layer is made to whiten.
const WHITENED: usize = 2_000;

/// What an encoder is made from.
#[derive(Clone, Debug, Args)]
pub(crate) struct EncoderOptions {
    /// Folder of a finished run, or weights: its encoder.safetensors, or with --model those of
    /// torchvision or timm (.pth, .safetensors)
    #[arg(value_name = "RUN|WEIGHTS")]
    pub encoder: PathBuf,
    /// Encoder that the weights are of, if they do not say so; `selfsame models` lists all
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Side of the images it takes, in pixels, with --model [default: 224]
    #[arg(long, value_name = "PIXELS", requires = "model",
          value_parser = clap::value_parser!(u32).range(8..=1024))]
    pub image_size: Option<u32>,
    /// Channels of its first stage or width of its tokens, with --model [default: as published]
    #[arg(long, value_name = "CHANNELS", requires = "model",
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub width: Option<u32>,
    /// Device to compute on; `selfsame devices` lists all
    #[arg(long, default_value = "auto")]
    pub device: String,
}

/// An encoder, and how it sees an image.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub network: AnyBackbone,
    pub config: BackboneConfig,
    /// How an image is shown to it.
    pub shown: Recipe,
    /// How pixels were read when it was trained.
    pub pixels: PixelOptions,
    /// Its name: that of its run, or of its file.
    pub name: String,
    /// The folder of its run, if it was given by that.
    pub run: Option<PathBuf>,
    pub device: Device,
    /// A checksum of the file of its weights.
    pub stamp: u64,
    file: WeightsFile,
}

/// What `encoder.safetensors` says about itself.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    pub encoder: BackboneConfig,
    pub input: Recipe,
    #[serde(default)]
    pub pixels: PixelOptions,
}

impl Encoder {
    /// Reads the encoder that the options name.
    pub(crate) fn open(options: &EncoderOptions) -> anyhow::Result<Self> {
        let device = selfsame::device(&options.device)?.device;
        let given = &options.encoder;
        let run = given.is_dir().then(|| given.clone());
        let path = match &run {
            Some(folder) => folder.join(RunFolder::ENCODER),
            None => given.clone(),
        };
        if let (Some(folder), false) = (&run, path.exists()) {
            let folder_shown = folder.display();
            ensure!(folder.join(RunFolder::SETTINGS).exists(), "{folder_shown} holds no run");
            bail!(
                "{folder_shown} holds an unfinished run, which has no encoder yet; finish it with\n  \
                 selfsame resume {}",
                selfsame::files::shell_word(folder)
            );
        }
        let file = open_weights(&path)?;
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let stamp = stamp(&[&bytes]);
        let about = file.about().and_then(|text| serde_json::from_str::<About>(text).ok());
        let About { encoder: config, input: shown, pixels } = match (about, &options.model) {
            (Some(about), None) => about,
            (None, None) => bail!(
                "{} does not say what encoder it is of; name it with --model, such as --model \
                 resnet50 (`selfsame models` lists all)",
                path.display()
            ),
            (_, Some(name)) => foreign(name, options)?,
        };
        let loaded = file
            .load(config.init(0, &device))
            .with_context(|| format!("{} does not fit the encoder", path.display()))?;
        let name = match &run {
            Some(folder) => folder.file_name(), // which may have dots
            None => path.file_stem(),
        };
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { network: loaded.network, config, shown, pixels, name, run, device, stamp, file })
    }

    /// Returns the settings of the encoder's run, if it was given by its run.
    pub(crate) fn settings(&self) -> anyhow::Result<Option<Settings>> {
        self.run.as_deref().map(Settings::load).transpose()
    }

    /// Returns the side of the images it takes, in pixels.
    pub(crate) fn side(&self) -> u32 {
        u32::try_from(self.shown.view_dims(0)[1]).unwrap_or(u32::MAX)
    }

    /// Returns a copy that can be trained.
    pub(crate) fn trainable(&self) -> anyhow::Result<AnyBackbone> {
        let fresh = self.config.init(0, &self.device.clone().autodiff());
        Ok(self.file.load(fresh)?.network)
    }

    /// Computes the features of images.
    pub(crate) fn features(&self, images: &Arc<dyn Dataset>) -> anyhow::Result<Features> {
        features(&self.network, &self.shown, images, &self.device)
    }
}

/// Creates an encoder that has learned nothing. A first layer that whitens does so for some of the
/// training images.
pub(crate) fn fresh(
    config: &BackboneConfig,
    seed: u64,
    images: &Images,
    shown: &Recipe,
    device: &Device,
) -> anyhow::Result<AnyBackbone> {
    let encoder = config.init(seed, device);
    if !encoder.whitens() {
        return Ok(encoder);
    }
    let batch_size = WHITENED.min(images.train.len());
    let config = LoaderConfig { batch_size, threads: 1, seed };
    let loader = Loader::new(images.train.clone(), shown.clone(), config)?;
    let batch = loader.epoch(0, 0).next().context("there are no images to whiten")??;
    let batch: Batch = batch.upload(device);
    Ok(encoder.whiten(batch.first()))
}

/// Opens a file of weights; an error names the file.
pub(crate) fn open_weights(path: &Path) -> anyhow::Result<WeightsFile> {
    WeightsFile::open(path).map_err(|error| match error {
        error @ WeightsError::Open { .. } => error.into(),
        error => anyhow::Error::new(error)
            .context(format!("{} holds no weights that can be used", path.display())),
    })
}

/// Computes the features of images, one row for each.
pub(crate) fn features(
    network: &AnyBackbone,
    shown: &Recipe,
    images: &Arc<dyn Dataset>,
    device: &Device,
) -> anyhow::Result<Features> {
    let forward = |view| network.forward(view);
    Ok(extract_features(images.clone(), shown, BATCH, device, forward)?)
}

/// Returns what is known of weights from elsewhere: images of ImageNet, as usual.
fn foreign(name: &str, options: &EncoderOptions) -> anyhow::Result<About> {
    let side = options.image_size.unwrap_or(224);
    let config = model(name)?.for_images(side as usize);
    let encoder = match options.width {
        Some(width) => config.with_width(width as usize),
        None => config,
    };
    let input = Recipe::evaluation_imagenet().with_side(side);
    Ok(About { encoder, input, pixels: PixelOptions::default() })
}
