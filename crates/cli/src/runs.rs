//! `selfsame runs`: the runs in a folder, with the best figures, from their plain files.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use selfsame::models::BackboneConfig;
use selfsame::train::RunFolder;
use serde::Serialize;
use serde_json::Value;

use crate::lists::aligned;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// Levels of folders that are searched.
const LEVELS: usize = 3;

/// The order of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// By name
    Name,
    /// By the accuracy of nearest neighbors, the best first
    Knn,
    /// By the accuracy of the linear probe, the best first
    Probe,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder that the runs are in, up to three levels deep
    #[arg(value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    /// Order of the runs
    #[arg(long, value_name = "ORDER", default_value = "name")]
    sort: Order,
}

/// One run, as the table has it; `None` for what its files do not say.
#[derive(Debug, Default, Serialize)]
struct Run {
    run: String,
    path: String,
    method: Option<String>,
    model: Option<String>,
    data: Option<String>,
    epochs: Option<u64>,
    /// The last epoch that was finished.
    epoch: Option<u64>,
    is_finished: bool,
    /// Accuracy of 20 nearest neighbors, 0 to 1.
    knn: Option<f64>,
    /// Accuracy of a linear probe of all labels, 0 to 1.
    probe: Option<f64>,
    /// Standard deviation of the embedding, as a share of that of an even spread.
    std_share: Option<f64>,
    seconds: Option<f64>,
    /// The figures that no other run has better.
    best: Vec<&'static str>,
}

/// A figure: its name, and the sign of better values.
const FIGURES: [(&str, f64); 4] =
    [("knn", 1.0), ("probe", 1.0), ("std_share", 1.0), ("seconds", -1.0)];

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let folder = &self.folder;
        ensure!(
            folder.is_dir(),
            "there is no folder {}; give the one that your runs are in, as `selfsame runs FOLDER`",
            folder.display()
        );
        let mut paths = Vec::new();
        find(folder, LEVELS, &mut paths, terminal);
        let mut runs: Vec<Run> =
            paths.iter().map(|path| Run::read(folder, path, terminal)).collect();
        mark_best(&mut runs);
        runs.sort_by(|a, b| self.compare(a, b).then_with(|| a.run.cmp(&b.run)));
        if terminal.json {
            return terminal.json(&runs);
        }
        if runs.is_empty() {
            let shown = folder.display();
            terminal.note(format_args!("no runs in {shown}: a run has a {}", RunFolder::SETTINGS));
            return Ok(());
        }
        terminal.result(table(&runs, terminal.has_colors()))
    }

    fn compare(&self, a: &Run, b: &Run) -> Ordering {
        let name = match self.sort {
            Order::Name => return Ordering::Equal,
            Order::Knn => "knn",
            Order::Probe => "probe",
        };
        let of = |run: &Run| run.figure(name).unwrap_or(f64::NEG_INFINITY);
        of(b).total_cmp(&of(a))
    }
}

/// Adds the folders of runs in `folder`, itself included.
fn find(folder: &Path, levels: usize, found: &mut Vec<PathBuf>, terminal: Terminal) {
    if folder.join(RunFolder::SETTINGS).is_file() {
        found.push(folder.to_owned());
        return;
    }
    if levels == 0 {
        return;
    }
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).for_each(|path| {
            if path.is_dir() {
                find(&path, levels - 1, found, terminal);
            }
        }),
        Err(error) => terminal.note(format_args!("cannot read {}: {error}", folder.display())),
    }
}

impl Run {
    /// Reads what the files of a run say. A damaged one is named, and the rest still counts.
    fn read(folder: &Path, path: &Path, terminal: Terminal) -> Self {
        let name = path.strip_prefix(folder).ok().filter(|name| !name.as_os_str().is_empty());
        let name = name.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
        let mut run = Self {
            run: name.display().to_string(),
            path: path.display().to_string(),
            is_finished: path.join(RunFolder::RESULT).exists(),
            ..Self::default()
        };
        match run.read_result(path) {
            Ok(()) => {}
            Err(error) => terminal.note(format_args!("{error:#}")),
        }
        match Settings::load(path) {
            Ok(settings) => run.describe(&settings),
            Err(error) => terminal.note(format_args!("{error:#}")),
        }
        run.epoch = last_epoch(path);
        run
    }

