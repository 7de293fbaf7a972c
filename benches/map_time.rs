//! How long maps of features take, and how far they can be trusted.
//!
//! `cargo run --release --bin map_time -- 2000 10000` maps so many points of ten groups in 64
//! dimensions by each method.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::time::Instant;

use anyhow::{Context, Result};
use selfsame::metrics::Features;
use selfsame::report::{MapConfig, MapMethod};

const DIM: usize = 64;
const GROUPS: usize = 10;

fn main() -> Result<()> {
    println!("| rows | map | seconds | trustworthiness |\n|---|---|---|---|");
    for rows in std::env::args().skip(1) {
        let features = groups(rows.parse().context("rows are a number")?)?;
        for method in [
            MapMethod::Pca,
            MapMethod::Tsne { perplexity: 30.0 },
            MapMethod::Umap { neighbors: 15, min_dist: 0.1 },
        ] {
            let start = Instant::now();
            let map = MapConfig { method, ..MapConfig::default() }.map(&features)?;
            let (name, seconds) = (method.name(), start.elapsed().as_secs_f64());
            println!("| {rows} | {name} | {seconds:.2} | {:.3} |", map.trustworthiness);
        }
    }
    Ok(())
}

/// Returns points around ten centers, by a fixed sequence.
fn groups(rows: usize) -> Result<Features> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 40) as f32) / 16_777_216.0 - 0.5
    };
    let centers: Vec<f32> = (0..GROUPS * DIM).map(|_| next()).collect();
    let row = |row: usize| centers[row % GROUPS * DIM..][..DIM].to_vec();
    let values = (0..rows).flat_map(row).map(|center| center + 0.5 * next());
    Ok(Features::new(DIM, values.collect())?)
}
