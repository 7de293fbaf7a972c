//! All images of some paths, whatever split they are in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use selfsame::datasets::{
    Concat, Dataset, Omitted, PixelOptions, Rescaled, Skipped, Subset, open_all,
};

use crate::data_options::DataOptions;
use crate::terminal::Terminal;

/// All images of some paths that can be read, in order, of all splits.
pub(crate) struct Catalog {
    pub images: Arc<dyn Dataset>,
    pub skipped: Vec<Skipped>,
    pub omitted: Omitted,
}

impl Catalog {
    /// Opens the images at `paths`, and says what was found, omitted and skipped. Their pixels are
    /// read as those that the encoder was trained on, unless the options say otherwise.
    pub(crate) fn open(
        paths: &[PathBuf],
        options: &DataOptions,
        pixels: &PixelOptions,
        exclude: &[&Path],
        terminal: Terminal,
    ) -> anyhow::Result<Self> {
        let exclude = exclude.iter().map(|path| path.to_path_buf()).collect();
        let splits = open_all(paths, &options.folders(exclude))?;
        let all = match splits.test {
            Some(test) => Arc::new(Concat::new(vec![splits.train, test])),
            None => splits.train,
        };
        let all = Rescaled::where_needed(all, options.pixels(pixels));
        let (usable, skipped) = Subset::usable(all);
        if let (Some(Skipped { name, reason }), true) = (skipped.first(), options.strict) {
            bail!("{name}: {reason}");
        }
        let found = Self { images: Arc::new(usable), skipped, omitted: splits.omitted };
        if found.images.is_empty() {
            let first = found.skipped.first().context("there are no images")?;
            bail!("no image can be read; the first, {}: {}", first.name, first.reason);
        }
        let images = found.images.len();
        let plural = if images == 1 { "" } else { "s" };
        terminal.note(format_args!("{images} image{plural}: {}", splits.found));
        found.omitted.to_string().lines().for_each(|line| {
            terminal.note(format_args!("  omitted {line}"));
        });
        for Skipped { name, reason } in &found.skipped {
            terminal.note(format_args!("  skipped {name}: {reason}"));
        }
        Ok(found)
    }

    /// Returns the names of the images.
    pub(crate) fn names(&self) -> Vec<String> {
        (0..self.images.len()).map(|index| self.images.name(index)).collect()
    }
}
