//! `selfsame index`: makes images searchable.

mod folder;
mod queries;
mod source;

use std::collections::HashSet;
use std::path::{PathBuf, absolute};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use selfsame::datasets::{Dataset, Subset};
use selfsame::files::shell_word;
use selfsame::index::Index;
use selfsame::metrics::Distance;
use serde_json::json;

pub(crate) use self::folder::IndexFolder;
pub(crate) use self::queries::open_queries;
pub(crate) use self::source::{SIDE, Source, thumbnail};
use crate::catalog::Catalog;
use crate::data_options::DataOptions;
use crate::embed::items;
use crate::encoder::{Encoder, EncoderOptions};
use crate::terminal::Terminal;

/// Options of `selfsame index`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    encoder: EncoderOptions,
    /// Images: folders, archives, lists, Parquet and other formats
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// Folder to write the index to
    #[arg(long, value_name = "INDEX")]
    out: PathBuf,
    /// How far apart two images are: cosine, dot, l2, l1 or snr
    #[arg(long, value_name = "DISTANCE", default_value_t)]
    distance: Distance,
    /// Replace an index that exists
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    images: DataOptions,
}

impl Options {
    /// Builds the index.
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        IndexFolder::prepare(&self.out, self.overwrite)?;
        let mut encoder = Encoder::open(&self.encoder)?;
        encoder.pixels = self.images.pixels(&encoder.pixels);
        let data = absolute_paths(&self.data)?; // names are found again from any folder
        let out = absolute(&self.out)?;
        let found = Catalog::open(&data, &self.images, &encoder, &[&out], terminal)?;
        let (images, repeated) = distinct(&found.images);
        if let Some(name) = repeated.first() {
            let count = repeated.len();
            terminal.note(format_args!("  omitted images given before: {count}, such as {name}"));
        }
        let features = encoder.features(&images)?;
        let classes = images.class_names().to_vec();
        let index = Index::from_features(features, items(images.as_ref()), self.distance)?
            .with_classes(classes)?;
        let source = Source::new(&data, &self.images);
        IndexFolder::save(&self.out, &index, &encoder, &source)?;
        let omitted = found.omitted.count() + repeated.len();
        self.report(&index, [found.skipped.len(), omitted], terminal)
    }

    fn report(&self, index: &Index, without: [usize; 2], terminal: Terminal) -> anyhow::Result<()> {
        let (images, dim, distance) = (index.len(), index.dim(), self.distance);
        let [skipped, omitted] = without;
        let out = self.out.display();
        if terminal.json {
            return terminal.json(&json!({
                "images": images,
                "dim": dim,
                "distance": distance,
                "classes": index.classes(),
                "out": out.to_string(),
                "skipped": skipped,
                "omitted": omitted,
            }));
        }
        terminal.result(format_args!(
            "{images} images × {dim} features, by {distance} distance, written to {out}"
        ))?;
        let word = shell_word(&self.out);
        terminal.note(format_args!("find similar images with\n  selfsame search {word} IMAGE"));
        Ok(())
    }
}

/// Returns paths that mean the same from any folder.
pub(crate) fn absolute_paths(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let one = |path: &PathBuf| {
        absolute(path).with_context(|| format!("cannot use the path `{}`", path.display()))
    };
    paths.iter().map(one).collect()
}

/// Returns the images without those whose name is that of one before, and the names of these: an
/// item of an index is found by its name.
fn distinct(images: &Arc<dyn Dataset>) -> (Arc<dyn Dataset>, Vec<String>) {
    let (mut known, mut repeated) = (HashSet::new(), Vec::new());
    let mut kept = Vec::new();
    for index in 0..images.len() {
        let name = images.name(index);
        if known.contains(&name) {
            repeated.push(name);
        } else {
            known.insert(name);
            kept.push(index);
        }
    }
    if repeated.is_empty() {
        return (images.clone(), repeated);
    }
    (Arc::new(Subset::new(images.clone(), kept)), repeated)
}
