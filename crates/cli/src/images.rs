//! Images of a run: opened, checked, decoded and limited to the requested number.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use image::DynamicImage;
use selfsame::augment::{Normalize, Recipe};
use selfsame::datasets::{
    ChannelStatistics, Channels, Dataset, Omitted, OpenOptions, PixelOptions, Rescaled, Skipped,
    Split, Splits, Subset, Synthetic, SyntheticConfig, channel_statistics, labels, open_all, stamp,
    stratified_split, stratified_subset,
};
use selfsame::train::HeldOut;

use crate::defaults::Known;
use crate::reader::Reader;
use crate::settings::DataSettings;

/// Skipped images that are named.
const NAMED: usize = 20;
/// Side of a drawn image, in pixels.
const DRAWN: u32 = 32;
/// Images that are looked at for the range of their values and their mean colors.
const INSPECTED: usize = 1_000;
/// Share of the labeled images that are kept for testing if the data have no test split.
const TESTED: f64 = 0.2;

/// The images of a run.
pub(crate) struct Images {
    pub train: Arc<dyn Dataset>,
    /// The training images that have labels, as indices.
    pub labeled: Vec<usize>,
    /// Labeled images; `None` if the images have no labels.
    pub test: Option<Arc<dyn Dataset>>,
    pub skipped: Vec<Skipped>,
    pub omitted: Omitted,
    /// How the pixels are read.
    pub pixels: PixelOptions,
    /// Means and deviations of the channels, where no published ones fit.
    pub normalize: Option<Normalize>,
    /// How the data was understood, and what was decided about it, for the log.
    facts: Vec<String>,
    name: String,
}

impl Images {
    /// Reads the images, for views of `side` pixels. Those in the folders `exclude`, such as that of
    /// the run, are not among them.
    pub(crate) fn load(
        data: &DataSettings,
        side: u32,
        seed: u64,
        exclude: &[&Path],
    ) -> anyhow::Result<Self> {
        if data.paths.is_empty() {
            return Ok(Self::drawn(data, seed));
        }
        let exclude: Vec<PathBuf> = exclude.iter().map(|path| path.to_path_buf()).collect();
        let options = OpenOptions { layout: data.layout, classes: data.classes.clone(), exclude };
        let Splits { train, test, found, omitted } = open_all(&data.paths, &options)?;
        let choice = data.pixels.inspect(train.as_ref(), INSPECTED)?;
        let (pixels, mut facts) = (choice.options, vec![found]);
        facts.extend(choice.message);
        let rescaled = |dataset| Rescaled::where_needed(dataset, pixels.clone());
        let (train, test) = split(rescaled(train), test.map(rescaled), seed);
        let normalize = normalization(&train, &pixels, &mut facts)?;

        if let Some(limit) = data.limit.filter(|limit| *limit < train.len()) {
            facts.push(format!("{limit} of {} training images are used", train.len()));
        }
        let train = choose(&train, data.limit.unwrap_or(usize::MAX), seed);
        if let Some(all) = test.as_ref().map(|test| test.len()).filter(|all| *all > data.test_limit)
        {
            facts.push(format!("{} of {all} test images are used", data.test_limit));
        }
        let test = test.map(|test| choose(&test, data.test_limit, seed));
        let reader = Reader::new(data.stream, data.strict, side, train.len());
        facts.extend(reader.fact());
        let (train, mut skipped) = reader.read(train)?;
        let test = test.map(|test| reader.read(test)).transpose()?;
        let test = test.map(|(test, bad)| {
            skipped.extend(bad);
            test
        });
        ensure_several(&train, &skipped)?;
        let labeled = labeled(train.as_ref());
        let name = data.name();
        Ok(Self { train, labeled, test, skipped, omitted, pixels, normalize, facts, name })
    }

    fn drawn(data: &DataSettings, seed: u64) -> Self {
        let draw = |images, split| -> Arc<dyn Dataset> {
            Arc::new(Synthetic::new(SyntheticConfig { images, size: DRAWN, seed, split }))
        };
        let train = draw(data.limit.unwrap_or(6_000), Split::Train);
        let labeled = labeled(train.as_ref());
        let test = Some(draw(data.test_limit, Split::Test));
        Self {
            train,
            labeled,
            test,
            skipped: Vec::new(),
            omitted: Omitted::default(),
            pixels: PixelOptions::default(),
            normalize: None,
            facts: Vec::new(),
            name: data.name(),
        }
    }

