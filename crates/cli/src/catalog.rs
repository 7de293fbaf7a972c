//! All images of some paths, whatever split they are in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use selfsame::datasets::{Concat, Dataset, Omitted, Rescaled, Skipped, open_all};

use crate::data_options::DataOptions;
use crate::encoder::Encoder;
use crate::images::skipped_lines;
use crate::reader::Reader;
use crate::terminal::Terminal;

/// All images of some paths that can be read, in order, of all splits.
pub(crate) struct Catalog {
    pub images: Arc<dyn Dataset>,
    pub skipped: Vec<Skipped>,
    pub omitted: Omitted,
}

impl Catalog {
    /// Opens the images at `paths` for an encoder, and says what was found, omitted and skipped. Their
    /// pixels are read as those that it was trained on, unless the options say otherwise.
    pub(crate) fn open(
        paths: &[PathBuf],
        options: &DataOptions,
        encoder: &Encoder,
        exclude: &[&Path],
        terminal: Terminal,
    ) -> anyhow::Result<Self> {
        let exclude = exclude.iter().map(|path| path.to_path_buf()).collect();
        let splits = open_all(paths, &options.folders(exclude))?;
        let all = match splits.test {
            Some(test) => Arc::new(Concat::new(vec![splits.train, test])),
            None => splits.train,
        };
        let all = Rescaled::where_needed(all, options.pixels(&encoder.pixels));
        let reader = Reader::new(None, options.strict, encoder.side(), all.len());
        let (images, skipped) = reader.read(all)?;
        let found = Self { images, skipped, omitted: splits.omitted };
        let images = found.images.len();
        let plural = if images == 1 { "" } else { "s" };
        terminal.note(format_args!("{images} image{plural}: {}", splits.found));
        found.omitted.to_string().lines().for_each(|line| {
            terminal.note(format_args!("  omitted {line}"));
        });
        if let Some(fact) = reader.fact() {
            terminal.note(format_args!("  {fact}"));
        }
        for line in skipped_lines(&found.skipped) {
            terminal.note(line);
        }
        Ok(found)
    }

    /// Returns the names of the images.
    pub(crate) fn names(&self) -> Vec<String> {
        (0..self.images.len()).map(|index| self.images.name(index)).collect()
    }
}
