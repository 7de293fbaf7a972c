//! Tables for a page and for the terminal.

use std::fmt::{self, Write as _};

use selfsame_metrics::Summary;

use crate::escape::escape;

/// Header and rows of text; the first cell of a row names the row.
///
/// `Display` aligns the columns for the terminal: the first to the left, the others to the right.
///
/// # Example
/// ```
/// use selfsame_report::Table;
///
/// let mut table = Table::new(["accuracy", "all labels"]);
/// table.row(["kNN", "91.2 %"]).row(["linear probe", "97.9 %"]);
/// let text = "\
/// accuracy      all labels
/// kNN               91.2 %
/// linear probe      97.9 %
/// ";
/// assert_eq!(table.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The header first.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Begins a table with the titles of its columns.
    #[must_use]
    pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        Self { rows: vec![header.into_iter().map(str::to_owned).collect()] }
    }

    /// Adds a row; missing cells stay empty.
    ///
    /// # Panics
    /// If the row has more cells than the header.
    #[track_caller]
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let cells: Vec<String> = cells.into_iter().map(str::to_owned).collect();
        let columns = self.rows[0].len();
        assert!(cells.len() <= columns, "{} cells in a table of {columns} columns", cells.len());
        self.rows.push(cells);
        self
    }

    pub(crate) fn to_html(&self) -> String {
        let mut html = String::from("<table>");
        for (index, row) in self.rows.iter().enumerate() {
            html.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let tag = if index == 0 || column == 0 { "th" } else { "td" };
                let _ = write!(html, "<{tag}>{}", escape(cell));
            }
        }
        html.push_str("</table>");
        html
    }

    /// Number of characters of the widest cell of each column.
    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        (0..self.rows[0].len()).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "{cell:<width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Formats a share in percent, with its deviation if there is one.
///
/// # Example
/// ```
/// use selfsame_metrics::Summary;
/// use selfsame_report::percent;
///
/// assert_eq!(percent(Summary { mean: 0.8867, std: 0.0301 }), "88.7 ± 3.0 %");
/// assert_eq!(percent(Summary { mean: 0.979, std: 0.0 }), "97.9 %");
/// ```
#[must_use]
pub fn percent(share: Summary) -> String {
    let mean = 100.0 * share.mean;
    if share.std > 0.0 {
        format!("{mean:.1} ± {:.1} %", 100.0 * share.std)
    } else {
        format!("{mean:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped_in_html_and_plain_in_the_terminal() {
        let mut table = Table::new(["class", "images"]);
        table.row(["<b>cat</b>", "1 & 2"]);
        let html = table.to_html();
        assert_eq!(
            html,
            "<table><tr><th>class<th>images<tr><th>&lt;b&gt;cat&lt;/b&gt;<td>1 &amp; 2</table>"
        );
        assert!(table.to_string().contains("<b>cat</b>"));
    }

    #[test]
    fn columns_are_as_wide_as_their_characters_not_their_bytes() {
        let mut table = Table::new(["", "a"]);
        table.row(["±", "1"]).row(["ab"]);
        assert_eq!(table.to_string(), "    a\n±   1\nab\n");
    }

    #[test]
    #[should_panic(expected = "3 cells in a table of 2 columns")]
    fn a_row_wider_than_the_header_is_refused() {
        Table::new(["a", "b"]).row(["1", "2", "3"]);
    }
}
