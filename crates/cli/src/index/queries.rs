//! Images to search for.

use std::path::PathBuf;
use std::sync::Arc;

use selfsame::datasets::{DataError, FolderLayout, Subset};

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
    match (paths, Catalog::open(paths, &options, encoder, &[], terminal)) {
        ([path], Err(error)) if is_single(&error) => {
            // A data set of one image is refused, since training needs two; here it is given twice.
            let twice = [path.clone(), path.clone()];
            let mut quiet = terminal;
            quiet.quiet = true;
            let found = Catalog::open(&twice, &options, encoder, &[], quiet)?;
            Ok(Catalog { images: Arc::new(Subset::new(found.images, vec![0])), ..found })
        }
        (_, opened) => opened,
    }
}

/// Returns whether the reason is that there is a file of one image.
fn is_single(error: &anyhow::Error) -> bool {
    let reason = error.downcast_ref::<DataError>();
    matches!(reason, Some(DataError::Single { path }) if path.is_file())
}
