//! `selfsame resume`: resumes a run, exactly where it was.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use selfsame::train::RunFolder;

use crate::numbers::{count, hours};
use crate::pretrain::WorkOptions;
use crate::run::{Run, Start};
use crate::settings::Settings;
use crate::terminal::Terminal;

/// Resume an interrupted run, exactly where it was, or train a finished one for longer.
///
/// The result is the same, byte for byte, as that of a run that was never interrupted.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the run
    run: PathBuf,
    /// Where the images are now, if they were moved; others are refused
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// More epochs than the run had, to train a finished run longer with a new schedule
    #[arg(long, value_parser = count)]
    epochs: Option<u64>,
    /// Hours at most, of the training of all parts of the run and the evaluation of this one
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    max_hours: Option<f64>,
    #[command(flatten)]
    work: WorkOptions,
}

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<ExitCode> {
        let folder = RunFolder::resume(self.run)?;
        let mut settings = Settings::load(folder.path())?;
        for path in &self.data {
            std::fs::metadata(path)
                .map_err(|error| anyhow::anyhow!("cannot find {}: {error}", path.display()))?;
        }
        if !self.data.is_empty() {
            settings.data.paths =
                self.data.iter().map(std::path::absolute).collect::<Result<_, _>>()?;
        }
        if let Some(gone) = settings.data.paths.iter().find(|path| !path.exists()) {
            bail!(
                "the images {} of the run are not there; if they were moved, name their new place \
                 with --data",
                gone.display()
            );
        }
        settings.epochs = self.epochs.unwrap_or(settings.epochs);
        settings.validate()?;
        let mut work = self.work.work(self.max_hours, terminal);
        // A run that has curves goes on with them.
        work.tensorboard |= folder.file(RunFolder::TENSORBOARD).is_dir();
        let start = if self.epochs.is_some() { Start::Extended } else { Start::Resumed };
        Run::prepare(folder, settings, start, work)?.go()
    }
}
