//! `selfsame report`: the page about a run again, or one that compares several.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use selfsame::files::write_atomically;
use selfsame::metrics::Summary;
use selfsame::report::{Page, Table, percent};
use selfsame::train::RunFolder;

use crate::charts::charts;
use crate::curves::Curves;
use crate::encoder::{Encoder, EncoderOptions};
use crate::evaluation::Evaluation;
use crate::exhibit::Exhibit;
use crate::features::ImageFeatures;
use crate::findings::{FeatureHealth, Findings};
use crate::images::Images;
use crate::judge::Judge;
use crate::page::write_page;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::terminal::Terminal;

/// Write the page about a run again, or one that compares several runs.
///
/// The page about one run needs its images; one that compares runs needs only their results.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folders of finished runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// File to write to [default: report.html of the run, or compare.html for several]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out, or compare.html, if there is one
    #[arg(long)]
    overwrite: bool,
    /// Images on the map at most, for the page about one run; fewer make it smaller
    #[arg(long, value_name = "COUNT", default_value_t = Exhibit::MOST,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(Exhibit::MOST)))]
    images: u32,
    /// Device to compute on; `selfsame devices` lists all
    #[arg(long, default_value = "auto")]
    device: String,
}

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        Signals::listen()?;
        if let [run] = self.runs.as_slice() {
            let folder = RunFolder::resume(run.clone())?;
            let encoder = EncoderOptions {
                encoder: run.clone(),
                model: None,
                image_size: None,
                width: None,
                device: self.device.clone(),
            };
            let (encoder, settings) = (Encoder::open(&encoder)?, Settings::load(run)?);
            let own = folder.file(RunFolder::REPORT);
            let out = match &self.out {
                Some(out) => self.free(out)?,
                None => &own, // its own page is always written again
            };
            write_again(&folder, out, &settings, &encoder, None, self.images)?;
            return terminal.result(out.display());
        }
        let usual = PathBuf::from("compare.html");
        let out = self.free(self.out.as_ref().unwrap_or(&usual))?;
        write_atomically(out, compare(&self.runs)?.to_string().as_bytes())
            .with_context(|| format!("cannot write {}", out.display()))?;
        terminal.result(out.display())
    }

    /// Returns the path if it can be written to.
    fn free<'a>(&self, out: &'a Path) -> anyhow::Result<&'a Path> {
        let shown = out.display();
        ensure!(!out.is_dir(), "{shown} is a folder; name a file");
        ensure!(
            self.overwrite || !out.exists(),
            "{shown} exists; give another --out, or --overwrite to replace it"
        );
        Ok(out)
    }
}

/// Writes the page of a run to `out` from what it has kept, and the images and their features,
/// which are read and computed again unless they are given; it shows at most `most` images.
pub(crate) fn write_again(
    run: &RunFolder,
    out: &Path,
    settings: &Settings,
    encoder: &Encoder,
    known: Option<(&Images, &ImageFeatures)>,
    most: u32,
) -> anyhow::Result<()> {
    let folder = run.path();
    let mut findings = Findings::load(folder)?;
    let read;
    let (images, features) = if let Some(known) = known {
        known
    } else {
        let images = Images::load(&settings.data, settings.read_side(), settings.seed, &[folder])?;
        let Encoder { shown, network, device, .. } = encoder;
        let features = ImageFeatures::extract(&images, shown, network, device)?;
        read = (images, features);
        (&read.0, &read.1)
    };
    findings.features = FeatureHealth::of(features.to_judge())?;
    let judge = Judge::new(images, settings.seed);
    let probed = judge.map(|judge| judge.probe(features)).transpose()?;
    let predictions = probed.as_ref().map(|it| &it.predictions[..]);
    let exhibit = Exhibit::new(images, &settings.data.paths, features, predictions, most);
    write_page(folder, out, settings, &findings, images, &exhibit)
}

/// Returns the page that compares runs.
fn compare(runs: &[PathBuf]) -> anyhow::Result<Page> {
    let mut table = Table::new([
        "run",
        "method",
        "data",
        "epochs",
        "20-NN",
        "probe, 10 labels",
        "probe, all labels",
        "RankMe",
        "seconds",
    ]);
    let (mut curves, mut evaluations) = (Vec::new(), Vec::new());
    let mut tested = BTreeSet::new();
    for run in runs {
        let findings = Findings::load(run)?;
        let name = run.display().to_string();
        let name = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let share = |share: f64| percent(Summary::of(&[share]));
        let none = || "–".to_owned();
        let accuracy = findings.accuracy;
        let few = accuracy.and_then(|accuracy| accuracy.labels_10);
        let cells = [
            name.clone(),
            findings.method.clone(),
            findings.data.clone(),
            findings.epochs.to_string(),
            findings.knn.map_or_else(none, |knn| share(knn.after)),
            few.map_or_else(none, |few| percent(few.pretrained)),
            accuracy.map_or_else(none, |accuracy| percent(accuracy.labels_all.pretrained)),
            findings.features.rankme.map_or_else(none, |rank| format!("{rank:.1}")),
            format!("{:.0}", findings.seconds.pretrain),
        ];
        table.row(cells.iter().map(String::as_str));
        tested.insert((findings.data, findings.images.test));
        curves.push((name.clone(), Curves::load(run)));
        evaluations.extend(Evaluation::load_all(run)?.into_iter().map(|it| (name.clone(), it)));
    }
    let mut page = Page::new(&format!("{} runs", runs.len()));
    page.heading("Results").table(&table);
    if tested.len() > 1 {
        page.paragraph(
            "These runs were not all tested on the same images: accuracies of different images cannot \
             be compared.",
        );
    }
    page.heading("Training").charts(&charts(&curves));
    for (name, evaluation) in &evaluations {
        page.heading(&format!("{name} on {}", evaluation.data)).table(&evaluation.table());
        if !evaluation.few.is_empty() {
            page.few_labels(&evaluation.few_labels()?);
        }
    }
    Ok(page)
}
