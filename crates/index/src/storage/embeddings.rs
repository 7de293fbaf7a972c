//! The rows of an index as a safetensors file, mapped into memory when it is loaded.

use std::io;
use std::path::Path;
use std::sync::Arc;

use mmap_io::{MemoryMappedFile, MmapIoError};
use safetensors::{Dtype, SafeTensors};
use selfsame_metrics::Features;

use super::manifest::Manifest;
use crate::IndexError;
use crate::export::safetensors_bytes;

/// Name of the only tensor.
const NAME: &str = "embeddings";

/// Returns the rows as a file.
pub(super) fn to_bytes(features: &Features) -> io::Result<Vec<u8>> {
    safetensors_bytes(NAME, features)
}

/// Values of a file that is mapped into memory.
struct Mapped {
    file: MemoryMappedFile,
    start: u64,
    bytes: u64,
}

impl AsRef<[f32]> for Mapped {
    /// Returns the values; that they are there and aligned was checked when the file was mapped.
    fn as_ref(&self) -> &[f32] {
        let bytes = self.file.as_slice_bytes(self.start, self.bytes);
        bytes.ok().and_then(|bytes| bytemuck::try_cast_slice(bytes).ok()).unwrap_or(&[])
    }
}

/// Maps the file at `path`, and checks it.
pub(super) fn map(path: &Path, manifest: &Manifest) -> Result<Features, IndexError> {
    let unreadable = |error: MmapIoError| {
        let source = match error {
            MmapIoError::Io(source) => source,
            other => io::Error::other(other),
        };
        IndexError::Read { path: path.to_owned(), source }
    };
    let damaged = |what: String| IndexError::damaged(path, what);
    let size = std::fs::metadata(path).map_err(IndexError::read(path))?.len();
    if size == 0 {
        return Err(damaged("it is empty".to_owned())); // which cannot be mapped
    }
    let file = MemoryMappedFile::open_ro(path).map_err(unreadable)?;
    let bytes = file.as_slice_bytes(0, file.len()).map_err(unreadable)?;
    manifest.embeddings.check(path, bytes)?;

    let (header, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
    let Some(tensor) = metadata.info(NAME) else {
        return Err(damaged(format!("it has no tensor `{NAME}`")));
    };
    let want = [manifest.rows, manifest.dim];
    if tensor.dtype != Dtype::F32 || tensor.shape != want {
        let what = format!("it has {:?} of {:?}", tensor.shape, tensor.dtype);
        return Err(damaged(format!("{what} in place of {want:?} of F32")));
    }
    let start = size_of::<u64>() + header;
    let data = &bytes[start..][tensor.data_offsets.0..tensor.data_offsets.1];
    let invalid = |error: selfsame_metrics::MetricError| damaged(error.to_string());
    let in_place =
        cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, f32>(data).is_ok();
    if !in_place {
        let values = data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        return Features::new(manifest.dim, values).map_err(invalid);
    }
    let (start, bytes) = ((start + tensor.data_offsets.0) as u64, data.len() as u64);
    Features::shared(manifest.dim, Arc::new(Mapped { file, start, bytes })).map_err(invalid)
}