    fn read_result(&mut self, path: &Path) -> anyhow::Result<()> {
        if !self.is_finished {
            return Ok(());
        }
        let path = path.join(RunFolder::RESULT);
        let shown = path.display();
        let text = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        let result: Value =
            serde_json::from_slice(&text).with_context(|| format!("{shown} is damaged"))?;
        let number = |pointer| result.pointer(pointer).and_then(Value::as_f64);
        let text = |name| result.get(name).and_then(Value::as_str).map(str::to_owned);
        (self.method, self.data) = (text("method"), text("data"));
        self.epochs = result.get("epochs").and_then(Value::as_u64);
        self.knn = number("/knn/after");
        self.probe = number("/accuracy/labels_all/pretrained/mean");
        self.seconds = number("/seconds/pretrain");
        let spread = number("/health/std").zip(number("/health/uniform_std"));
        self.std_share = spread.filter(|(_, even)| *even > 0.0).map(|(std, even)| std / even);
        Ok(())
    }

    fn describe(&mut self, settings: &Settings) {
        self.method = Some(settings.method.name().key().to_owned());
        self.model = Some(model_name(&settings.backbone));
        self.data = Some(settings.data.name());
        self.epochs = Some(settings.epochs);
    }

    fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "knn" => self.knn,
            "probe" => self.probe,
            "std_share" => self.std_share,
            _ => self.seconds,
        }
    }

    fn state(&self) -> String {
        let epochs = self.epochs.map_or_else(String::new, |epochs| format!(" of {epochs}"));
        match (self.is_finished, self.epoch) {
            (true, _) => "finished".to_owned(),
            (false, epoch) => format!("unfinished at epoch {}{epochs}", epoch.unwrap_or(0)),
        }
    }

    fn cells(&self) -> [String; 10] {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let share = |share: Option<f64>| match share {
            Some(share) => format!("{:.1} %", 100.0 * share),
            None => "-".to_owned(),
        };
        [
            self.run.clone(),
            text(&self.method),
            text(&self.model),
            text(&self.data),
            text(&self.epochs.map(|epochs| epochs.to_string())),
            self.state(),
            share(self.knn),
            share(self.probe),
            share(self.std_share),
            self.seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}")),
        ]
    }
}

/// Notes the figures of each run that are the best of all, if several runs have one.
fn mark_best(runs: &mut [Run]) {
    for (name, sign) in FIGURES {
        let values: Vec<f64> = runs.iter().filter_map(|run| run.figure(name)).collect();
        let best = values.iter().map(|value| sign * value).max_by(f64::total_cmp);
        let Some(best) = best.filter(|_| values.len() > 1) else { continue };
        let has_it = |run: &&mut Run| run.figure(name).is_some_and(|value| sign * value >= best);
        runs.iter_mut().filter(has_it).for_each(|run| run.best.push(name));
    }
}

/// Returns the name of an encoder, with its width if that is not the published one.
fn model_name(config: &BackboneConfig) -> String {
    match (config.name(), config) {
        (Some(name), _) => name.to_owned(),
        (None, BackboneConfig::ResNet(resnet)) => {
            let name = config.clone().with_width(64).name().unwrap_or("resnet");
            format!("{name}, width {}", resnet.width)
        }
        (None, BackboneConfig::Vit(vit)) => format!("vit, width {}", vit.dim),
        (None, BackboneConfig::ConvNext(convnext)) => {
            format!("convnext, width {}", convnext.dims[0])
        }
        (None, BackboneConfig::Airbench(airbench)) => {
            format!("airbench, width {}", airbench.widths[0])
        }
    }
}

/// Returns the number of the last epoch in the table of epochs.
fn last_epoch(path: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(path.join(RunFolder::EPOCHS)).ok()?;
    text.lines().last()?.split(',').next()?.parse().ok()
}

fn table(runs: &[Run], has_colors: bool) -> String {
    let header = [
        "run",
        "method",
        "model",
        "data",
        "epochs",
        "state",
        "20-NN",
        "probe",
        "std share",
        "seconds",
    ];
    let cells = std::iter::once(header.map(str::to_owned)).chain(runs.iter().map(Run::cells));
    let is_number = [false, false, false, false, true, false, true, true, true, true];
    let mut rows = aligned(&cells.collect::<Vec<_>>(), is_number);
    if has_colors {
        for (run, cells) in runs.iter().zip(rows.iter_mut().skip(1)) {
            for ((name, _), cell) in FIGURES.iter().zip(&mut cells[6..]) {
                if run.best.contains(name) {
                    *cell = format!("\x1b[1m{cell}\x1b[0m");
                }
            }
        }
    }
    rows.iter().map(|cells| cells.join("  ")).collect::<Vec<_>>().join("\n")
}
