//! How images are read: kept in memory, decoded and reduced, or from their files each time.

use std::sync::Arc;

use anyhow::bail;
use selfsame::datasets::{CacheOptions, Cached, Dataset, Skipped, Subset};

/// Bytes of decoded images up to which they are kept in memory.
const IN_MEMORY: u64 = 4 << 30;

/// Reads images, without those that cannot be read.
pub(crate) struct Reader {
    /// Bytes that the images take if they are kept.
    bytes: u64,
    is_streamed: bool,
    options: CacheOptions,
}

impl Reader {
    /// Decides whether so many images, for views of `side` pixels, are kept in memory, unless that is
    /// decided by `stream`. With `strict` one that cannot be read is an error.
    pub(crate) fn new(stream: Option<bool>, strict: bool, side: u32, images: usize) -> Self {
        let bytes = images as u64 * 3 * u64::from(2 * side).pow(2);
        let is_streamed = stream.unwrap_or(bytes > IN_MEMORY);
        let options = CacheOptions { max_side: Some(2 * side), strict, ..CacheOptions::default() };
        Self { bytes, is_streamed, options }
    }

    /// Says how the images are read, if that is worth knowing.
    pub(crate) fn fact(&self) -> Option<String> {
        let volume = format!("{:.1} GB", self.bytes as f64 / 1e9);
        if !self.is_streamed {
            let is_large = self.bytes > IN_MEMORY / 16;
            return is_large.then(|| format!("kept in memory, decoded: about {volume}"));
        }
        let why = if self.bytes > IN_MEMORY {
            format!(", since decoded they would take {volume}")
        } else {
            String::new()
        };
        Some(format!("read from their files for every view{why}"))
    }

    /// Returns the images that can be read, and the others.
    pub(crate) fn read(
        &self,
        dataset: Arc<dyn Dataset>,
    ) -> anyhow::Result<(Arc<dyn Dataset>, Vec<Skipped>)> {
        if !self.is_streamed {
            let (cached, skipped) = Cached::decode(dataset, self.options)?;
            return Ok((Arc::new(cached), skipped));
        }
        let (usable, skipped) = Subset::usable(dataset);
        match skipped.first() {
            Some(Skipped { name, reason }) if self.options.strict || usable.is_empty() => {
                bail!("{name}: {reason}")
            }
            _ => Ok((Arc::new(usable), skipped)),
        }
    }
}