    /// Returns a checksum of what accuracy is measured with: the test images, by their names and
    /// sizes, and all labels.
    pub(crate) fn stamp(&self) -> anyhow::Result<u64> {
        let mut bytes = Vec::new();
        for dataset in std::iter::once(&self.train).chain(&self.test) {
            for label in labels(dataset.as_ref()) {
                bytes.extend(label.map_or(u64::MAX, |label| label as u64).to_le_bytes());
            }
        }
        if let Some(test) = &self.test {
            for index in 0..test.len() {
                bytes.extend(test.stamp(index)?.to_le_bytes());
            }
        }
        Ok(stamp(&[&bytes]))
    }

    /// Returns what the settings depend on.
    pub(crate) fn known(&self) -> Known {
        Known { images: self.train.len(), normalize: self.normalize }
    }

    /// Describes the images, one line per fact, and names the skipped ones.
    pub(crate) fn describe(&self) -> String {
        let classes = self.train.class_names().len();
        let tested = match &self.test {
            Some(test) => format!("{} of {classes} classes for testing", test.len()),
            None if self.labeled.is_empty() => "none of them labeled".to_owned(),
            None => "none for testing".to_owned(),
        };
        let mut lines =
            vec![format!("{}: {} images for training, {tested}", self.name, self.train.len())];
        if !self.labeled.is_empty() && self.labeled.len() < self.train.len() {
            let (labeled, all) = (self.labeled.len(), self.train.len());
            lines.push(format!("  {labeled} of the {all} have labels"));
        }
        lines.extend(self.facts.iter().map(|fact| format!("  {fact}")));
        lines.extend(self.imbalance().map(|fact| format!("  {fact}")));
        let omitted = self.omitted.to_string();
        lines.extend(omitted.lines().map(|line| format!("  omitted {line}")));
        lines.extend(skipped_lines(&self.skipped));
        lines.join("\n")
    }

    /// Says why accuracy is not measured.
    pub(crate) fn why_not_tested(&self) -> String {
        let why = if self.labeled.is_empty() && self.test.is_some() {
            "None of the training images in use has a label, so accuracy cannot be measured; use more \
             of them (`--limit`)."
        } else if self.labeled.is_empty() {
            "These images have no labels, so accuracy cannot be measured; to measure it, put the \
             images of each class into a folder of its own."
        } else {
            "There are too few labeled images to keep some for testing, so accuracy cannot be \
             measured; give a class five of them or more, or a folder `test`."
        };
        format!("{why} The nearest neighbors in the report show what was learned.")
    }

    /// Returns the number of labeled training images of each class.
    pub(crate) fn class_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.train.class_names().len()];
        for label in labels_at(self.train.as_ref(), &self.labeled) {
            sizes[label] += 1;
        }
        sizes
    }

    /// Says so if the classes are of very different sizes, by which accuracy misleads.
    fn imbalance(&self) -> Option<String> {
        let sizes = self.class_sizes();
        let (least, most) = (*sizes.iter().min()?, *sizes.iter().max()?);
        let names = self.train.class_names();
        let name = |size| sizes.iter().position(|other| *other == size).map(|at| &names[at]);
        let (small, large) = (name(least)?, name(most)?);
        (!self.labeled.is_empty() && most > 10 * least.max(1)).then(|| {
            format!(
                "the classes differ in size: `{large}` has {most} labeled images for training and \
                 `{small}` {least}, so look at each class's accuracy, too"
            )
        })
    }

    /// Returns some of the labeled training images, to measure progress during training; `None` if
    /// there are no labels, or too few images to hold one out. Test images have no part in it.
    pub(crate) fn held_out(&self, recipe: &Recipe, seed: u64) -> anyhow::Result<Option<HeldOut>> {
        if self.labeled.is_empty() {
            return Ok(None);
        }
        let (train, shown) = (self.labeled_images(), recipe.for_evaluation());
        let held_out = HeldOut::for_every_epoch(train, shown, recipe.views.len(), seed)?;
        Ok(Some(held_out).filter(|held_out| !held_out.queries.is_empty()))
    }

    /// Returns the training images that have labels.
    pub(crate) fn labeled_images(&self) -> Arc<dyn Dataset> {
        subset(&self.train, self.labeled.clone())
    }

    /// Returns a few images to show, of different classes if there are any.
    pub(crate) fn sample(&self, count: usize) -> anyhow::Result<Vec<DynamicImage>> {
        sample(self.train.as_ref(), count)
    }
}

