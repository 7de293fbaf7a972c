//! Where the images of an index are, so that they can be shown.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use image::{DynamicImage, RgbImage};
use selfsame::datasets::{
    Concat, Dataset, FolderLayout, PixelOptions, Rescaled, decode_image_with, open_all,
};
use serde::{Deserialize, Serialize};

use crate::data_options::DataOptions;

/// Side of a thumbnail, in pixels.
pub(crate) const SIDE: u32 = 128;

/// The images that an index was built from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    paths: Vec<String>,
    layout: FolderLayout,
    classes: Vec<String>,
}

impl Source {
    /// Takes down the images at `paths`.
    pub(super) fn new(paths: &[PathBuf], options: &DataOptions) -> Self {
        Self {
            paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            layout: options.layout.unwrap_or_default(),
            classes: options.classes.clone(),
        }
    }

    /// Reads images by their names, as thumbnails; `None` for each that has gone.
    pub(crate) fn thumbnails(
        &self,
        names: &[&str],
        pixels: &PixelOptions,
    ) -> Vec<Option<RgbImage>> {
        let file = |name: &&str| {
            let bytes = std::fs::read(name).ok()?;
            Some(thumbnail(&decode_image_with(&bytes, pixels).ok()?))
        };
        let mut found: Vec<Option<RgbImage>> = names.iter().map(file).collect();
        if found.iter().all(Option::is_some) {
            return found;
        }
        // Others are members of an archive or rows of an array, have a name that is not UTF-8, or
        // have gone.
        let Some(images) = self.open(pixels) else { return found };
        let places: HashMap<String, usize> =
            (0..images.len()).rev().map(|index| (images.name(index), index)).collect();
        for (found, name) in found.iter_mut().zip(names) {
            if let (None, Some(&place)) = (&found, places.get(*name)) {
                *found = images.image(place).ok().as_ref().map(thumbnail);
            }
        }
        found
    }

    /// Opens all images again, if they are still there.
    fn open(&self, pixels: &PixelOptions) -> Option<Arc<dyn Dataset>> {
        if self.paths.is_empty() {
            return None;
        }
        let (layout, classes) = (Some(self.layout), self.classes.clone());
        let options = DataOptions { layout, classes, ..DataOptions::default() };
        let splits = open_all(&self.paths, &options.folders(Vec::new())).ok()?;
        let parts = std::iter::once(splits.train).chain(splits.test).collect();
        Some(Rescaled::where_needed(Arc::new(Concat::new(parts)), pixels.clone()))
    }
}

/// Scales the middle square of an image to the size of a thumbnail.
pub(crate) fn thumbnail(image: &DynamicImage) -> RgbImage {
    let side = image.width().min(image.height());
    let (x, y) = ((image.width() - side) / 2, (image.height() - side) / 2);
    image.crop_imm(x, y, side, side).thumbnail_exact(SIDE, SIDE).to_rgb8()
}
