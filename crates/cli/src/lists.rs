//! `selfsame methods`, `models`, `recipes` and `devices`: what can be named on the command line.

mod devices;
mod methods;
mod models;
mod recipes;

pub(crate) use self::devices::Devices;
pub(crate) use self::methods::Methods;
pub(crate) use self::models::Models;
pub(crate) use self::recipes::Recipes;
use crate::terminal::Terminal;

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
}
