//! The command line: one command for each thing that the program does.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::terminal::Terminal;
use crate::{
    calibrate, completions, embed, evaluate, export, index, lists, matching, pretrain, report,
    resume, runs, search, views,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Self-supervised learning: from a folder of images to a searchable, proven encoder.
///
/// An encoder learns from images without labels: it is trained to see that differently cropped and
/// colored views of an image are the same. It then finds similar images, and tells classes apart
/// from a few labels.
#[derive(Debug, Parser)]
#[command(name = "selfsame", version, styles = STYLES, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  selfsame pretrain photos --out runs/photos     learn from a folder of images
  selfsame evaluate runs/photos                  measure what was learned, if there are labels
  selfsame index runs/photos photos --out index  make the images searchable
  selfsame search index cat.jpg                  find the most similar ones
  selfsame embed runs/photos photos --out features.parquet
                                                 write features for other programs
  selfsame export runs/photos --to torchvision   take the encoder.safetensors weights to PyTorch

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (and, in training, saved).
Nothing is sent anywhere.
")]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub terminal: Terminal,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Pretrain(Box<pretrain::Options>),
    Resume(resume::Options),
    Evaluate(evaluate::Options),
    /// Write the features of images for other programs
    Embed(embed::Options),
    /// Make images searchable
    Index(index::Options),
    /// Find the most similar images
    Search(search::Options),
    /// Choose the distance up to which two images are the same, on labeled images
    Calibrate(calibrate::Options),
    /// Name the class of images, or say that they have none of the classes known
    Match(matching::Options),
    Report(report::Options),
    /// Show what the encoder will see: images with their views
    Views(views::Options),
    /// Write an encoder's weights for other programs
    Export(export::Options),
    /// List runs, with the best figures of each
    Runs(runs::Options),
    /// List the methods
    Methods(lists::Methods),
    /// List the encoders
    Models(lists::Models),
    /// List the recipes of views, or show one as TOML
    Recipes(lists::Recipes),
    /// List the devices to compute on
    Devices(lists::Devices),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print the manual page
    Man(completions::Man),
}
