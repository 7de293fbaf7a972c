//! Images of a run: opened, checked, decoded and limited to the requested number.

use std::sync::Arc;

use image::DynamicImage;
use selfsame::datasets::{
    CacheOptions, Cached, Dataset, Skipped, Split, Splits, Subset, Synthetic, SyntheticConfig,
    open, stratified_split, stratified_subset,
};
use selfsame::train::HeldOut;

use crate::settings::{SIDE, Settings};

/// Maximum number of test images, equally many of each class.
const TEST_LIMIT: usize = 2_000;

pub(crate) struct Images {
    pub train: Arc<dyn Dataset>,
    /// `None` if the images have no labels.
    pub test: Option<Arc<dyn Dataset>>,
    pub skipped: Vec<Skipped>,
    name: String,
}

impl Images {
    pub(crate) fn load(settings: &Settings) -> anyhow::Result<Self> {
        let name = settings.data_name();
        let Some(path) = &settings.data else {
            let (train, test) = if settings.quick { (1_000, 400) } else { (6_000, 1_500) };
            let draw = |images, split| -> Arc<dyn Dataset> {
                let config = SyntheticConfig { images, size: SIDE, seed: settings.seed, split };
                Arc::new(Synthetic::new(config))
            };
            let train = draw(settings.limit.unwrap_or(train), Split::Train);
            let test = Some(draw(test, Split::Test));
            return Ok(Self { train, test, skipped: Vec::new(), name });
        };
        let Splits { train, test, .. } = open(path)?;
        let (train, test) = match labels(train.as_ref()) {
            None => (train, None),
            Some(_) if test.is_some() => (train, test),
            Some(labels) => {
                let [rest, tested] = stratified_split(&labels, 0.2, settings.seed);
                (subset(&train, rest), Some(subset(&train, tested)))
            }
        };
        let limit = settings.limit.unwrap_or(usize::MAX);
        let options = CacheOptions {
            max_side: Some(2 * SIDE),
            strict: settings.strict,
            ..CacheOptions::default()
        };
        let decode = |dataset, limit| -> anyhow::Result<_> {
            let chosen = choose(&dataset, limit, settings.seed);
            let (cached, skipped) = Cached::decode(chosen, options)?;
            let cached: Arc<dyn Dataset> = Arc::new(cached);
            Ok((cached, skipped))
        };
        let (train, mut skipped) = decode(train, limit)?;
        let test = test.map(|test| decode(test, TEST_LIMIT)).transpose()?;
        let test = test.map(|(test, bad)| {
            skipped.extend(bad);
            test
        });
        Ok(Self { train, test, skipped, name })
    }

    /// Describes the images, one line per fact, and names the skipped ones.
    pub(crate) fn describe(&self) -> String {
        let classes = self.train.class_names().len();
        let labeled = match &self.test {
            Some(test) => format!("{} of {classes} classes for testing", test.len()),
            None => "none of them labeled".to_owned(),
        };
        let first = format!("{}: {} images for training, {labeled}", self.name, self.train.len());
        let skipped = self.skipped.iter();
        let skipped = skipped.map(|Skipped { name, reason }| format!("  skipped {name}: {reason}"));
        let mut lines: Vec<String> = std::iter::once(first).chain(skipped).collect();
        if !self.skipped.is_empty() {
            lines.push(format!("  {} skipped in total", self.skipped.len()));
        }
        lines.join("\n")
    }

    /// Returns some of the labeled training images, to measure progress during training; `None` if
    /// there are no labels, or too few images to hold one out. Test images have no part in it.
    pub(crate) fn held_out(&self, settings: &Settings) -> anyhow::Result<Option<HeldOut>> {
        if labels(self.train.as_ref()).is_none() {
            return Ok(None);
        }
        let (train, shown) = (self.train.clone(), settings.shown());
        let views = settings.recipe().views.len();
        let held_out = HeldOut::for_every_epoch(train, shown, views, settings.seed)?;
        Ok(Some(held_out).filter(|held_out| !held_out.queries.is_empty()))
    }

    /// Returns a few images to show, of different classes if there are any.
    pub(crate) fn sample(&self, count: usize) -> anyhow::Result<Vec<DynamicImage>> {
        // One more than an even step: it meets all classes, whether they alternate or come in
        // blocks.
        let step = (self.train.len() / count).max(1) + 1;
        let indices = (0..count).map(|place| place * step % self.train.len());
        indices.map(|index| Ok(self.train.image(index)?)).collect()
    }
}

/// Returns the class of every image, or `None` if any image has none.
pub(crate) fn labels(dataset: &dyn Dataset) -> Option<Vec<usize>> {
    (0..dataset.len()).map(|index| dataset.label(index)).collect()
}

fn choose(dataset: &Arc<dyn Dataset>, limit: usize, seed: u64) -> Arc<dyn Dataset> {
    if limit >= dataset.len() {
        return dataset.clone();
    }
    // Images without labels count as one class.
    let labels = labels(dataset.as_ref()).unwrap_or_else(|| vec![0; dataset.len()]);
    subset(dataset, stratified_subset(&labels, limit, seed))
}

fn subset(dataset: &Arc<dyn Dataset>, indices: Vec<usize>) -> Arc<dyn Dataset> {
    Arc::new(Subset::new(dataset.clone(), indices))
}
