//! `selfsame methods`, `models`, `recipes` and `devices`: what can be named on the command line.

mod devices;
mod methods;
mod models;
mod recipes;

use anyhow::anyhow;

pub(crate) use self::devices::Devices;
pub(crate) use self::methods::{Methods, method};
pub(crate) use self::models::Models;
pub(crate) use self::recipes::Recipes;
use crate::near::near;
use crate::terminal::Terminal;

/// Returns the error that names what was probably meant, or else all there are.
fn unknown<'a>(
    kind: &str,
    list: &str,
    name: &str,
    names: impl Iterator<Item = &'a str>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Error {
    match near(name, names) {
        Some(near) => anyhow!(
            "no {kind} is called `{name}`; did you mean `{near}`? `selfsame {list}` lists all"
        ),
        None => error.into(),
    }
}

/// Prints a table.
fn print<const N: usize>(
    terminal: Terminal,
    header: [String; N],
    rows: impl Iterator<Item = [String; N]>,
) -> anyhow::Result<()> {
    let rows: Vec<[String; N]> = std::iter::once(header).chain(rows).collect();
    let lines = aligned(&rows, [false; N]);
    let lines: Vec<String> =
        lines.iter().map(|cells| cells.join("  ").trim_end().to_owned()).collect();
    terminal.result(lines.join("\n"))
}

/// Returns the cells as wide as their columns, text to the left and numbers to the right.
pub(crate) fn aligned<const N: usize>(
    rows: &[[String; N]],
    is_number: [bool; N],
) -> Vec<[String; N]> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let padded = |row: &[String; N]| {
        std::array::from_fn(|column| match (&row[column], widths[column]) {
            (cell, width) if is_number[column] => format!("{cell:>width$}"),
            (cell, width) => format!("{cell:<width$}"),
        })
    };
    rows.iter().map(padded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "1"], ["été", "10"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows, [false, true]), [["a  ", " 1"], ["été", "10"]]);
    }

    #[test]
    fn a_slip_in_a_name_is_named_and_another_word_gets_the_list() {
        assert!(method("Barlow-Twins").is_ok());
        assert!(method("simclear").unwrap_err().to_string().contains("did you mean `simclr`?"));
        assert!(method("magic").unwrap_err().to_string().contains("vicreg"));
    }
}
