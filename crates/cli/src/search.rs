//! `selfsame search`: finds the images of an index that are most similar to others.

mod answer;
mod inline;
mod sheet;

use std::path::PathBuf;
use std::slice;

use anyhow::Context;
use clap::Args;
use selfsame::files::write_atomically;
use selfsame::index::{Hit, Index};
use selfsame::metrics::Features;

use self::answer::{Answer, Found, text};
use self::inline::Protocol;
use self::sheet::{Sheet, SheetFormat};
use crate::embed::prepare;
use crate::index::{IndexFolder, open_queries};
use crate::terminal::Terminal;

/// Neighbors of each image, unless a distance is given.
const NEIGHBORS: usize = 10;
/// Images that are shown with their neighbors in a terminal.
const SHOWN: usize = 8;

/// Options of `selfsame search`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the index
    #[arg(value_name = "INDEX")]
    index: PathBuf,
    /// Images to search for: files and folders
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Neighbors of each image, at most [default: 10, or all with --within]
    #[arg(short, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    k: Option<u32>,
    /// Find the images up to this distance
    #[arg(long, value_name = "DISTANCE", allow_negative_numbers = true)]
    within: Option<f64>,
    /// Write the images with their neighbors to a .png or .html file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long, requires = "out")]
    overwrite: bool,
    /// Device to compute on; `selfsame devices` lists all
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
}

impl Options {
    /// Searches, and shows what was found.
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let format = self.out.as_deref().map(SheetFormat::of).transpose()?;
        if let Some(out) = &self.out {
            prepare(slice::from_ref(out), self.overwrite)?;
        }
        let folder = IndexFolder::load(&self.index)?;
        let encoder = folder.encoder(&self.device)?;
        let queries = open_queries(&self.images, &encoder, terminal)?;
        let hits = self.hits(&folder.index, &encoder.features(&queries.images)?)?;
        let hits = hits.iter().zip(queries.names());
        let answers: Vec<Answer> =
            hits.map(|(hits, query)| Answer::new(&folder, query, hits)).collect();
        if terminal.json {
            let distance = folder.index.distance();
            terminal.json(&Found { distance, queries: &answers })?;
        } else {
            terminal.result(text(&answers).trim_end())?;
        }
        let sheet = |answers| -> anyhow::Result<Sheet> {
            let (source, images) = (folder.source()?, queries.images.as_ref());
            Sheet::read(answers, images, &source, &encoder.pixels)
        };
        if let Some(protocol) = Protocol::of(terminal) {
            let shown = &answers[..answers.len().min(SHOWN)];
            terminal.result(protocol.sequence(&sheet(shown)?.small_png()?))?;
        }
        let (Some(out), Some(format)) = (&self.out, format) else { return Ok(()) };
        let sheet = sheet(&answers)?;
        if let Some(note) = sheet.note() {
            terminal.note(note);
        }
        write_atomically(out, &sheet.to_bytes(format)?)
            .with_context(|| format!("cannot write {}", out.display()))?;
        terminal.note(format_args!("images written to {}", out.display()));
        Ok(())
    }

    fn hits(&self, index: &Index, features: &Features) -> anyhow::Result<Vec<Vec<Hit>>> {
        let k = self.k.map(|k| k as usize);
        let Some(distance) = self.within else {
            return Ok(index.search_all(features, k.unwrap_or(NEIGHBORS))?);
        };
        let mut hits = index.search_all_within(features, distance)?;
        for hits in &mut hits {
            hits.truncate(k.unwrap_or(usize::MAX));
        }
        Ok(hits)
    }
}
