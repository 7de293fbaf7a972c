//! The program `selfsame`: from a folder of images to a searchable, proven encoder.

mod amount;
mod calibrate;
mod catalog;
mod charts;
mod command_line;
mod completions;
mod curves;
mod data_options;
mod defaults;
mod embed;
mod encoder;
mod evaluate;
mod evaluation;
mod exhibit;
mod export;
mod features;
mod findings;
mod given;
mod images;
mod index;
mod judge;
mod lists;
mod matching;
mod named;
mod near;
mod numbers;
mod page;
mod pretrain;
mod ranges;
mod reader;
mod report;
mod resume;
mod run;
mod runs;
mod search;
mod settings;
mod signals;
mod supervised;
mod terminal;
mod usage;
mod views;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser;

use command_line::{Command, CommandLine};
use selfsame::device::DeviceError;
use terminal::{Terminal, complain};
use usage::Usage;

fn main() -> ExitCode {
    selfsame::keep_memory();
    selfsame::compute_on_this_thread();
    let CommandLine { command, terminal } = CommandLine::parse();
    // A library panics at what it was not made for, such as numbers that no loss can use; a user of
    // this program has given them, and gets a sentence.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
        let text = panic.payload_as_str().unwrap_or("an unknown fault");
        let _ = FAULT.set(format!("{text}{}", at.unwrap_or_default()));
    }));
    let done = catch_unwind(AssertUnwindSafe(|| run(command, terminal)));
    let (error, code) = match done {
        Ok(Ok(code)) => return code,
        Ok(Err(error)) if error.is::<Usage>() || error.is::<DeviceError>() => {
            (format!("{error:#}"), ExitCode::from(Usage::CODE))
        }
        Ok(Err(error)) => (format!("{error:#}"), ExitCode::FAILURE),
        Err(_) => ("the work cannot be done".to_owned(), ExitCode::FAILURE),
    };
    complain(format_args!("error: {error}"));
    if let Some(fault) = FAULT.get() {
        complain(format_args!(
            "{fault}\ncheck the settings and files that were given; if they are right, please report \
             this"
        ));
    }
    code
}

/// The first panic of any thread.
static FAULT: OnceLock<String> = OnceLock::new();

fn run(command: Command, terminal: Terminal) -> anyhow::Result<ExitCode> {
    signals::Signals::listen()?;
    match command {
        Command::Pretrain(options) => return options.run(terminal),
        Command::Resume(options) => return options.run(terminal),
        Command::Evaluate(options) => options.run(terminal),
        Command::Embed(options) => options.run(terminal),
        Command::Index(options) => options.run(terminal),
        Command::Search(options) => options.run(terminal),
        Command::Calibrate(options) => options.run(terminal),
        Command::Match(options) => options.run(terminal),
        Command::Report(options) => options.run(terminal),
        Command::Views(options) => options.run(terminal),
        Command::Export(options) => options.run(terminal),
        Command::Runs(options) => options.run(terminal),
        Command::Methods(options) => options.run(terminal),
        Command::Models(options) => options.run(terminal),
        Command::Recipes(options) => options.run(terminal),
        Command::Devices(options) => options.run(terminal),
        Command::Completions(options) => options.run(terminal),
        Command::Man(options) => options.run(terminal),
    }?;
    Ok(ExitCode::SUCCESS)
}
