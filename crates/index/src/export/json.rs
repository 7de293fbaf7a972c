//! What is known of each row, as an array of JSON objects.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::EmbeddingTable;

#[derive(Serialize)]
struct Record<'a> {
    file: Option<&'a str>,
    label: Option<usize>,
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbors: Option<Neighbors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct Neighbors {
    ids: Vec<usize>,
    distances: Vec<f32>,
}

/// Writes one object a line.
pub(super) fn write(table: &EmbeddingTable<'_>, out: &mut impl Write) -> io::Result<()> {
    let has_metadata = table.has_metadata();
    out.write_all(b"[")?;
    for (row, item) in table.items.iter().enumerate() {
        out.write_all(if row == 0 { b"\n" } else { b",\n" })?;
        let place = table.positions.map(|positions| positions[row]);
        let neighbors = table.neighbors.map(|neighbors| {
            let hits = neighbors[row].iter();
            let (ids, distances) = hits.map(|hit| (hit.position, hit.distance)).unzip();
            Neighbors { ids, distances }
        });
        let record = Record {
            file: item.name.as_deref(),
            label: item.label,
            class: table.class(row),
            x: place.map(|[x, _]| x),
            y: place.map(|[_, y]| y),
            neighbors,
            metadata: has_metadata.then_some(&item.metadata),
        };
        serde_json::to_writer(&mut *out, &record)?;
    }
    out.write_all(b"\n]\n")
}
