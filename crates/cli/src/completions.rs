//! `selfsame completions` and `selfsame man`: what shells and manuals know of the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use selfsame::files::write_atomically;

use crate::command_line::CommandLine;
use crate::terminal::Terminal;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  selfsame completions bash > ~/.local/share/bash-completion/completions/selfsame
  selfsame completions zsh > ~/.zfunc/_selfsame   (a folder of $fpath)
  selfsame completions fish > ~/.config/fish/completions/selfsame.fish
")]
pub(crate) struct Completions {
    /// Shell that completes the commands
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let mut script = Vec::new();
        let mut program = CommandLine::command();
        clap_complete::generate(self.shell, &mut program, "selfsame", &mut script);
        terminal.result(String::from_utf8(script)?.trim_end())
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  selfsame man > selfsame.1 && man ./selfsame.1
  selfsame man --out ~/.local/share/man/man1
")]
pub(crate) struct Man {
    /// Folder to write to, a page for each command [default: one page of all, printed]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let Some(folder) = self.out else {
            return terminal.result(whole_page()?.trim_end());
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let mut program = CommandLine::command().disable_help_subcommand(true);
        program.build();
        let commands = program.get_subcommands().cloned();
        for command in commands.chain([program.clone()]) {
            let page = clap_mangen::Man::new(command);
            let mut text = Vec::new();
            page.render(&mut text)?;
            let text = unfilled(&String::from_utf8(text)?);
            let path = folder.join(page.get_filename());
            write_atomically(&path, text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            terminal.result(path.display())?;
        }
        Ok(())
    }
}

/// Returns one page of the program and all of its commands.
fn whole_page() -> anyhow::Result<String> {
    let program = CommandLine::command();
    let page = clap_mangen::Man::new(program.clone().disable_help_subcommand(true));
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    for command in program.get_subcommands() {
        text.extend(section(command.clone())?.into_bytes());
    }
    page.render_extra_section(&mut text)?;
    page.render_version_section(&mut text)?;
    Ok(unfilled(&String::from_utf8(text)?))
}

/// Returns a command as a section of the page. Options of all commands are not repeated, since a
/// command without its program does not know them.
fn section(command: Command) -> anyhow::Result<String> {
    let bin_name = format!("selfsame {}", command.get_name());
    let command = command.bin_name(bin_name.clone()).disable_help_flag(true);
    let has_options = command.get_arguments().next().is_some();
    let has_more = command.get_after_long_help().or(command.get_after_help()).is_some();
    let page = clap_mangen::Man::new(command);
    let mut text = Vec::new();
    page.render_description_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    if has_options {
        page.render_options_section(&mut text)?;
    }
    if has_more {
        page.render_extra_section(&mut text)?;
    }
    let text = unfilled(&String::from_utf8(text)?);
    let text = text.replace(".SH DESCRIPTION\n", "").replace(".SH ", ".SS ");
    Ok(format!(".SH \"{}\"\n{text}", bin_name.to_uppercase()))
}

/// Returns a page whose examples stay line by line as they are.
fn unfilled(page: &str) -> String {
    let (begin, end) = (".SH EXAMPLES\n.nf\n", ".fi\n.SH ");
    let Some((before, extra)) = page.split_once(".SH EXTRA\n") else { return page.to_owned() };
    let (lines, after) = extra.split_once(".SH ").unwrap_or((extra, ""));
    let lines = lines.strip_prefix("Examples:\n").unwrap_or(lines);
    let end = if after.is_empty() { end.trim_end_matches(".SH ") } else { end };
    format!("{before}{begin}{lines}{end}{after}")
}
