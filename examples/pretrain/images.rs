//! Images of a run: opened, checked, decoded and limited to the requested number.

use std::path::Path;
use std::sync::Arc;

use image::DynamicImage;
use selfsame::datasets::{
    CacheOptions, Cached, Dataset, Omitted, OpenOptions, PixelOptions, Rescaled, Skipped, Split,
    Splits, Subset, Synthetic, SyntheticConfig, labels, open_with, stratified_split,
    stratified_subset,
};
use selfsame::train::HeldOut;

use crate::settings::{SIDE, Settings};

/// Maximum number of test images, equally many of each class.
const TEST_LIMIT: usize = 2_000;
/// Images that are looked at for the range of their values.
const INSPECTED: usize = 100;

pub(crate) struct Images {
    pub train: Arc<dyn Dataset>,
    /// The training images that have labels, as indices.
    pub labeled: Vec<usize>,
    /// Labeled images; `None` if the images have no labels.
    pub test: Option<Arc<dyn Dataset>>,
    pub skipped: Vec<Skipped>,
    pub omitted: Omitted,
    /// How the data was understood, and what was decided about it, for the log.
    facts: Vec<String>,
    name: String,
}

impl Images {
    /// Reads the images; those in `out`, the folder of the run, are not among them.
    pub(crate) fn load(settings: &Settings, out: &Path) -> anyhow::Result<Self> {
        let name = settings.data_name();
        let Some(path) = &settings.data else {
            let (train, test) = if settings.quick { (1_000, 400) } else { (6_000, 1_500) };
            let draw = |images, split| -> Arc<dyn Dataset> {
                let config = SyntheticConfig { images, size: SIDE, seed: settings.seed, split };
                Arc::new(Synthetic::new(config))
            };
            let train = draw(settings.limit.unwrap_or(train), Split::Train);
            let labeled = labeled(train.as_ref());
            let test = Some(draw(test, Split::Test));
            let (skipped, omitted, facts) = (Vec::new(), Omitted::default(), Vec::new());
            return Ok(Self { train, labeled, test, skipped, omitted, facts, name });
        };
        let options = OpenOptions { exclude: vec![out.to_owned()], ..OpenOptions::default() };
        let Splits { train, test, found, omitted } = open_with(path, &options)?;
        let pixels = PixelOptions::default().inspect(train.as_ref(), INSPECTED)?;
        let facts = std::iter::once(found).chain(pixels.message).collect();
        let rescaled = |dataset| Rescaled::where_needed(dataset, pixels.options.clone());
        let (train, test) = (rescaled(train), test.map(rescaled));
        let known = labeled(train.as_ref());
        let (train, test) = match test {
            _ if known.is_empty() => (train, None),
            Some(test) => {
                let tested = labeled(test.as_ref());
                (train, Some(subset(&test, tested)))
            }
            None => {
                // Of the labeled images; all others are learned from.
                let [_, tested] =
                    stratified_split(&labels_at(train.as_ref(), &known), 0.2, settings.seed);
                let tested: Vec<usize> = tested.into_iter().map(|place| known[place]).collect();
                let rest = (0..train.len()).filter(|index| tested.binary_search(index).is_err());
                (subset(&train, rest.collect()), Some(subset(&train, tested.clone())))
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
        let labeled = labeled(train.as_ref());
        Ok(Self { train, labeled, test, skipped, omitted, facts, name })
    }

    /// Describes the images, one line per fact, and names the skipped ones.
    pub(crate) fn describe(&self) -> String {
        let classes = self.train.class_names().len();
        let labeled = match &self.test {
            Some(test) => format!("{} of {classes} classes for testing", test.len()),
            None => "none of them labeled".to_owned(),
        };
        let first = format!("{}: {} images for training, {labeled}", self.name, self.train.len());
        let mut lines = vec![first];
        if !self.labeled.is_empty() && self.labeled.len() < self.train.len() {
            let (labeled, all) = (self.labeled.len(), self.train.len());
            lines.push(format!("  {labeled} of the {all} have labels"));
        }
        lines.extend(self.facts.iter().map(|fact| format!("  {fact}")));
        let omitted = self.omitted.to_string();
        lines.extend(omitted.lines().map(|line| format!("  omitted {line}")));
        let skipped = self.skipped.iter();
        lines.extend(skipped.map(|Skipped { name, reason }| format!("  skipped {name}: {reason}")));
        if !self.skipped.is_empty() {
            lines.push(format!("  {} skipped in total", self.skipped.len()));
        }
        lines.join("\n")
    }

    /// Returns some of the labeled training images, to measure progress during training; `None` if
    /// there are no labels, or too few images to hold one out. Test images have no part in it.
    pub(crate) fn held_out(&self, settings: &Settings) -> anyhow::Result<Option<HeldOut>> {
        if self.labeled.is_empty() {
            return Ok(None);
        }
        let (train, shown) = (self.labeled_images(), settings.shown());
        let views = settings.recipe().views.len();
        let held_out = HeldOut::for_every_epoch(train, shown, views, settings.seed)?;
        Ok(Some(held_out).filter(|held_out| !held_out.queries.is_empty()))
    }

    /// Returns the training images that have labels.
    pub(crate) fn labeled_images(&self) -> Arc<dyn Dataset> {
        subset(&self.train, self.labeled.clone())
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

/// Returns the indices of the images that have labels.
fn labeled(dataset: &dyn Dataset) -> Vec<usize> {
    (0..dataset.len()).filter(|&index| dataset.label(index).is_some()).collect()
}

/// Returns the labels of some images, all of which have one.
pub(crate) fn labels_at(dataset: &dyn Dataset, indices: &[usize]) -> Vec<usize> {
    indices.iter().filter_map(|&index| dataset.label(index)).collect()
}

fn choose(dataset: &Arc<dyn Dataset>, limit: usize, seed: u64) -> Arc<dyn Dataset> {
    if limit >= dataset.len() {
        return dataset.clone();
    }
    // Images without labels count as one more class.
    let classes = dataset.class_names().len();
    let labels: Vec<usize> =
        labels(dataset.as_ref()).into_iter().map(|label| label.unwrap_or(classes)).collect();
    subset(dataset, stratified_subset(&labels, limit, seed))
}

fn subset(dataset: &Arc<dyn Dataset>, indices: Vec<usize>) -> Arc<dyn Dataset> {
    if indices.len() == dataset.len() {
        return dataset.clone();
    }
    Arc::new(Subset::new(dataset.clone(), indices))
}
