//! `selfsame calibrate`: chooses the distance up to which images match, on labeled images.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use selfsame::datasets::Dataset;
use selfsame::index::{
    Calibration, CalibrationConfig, CalibrationMetric, CutPoint, Index, Matcher, Target,
};
use selfsame::metrics::LabeledFeatures;
use selfsame::report::Table;
use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::data_options::DataOptions;
use crate::index::{IndexFolder, absolute_paths};
use crate::terminal::Terminal;

/// Options of `selfsame calibrate`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the index
    #[arg(value_name = "INDEX")]
    index: PathBuf,
    /// Labeled images that are not in the index [default: each of the index's among the others]
    #[arg(value_name = "DATA")]
    data: Vec<PathBuf>,
    /// What is best at the cut-point `optimal`
    #[arg(long, value_name = "METRIC", default_value = "f1", value_parser = metrics())]
    metric: CalibrationMetric,
    /// Add a cut-point with at least this precision, such as 0.95
    #[arg(long, value_name = "SHARE", value_delimiter = ',', value_parser = share)]
    precision: Vec<f64>,
    /// Add a cut-point with at least this recall, such as 0.9
    #[arg(long, value_name = "SHARE", value_delimiter = ',', value_parser = share)]
    recall: Vec<f64>,
    /// Neighbors that vote on the class of an image; with 1, the nearest decides
    #[arg(short, value_name = "COUNT", default_value = "1",
          value_parser = clap::value_parser!(u32).range(1..))]
    k: u32,
    /// Device to compute on; `selfsame devices` lists all
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    #[command(flatten)]
    images: DataOptions,
}

impl Options {
    /// Calibrates the index, and saves it.
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let mut folder = IndexFolder::load(&self.index)?;
        check_labels(&folder)?;
        let config = self.config();
        if self.data.is_empty() {
            folder.index.calibrate_on_itself(&config)?;
        } else {
            self.calibrate_on_data(&mut folder, &config, terminal)?;
        }
        folder.save_index()?;
        let calibration = folder.index.calibration().context("the index is not calibrated")?;
        if terminal.json {
            return terminal.json(&to_json(calibration));
        }
        terminal.result(table(calibration).to_string().trim_end())?;
        let word = folder.word();
        terminal.note(format_args!("name the class of images with\n  selfsame match {word} IMAGE"));
        Ok(())
    }

    fn config(&self) -> CalibrationConfig {
        let targets = |metric, shares: &[f64]| -> Vec<Target> {
            let name = |share| format!("{}-{share}", key(metric));
            shares.iter().map(|&share| Target::new(name(share), metric, share)).collect()
        };
        let mut all = targets(CalibrationMetric::Precision, &self.precision);
        all.extend(targets(CalibrationMetric::Recall, &self.recall));
        let matcher = if self.k > 1 { Matcher::MajorityVote } else { Matcher::Nearest };
        CalibrationConfig { k: self.k as usize, matcher, metric: self.metric, targets: all }
    }

    /// Calibrates with the labeled ones of the data's images.
    fn calibrate_on_data(
        &self,
        folder: &mut IndexFolder,
        config: &CalibrationConfig,
        terminal: Terminal,
    ) -> anyhow::Result<()> {
        let encoder = folder.encoder(&self.device)?;
        let data = absolute_paths(&self.data)?;
        let found = Catalog::open(&data, &self.images, &encoder, &[&self.index], terminal)?;
        let images = found.images.as_ref();
        let labels = labels(&folder.index, images);
        let labeled: Vec<usize> = (0..labels.len()).filter(|&i| labels[i].is_some()).collect();
        ensure!(!labeled.is_empty(), "no image of these has a label; give images in class folders");
        let without = labels.len() - labeled.len();
        if without > 0 {
            terminal.note(format_args!("  omitted images without a label: {without}"));
        }
        let is_known = |&&image: &&usize| folder.index.position(&images.name(image)).is_some();
        let known = labeled.iter().filter(is_known).count();
        if known > 0 {
            terminal.note(format_args!(
                "warning: {known} of these images are in the index and find themselves, so that \
                 distances come out too small; calibrate on others"
            ));
        }
        let features = encoder.features(&found.images)?.select(&labeled);
        let labels: Vec<usize> = labels.into_iter().flatten().collect();
        folder.index.calibrate(LabeledFeatures::new(&features, &labels)?, config)?;
        Ok(())
    }
}

/// Checks that all images of an index have labels, which the library needs.
fn check_labels(folder: &IndexFolder) -> anyhow::Result<()> {
    let items = folder.index.items();
    let without = items.iter().filter(|item| item.label.is_none()).count();
    let all = items.len();
    ensure!(
        without == 0,
        "{without} of the {all} images of the index have no label; build it of labeled images \
         only, such as those in class folders"
    );
    Ok(())
}

/// Returns the labels of images as the index numbers its classes, by their names. Classes that the
/// index does not know come after its own: an image of these is matched rightly with none.
fn labels(index: &Index, images: &dyn Dataset) -> Vec<Option<usize>> {
    let known = index.classes();
    let place = |(number, class): (usize, &String)| {
        known.iter().position(|other| other == class).unwrap_or(known.len() + number)
    };
    let places: Vec<usize> = images.class_names().iter().enumerate().map(place).collect();
    (0..images.len()).map(|image| places.get(images.label(image)?).copied()).collect()
}

/// Reads a metric by its name.
fn metrics() -> impl TypedValueParser<Value = CalibrationMetric> {
    PossibleValuesParser::new(CalibrationMetric::ALL.map(key)).try_map(|name| {
        let known = CalibrationMetric::ALL.into_iter().find(|&metric| key(metric) == name);
        known.ok_or("it is no metric")
    })
}

/// Returns the name of a metric on the command line.
fn key(metric: CalibrationMetric) -> String {
    metric.name().to_lowercase().replace(' ', "-")
}

/// Reads a share, 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1, such as 0.95".to_owned())
}

fn table(calibration: &Calibration) -> Table {
    let header = ["cut-point", "distance", "precision", "recall", "F1", "match rate"];
    let mut table = Table::new(header);
    for CutPoint { name, distance, counts } in &calibration.cut_points {
        let shares = [counts.precision(), counts.recall(), counts.f1(), counts.match_rate()];
        let shares = shares.map(|share| format!("{:.1} %", 100.0 * share));
        let distance = format!("{distance:.4}");
        let cells = [name.as_str(), distance.as_str()].into_iter();
        table.row(cells.chain(shares.iter().map(String::as_str)));
    }
    table
}

fn to_json(calibration: &Calibration) -> Value {
    let cut_point = |CutPoint { name, distance, counts }: &CutPoint| {
        json!({
            "name": name,
            "distance": distance,
            "precision": counts.precision(),
            "recall": counts.recall(),
            "f1": counts.f1(),
            "match_rate": counts.match_rate(),
            "counts": counts,
        })
    };
    json!({
        "metric": key(calibration.metric),
        "k": calibration.k,
        "matcher": calibration.matcher,
        "queries": calibration.queries,
        "items": calibration.items,
        "cut_points": calibration.cut_points.iter().map(cut_point).collect::<Vec<Value>>(),
    })
}