/// Names the images that were skipped, the first of many, and counts them; a line each.
pub(crate) fn skipped_lines(skipped: &[Skipped]) -> Vec<String> {
    let line = |Skipped { name, reason }: &Skipped| format!("  skipped {name}: {reason}");
    let mut lines: Vec<String> = skipped.iter().take(NAMED).map(line).collect();
    if !skipped.is_empty() {
        lines.push(format!("  {} skipped in total", skipped.len()));
    }
    lines
}

/// Checks that there are images to be told apart.
fn ensure_several(train: &Arc<dyn Dataset>, skipped: &[Skipped]) -> anyhow::Result<()> {
    let why = match skipped.first() {
        Some(Skipped { name, reason }) => {
            format!("; {} cannot be used, such as {name}: {reason}", skipped.len())
        }
        None => String::new(),
    };
    ensure!(train.len() > 1, "there is only one image for training, which needs at least two{why}");
    Ok(())
}

/// Returns a few images to show, of different classes if there are any.
pub(crate) fn sample(dataset: &dyn Dataset, count: usize) -> anyhow::Result<Vec<DynamicImage>> {
    let count = count.min(dataset.len());
    // One more than an even step meets all classes, whether they alternate or come in blocks; of
    // few images every one is shown.
    let step = if dataset.len() < 2 * count { 1 } else { dataset.len() / count + 1 };
    let indices = (0..count).map(|place| place * step % dataset.len());
    indices.map(|index| Ok(dataset.image(index)?)).collect()
}

/// Returns the labels of some images, all of which have one.
pub(crate) fn labels_at(dataset: &dyn Dataset, indices: &[usize]) -> Vec<usize> {
    indices.iter().filter_map(|&index| dataset.label(index)).collect()
}

/// Returns the training images, and labeled ones for testing if there are labels.
fn split(
    train: Arc<dyn Dataset>,
    test: Option<Arc<dyn Dataset>>,
    seed: u64,
) -> (Arc<dyn Dataset>, Option<Arc<dyn Dataset>>) {
    let known = labeled(train.as_ref());
    match test {
        _ if known.is_empty() => (train, None),
        Some(test) => {
            let tested = labeled(test.as_ref());
            (train, (!tested.is_empty()).then(|| subset(&test, tested)))
        }
        None => {
            // Of the labeled images; all others are learned from.
            let [_, tested] = stratified_split(&labels_at(train.as_ref(), &known), TESTED, seed);
            let tested: Vec<usize> = tested.into_iter().map(|place| known[place]).collect();
            if tested.is_empty() {
                return (train, None);
            }
            let rest = (0..train.len()).filter(|index| tested.binary_search(index).is_err());
            (subset(&train, rest.collect()), Some(subset(&train, tested.clone())))
        }
    }
}

/// Returns the means and deviations of the channels if the published ones, of photographs, do not
/// fit: for images of other values or bands.
fn normalization(
    images: &Arc<dyn Dataset>,
    pixels: &PixelOptions,
    facts: &mut Vec<String>,
) -> anyhow::Result<Option<Normalize>> {
    if pixels.range.is_none() && matches!(pixels.channels, Channels::Auto | Channels::Rgb) {
        return Ok(None);
    }
    let ChannelStatistics { mean, std, .. } = channel_statistics(images.as_ref(), INSPECTED)?;
    let shown = |values: [f64; 3]| values.map(|value| format!("{value:.3}")).join(", ");
    facts.push(format!(
        "normalized by the means {} and deviations {} of their channels",
        shown(mean),
        shown(std)
    ));
    #[allow(clippy::cast_possible_truncation, reason = "values from 0 to 1")]
    let single = |values: [f64; 3]| values.map(|value| value as f32);
    // A channel that is the same everywhere stays as it is.
    let std = std.map(|std| if std > 1e-6 { std } else { 1.0 });
    Ok(Some(Normalize { mean: single(mean), std: single(std) }))
}

/// Returns the indices of the images that have labels.
fn labeled(dataset: &dyn Dataset) -> Vec<usize> {
    (0..dataset.len()).filter(|&index| dataset.label(index).is_some()).collect()
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
