//! Parquet files of images, in the layout of Hugging Face datasets. They are read by the feature
//! `parquet`.

use std::path::Path;

use crate::{DataError, Omitted, Splits};

#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod images;

/// Returns whether a file starts as a Parquet file does.
pub(crate) fn is_parquet(start: &[u8]) -> bool {
    start.starts_with(b"PAR1")
}

/// Returns whether a file is named as a Parquet file.
pub(crate) fn is_parquet_name(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".parquet")
}

/// Opens the files `names`, paths in the folder `root`, as one data set; or `root` itself, if the
/// name is empty.
#[cfg(feature = "parquet")]
pub(crate) fn open(root: &Path, names: &[String], omitted: Omitted) -> Result<Splits, DataError> {
    images::open(root, names, omitted)
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn open(root: &Path, names: &[String], _: Omitted) -> Result<Splits, DataError> {
    let path = match names.first() {
        Some(name) if !name.is_empty() => root.join(name),
        _ => root.to_owned(),
    };
    let reason = "it is a Parquet file, which this build does not read; build it with the feature \
                  `parquet` (`cargo build --features parquet`)";
    Err(DataError::unsupported(&path)(reason.to_owned()))
}
