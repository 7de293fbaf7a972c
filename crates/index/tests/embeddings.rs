//! Files of embeddings, for the readers of other tools.
//!
//! `.ci/embeddings` sets `SELFSAME_EMBEDDINGS`, runs this, and reads what it wrote with pandas,
//! `PyArrow`, NumPy and `DuckDB`. Without it only the count of files is tested.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::PathBuf;

use selfsame_index::{EmbeddingTable, Hit, IndexError, Item};
use selfsame_metrics::{Distance, Features, NearestNeighbors};

/// The smallest PNG: one black pixel.
const PNG: &[u8] = b"\
    \x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\
    \x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\
    \x54\x78\x9c\x63\x60\x00\x00\x00\x02\x00\x01\x48\xaf\xa4\x71\x00\x00\x00\x00\x49\
    \x45\x4e\x44\xae\x42\x60\x82";

#[test]
fn every_format_is_written_and_the_same_table_gives_the_same_bytes() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var("SELFSAME_EMBEDDINGS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|_| temporary.path().to_owned());
    fs::create_dir_all(&folder).unwrap();

    // 250 rows of 4 values: more than one group of rows with images.
    let values = (0_u16..1000).map(|i| (f32::from(i) * 0.37).sin() / 3.0).collect();
    let features = Features::new(4, values).unwrap();
    let item = |row: usize| match row {
        7 => Item::default(),
        _ => Item::named(format!("é {row}.png")).with_label(row % 2).with("row", row),
    };
    let items: Vec<Item> = (0..250).map(item).collect();
    let classes = ["cat, \"domestic\"".to_owned(), "dog".to_owned()];
    let images = vec![PNG.to_vec(); 250];
    let positions: Vec<[f32; 2]> = (0_u8..250).map(|row| [f32::from(row), -0.5]).collect();
    let found = NearestNeighbors::new(&features, Distance::L2).unwrap();
    let found = found.search_others(3).unwrap();
    let hits = |row| {
        let hits = found.indices(row).iter().zip(found.distances(row));
        let hit = |(&row, &distance): (&u32, &f32)| Hit { position: row as usize, distance };
        // One row has no neighbors.
        if row == 9 { Vec::new() } else { hits.map(hit).collect() }
    };
    let neighbors: Vec<Vec<Hit>> = (0..250).map(hits).collect();
    let plain = EmbeddingTable::new(&features, &items).unwrap();
    let full = plain.with_classes(&classes).unwrap();
    let full = full.with_positions(&positions).unwrap().with_neighbors(&neighbors).unwrap();
    let full = full.with_images(&images).unwrap();

    let mut endings = vec!["npy", "safetensors", "csv", "tsv"];
    if cfg!(feature = "parquet") {
        endings.push("parquet");
    }
    for ending in endings {
        for (name, table) in [("plain", plain), ("full", full)] {
            let path = folder.join(format!("{name}-{ending}.{ending}"));
            table.write(&path).unwrap();
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.is_empty());
            table.write(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes, "{ending}");
        }
    }
    let unknown = plain.write(&folder.join("x.xlsx")).unwrap_err();
    assert!(matches!(unknown, IndexError::Ending { .. }), "{unknown}");
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let features = Features::new(1, vec![1.0, 2.0]).unwrap();
    let items = [Item::labeled(0), Item::labeled(3)];
    assert!(EmbeddingTable::new(&features, &items[..1]).is_err());
    let table = EmbeddingTable::new(&features, &items).unwrap();
    let classes = ["a".to_owned()];
    assert!(matches!(table.with_classes(&classes), Err(IndexError::Label { position: 1, .. })));
    assert!(table.with_images(&[]).is_err());
    assert!(table.with_positions(&[[0.0, 1.0]]).is_err());
    assert!(table.with_positions(&[[0.0, 1.0], [f32::NAN, 0.0]]).is_err());
    let hits = [vec![Hit { position: 2, distance: 0.0 }], vec![]];
    assert!(matches!(table.with_neighbors(&hits), Err(IndexError::Position { .. })));
}
