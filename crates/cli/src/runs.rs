//! `selfsame runs`: the runs in a folder, with the best figures of all.

mod run;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{Args, ValueEnum};
use selfsame::train::RunFolder;

use self::run::Run;
use crate::lists::aligned;
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
        // A link may lead to a run that was found already, by a path that is no longer.
        paths.sort_by_key(|path| path.components().count());
        let mut seen = HashSet::new();
        paths.retain(|path| path.canonicalize().map_or(true, |real| seen.insert(real)));
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
        Ok(entries) => {
            // The kind of most entries is known without a look at them; a link is looked at.
            let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
            let others = entries.flatten().filter(|entry| !is_file(entry));
            for path in others.map(|entry| entry.path()).filter(|path| path.is_dir()) {
                find(&path, levels - 1, found, terminal);
            }
        }
        Err(error) => terminal.note(format_args!("cannot read {}: {error}", folder.display())),
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
