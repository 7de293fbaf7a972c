//! `selfsame export`: an encoder's weights for other programs, and the lines that load them there.

mod python;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use selfsame::augment::ViewMaker;
use selfsame::files::write_atomically;
use selfsame::models::{Backbone, OnnxInput, WeightsFile, to_onnx, to_pytorch};
use selfsame::train::RunFolder;
use serde::Serialize;
use serde_json::{Map, Value};

use self::python::{Counterpart, images, onnx_script, weights_script};
use crate::encoder::{Encoder, EncoderOptions};
use crate::terminal::Terminal;

/// What the weights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Residual networks, for torchvision.models: .safetensors
    Torchvision,
    /// Residual networks and vision transformers, for timm: .safetensors
    Timm,
    /// Residual networks, for runtimes without Python or Rust: .onnx
    Onnx,
    /// Any encoder, as the encoder.safetensors of a run, which all commands here read
    Safetensors,
}

impl Target {
    fn ending(self) -> &'static str {
        if self == Self::Onnx { "onnx" } else { "safetensors" }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    encoder: EncoderOptions,
    /// What the weights are for
    #[arg(long, value_name = "TARGET")]
    to: Target,
    /// File to write [default: the name of the run or of the weights, in the current folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave normalization out of the ONNX model, which then takes normalized images
    #[arg(long)]
    no_normalize: bool,
    /// Replace the file if there is one
    #[arg(long)]
    overwrite: bool,
}

/// What was written, for programs.
#[derive(Debug, Serialize)]
struct Exported<'a> {
    out: Cow<'a, str>,
    /// Channels, height and width of an image.
    images: [usize; 3],
    /// Values of a row of features.
    features: usize,
    mean: [f32; 3],
    std: [f32; 3],
    /// Whether the file normalizes images itself.
    normalizes: bool,
    python: &'a str,
}

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let ending = self.to.ending();
        if self.no_normalize && self.to != Target::Onnx {
            bail!("--no-normalize is about the ONNX model; the other formats hold weights only");
        }
        if let Some(out) = &self.out {
            check_file(out, ending, self.overwrite)?;
        }
        let encoder = Encoder::open(&self.encoder)?;
        let out = match &self.out {
            Some(out) => out.clone(),
            None => default_file(&encoder, ending),
        };
        check_file(&out, ending, self.overwrite)?;
        let counterpart = match self.to {
            Target::Torchvision | Target::Timm => Some(Counterpart::of(&encoder, self.to)?),
            Target::Onnx | Target::Safetensors => None,
        };
        let bytes = match self.to {
            Target::Onnx => self.onnx(&encoder)?,
            _ => to_pytorch(&encoder.network, &self.about(&encoder)?)?,
        };
        write_atomically(&out, &bytes)
            .with_context(|| format!("cannot write {}", out.display()))?;
        self.explain(&encoder, counterpart.as_ref(), &out, terminal)
    }

    /// Prints how the file is used.
    fn explain(
        &self,
        encoder: &Encoder,
        counterpart: Option<&Counterpart>,
        out: &Path,
        terminal: Terminal,
    ) -> anyhow::Result<()> {
        let [_, side, _] = encoder.shown.view_dims(0);
        let normalize = encoder.shown.normalize;
        let is_inside = self.to == Target::Onnx && !self.no_normalize;
        let images = images(side, Some(normalize).filter(|_| !is_inside));
        let lines = match (counterpart, self.to) {
            (Some(counterpart), _) => counterpart.script(out, &images),
            (None, Target::Onnx) => onnx_script(out, &images),
            (None, _) => weights_script(out, &images),
        };
        let features = encoder.network.d_output();
        if terminal.json {
            return terminal.json(&Exported {
                out: out.to_string_lossy(),
                images: [3, side, side],
                features,
                mean: normalize.mean,
                std: normalize.std,
                normalizes: is_inside,
                python: &lines,
            });
        }
        terminal.note(format_args!(
            "{}: {features} features of images of {side} × {side} pixels; in Python:",
            out.display()
        ));
        terminal.result(lines)
    }

    fn onnx(&self, encoder: &Encoder) -> anyhow::Result<Vec<u8>> {
        let normalize = encoder.shown.normalize;
        let normalization =
            (!self.no_normalize).then(|| [normalize.mean.to_vec(), normalize.std.to_vec()]);
        let input = OnnxInput { image: encoder.shown.view_dims(0), normalization };
        to_onnx(&encoder.network, &input).with_context(|| {
            let family = encoder.network.family();
            format!(
                "this encoder, a {family}, cannot be written as ONNX, as residual networks with \
                 mean pooling can"
            )
        })
    }

    /// Returns what the weights say about themselves: what the file that they were read from says,
    /// and how the encoder is built and shown an image.
    fn about(&self, encoder: &Encoder) -> anyhow::Result<String> {
        let path = match &encoder.run {
            Some(run) => run.join(RunFolder::ENCODER),
            None => self.encoder.encoder.clone(),
        };
        let file = WeightsFile::open(path)?;
        let said = file.about().and_then(|text| serde_json::from_str(text).ok());
        let mut about: Map<String, Value> = said.unwrap_or_default();
        about.remove("checksum"); // which is computed again
        about.insert("encoder".to_owned(), serde_json::to_value(&encoder.config)?);
        about.insert("input".to_owned(), serde_json::to_value(&encoder.shown)?);
        about.insert("pixels".to_owned(), serde_json::to_value(&encoder.pixels)?);
        Ok(serde_json::to_string(&about)?)
    }
}

fn default_file(encoder: &Encoder, ending: &str) -> PathBuf {
    let name = if encoder.name.is_empty() { "encoder" } else { &encoder.name };
    PathBuf::from(format!("{name}.{ending}"))
}

/// Refuses a file of another ending, in no folder, or that exists, unless it may be overwritten.
pub(crate) fn check_file(file: &Path, ending: &str, overwrite: bool) -> anyhow::Result<()> {
    let shown = file.display();
    let has_ending = file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    ensure!(
        has_ending,
        "the file is written as {ending}; give --out a name that ends in .{ending}, not {shown}"
    );
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        ensure!(
            folder.is_dir(),
            "there is no folder {} for {shown}; create it first",
            folder.display()
        );
    }
    ensure!(
        overwrite || !file.exists(),
        "{shown} exists already; give another name with --out, or replace it with --overwrite"
    );
    Ok(())
}
