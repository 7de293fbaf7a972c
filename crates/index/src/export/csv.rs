//! A table of text.

use std::io::{self, Write};

use super::EmbeddingTable;

/// Writes a line of names, then one line per row.
pub(super) fn write(table: &EmbeddingTable<'_>, out: impl Write) -> io::Result<()> {
    let has_metadata = table.has_metadata();
    let mut csv = csv::Writer::from_writer(out);
    let mut names: Vec<String> = ["file", "label", "class"].map(str::to_owned).to_vec();
    if has_metadata {
        names.push("metadata".to_owned());
    }
    if table.positions.is_some() {
        names.extend(["x", "y"].map(str::to_owned));
    }
    names.extend((0..table.features.dim()).map(|column| format!("embedding_{column}")));
    csv.write_record(&names)?;
    for (row, item) in table.items.iter().enumerate() {
        csv.write_field(item.name.as_deref().unwrap_or(""))?;
        csv.write_field(item.label.map(|label| label.to_string()).unwrap_or_default())?;
        csv.write_field(table.class(row).unwrap_or(""))?;
        if has_metadata {
            csv.write_field(table.metadata(row)?.unwrap_or_default())?;
        }
        let place = table.positions.map_or(&[][..], |positions| &positions[row]);
        for value in place.iter().chain(table.features.row(row)) {
            csv.write_field(value.to_string())?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}
