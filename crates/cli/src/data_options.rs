//! Options of how images are read.

use std::path::PathBuf;

use clap::Args;
use selfsame::datasets::{Channels, FolderLayout, OpenOptions, PixelOptions, PixelRange};

/// How images are read.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct DataOptions {
    /// What folders mean: auto, splits, classes or flat [default: auto]
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<FolderLayout>,
    /// Names of the folders that are classes [default: those of the layout]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Channels of scientific images: auto, gray, rgb, or one or three bands such as 3,2,1
    /// [default: auto]
    #[arg(long, value_name = "CHANNELS")]
    pub channels: Option<Channels>,
    /// Values that become black and white, such as 0..4095, the same for all images [default: of
    /// deeper images than 8 bits, chosen from the data]
    #[arg(long, value_name = "LOW..HIGH", allow_hyphen_values = true)]
    pub range: Option<PixelRange>,
    /// Stop at the first image that cannot be read, instead of skipping it
    #[arg(long)]
    pub strict: bool,
}

impl DataOptions {
    /// Returns how folders are read; files in `exclude` do not belong to the data.
    pub(crate) fn folders(&self, exclude: Vec<PathBuf>) -> OpenOptions {
        let layout = self.layout.unwrap_or_default();
        OpenOptions { layout, classes: self.classes.clone(), exclude }
    }

    /// Returns how pixels are read: as these options say, and otherwise as `usual`.
    pub(crate) fn pixels(&self, usual: &PixelOptions) -> PixelOptions {
        PixelOptions {
            channels: self.channels.clone().unwrap_or_else(|| usual.channels.clone()),
            range: self.range.or(usual.range),
            // A range that is asked for is that of all images.
            keep_eight_bits: self.range.is_none() && usual.keep_eight_bits,
        }
    }
}
