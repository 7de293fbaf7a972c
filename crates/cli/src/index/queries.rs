//! Images to search for.

use std::path::PathBuf;

use selfsame::datasets::FolderLayout;

use crate::catalog::Catalog;
use crate::data_options::DataOptions;
use crate::encoder::Encoder;
use crate::terminal::Terminal;

/// Opens the images at `paths`, files and folders, to search for each of them.
pub(crate) fn open_queries(
    paths: &[PathBuf],
    encoder: &Encoder,
    terminal: Terminal,
) -> anyhow::Result<Catalog> {
    let options = DataOptions { layout: Some(FolderLayout::Flat), ..DataOptions::default() };
    Catalog::open(paths, &options, encoder, &[], terminal)
}
