//! What the program prints: results to the standard output, messages to the standard error, and no
//! panic when nobody reads them.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Context;
use clap::{Args, ColorChoice};
use serde::Serialize;

/// Options of every command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Terminal {
    /// Print the result as JSON, for programs
    #[arg(long, global = true, display_order = 900)]
    pub json: bool,
    /// Print errors and results only
    #[arg(long, short, global = true, display_order = 900)]
    pub quiet: bool,
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value_t, display_order = 900)]
    color: ColorChoice,
}

impl Terminal {
    /// Prints a result, which is all that the command is for.
    #[allow(clippy::unused_self, reason = "what is printed goes through here")]
    pub(crate) fn result(self, text: impl Display) -> anyhow::Result<()> {
        match print(&text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()), // the reader has enough
            printed => printed.context("cannot write to the standard output"),
        }
    }

    /// Prints a result for programs.
    pub(crate) fn json(self, value: &impl Serialize) -> anyhow::Result<()> {
        self.result(serde_json::to_string_pretty(value)?)
    }

    /// Prints one of the facts of a long run, which goes on whether it is read or not.
    pub(crate) fn fact(self, text: impl Display) {
        if self.json {
            self.note(text);
        } else if !self.quiet {
            let _ = print(&text);
        }
    }

    /// Prints what a long run has come to. It has been saved already, so it is no failure if nobody
    /// can read it.
    pub(crate) fn summary(self, text: impl Display) {
        if let Err(error) = self.result(text) {
            complain(format_args!("warning: {error:#}"));
        }
    }

    /// Prints a message about the work, to the standard error.
    pub(crate) fn note(self, text: impl Display) {
        if !self.quiet {
            complain(text);
        }
    }

    /// Returns whether the standard output shows colors.
    pub(crate) fn has_colors(self) -> bool {
        let is_off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !is_off && std::io::stdout().is_terminal(),
        }
    }
}

fn print(text: &impl Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints to the standard error, if anybody reads it.
pub(crate) fn complain(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
