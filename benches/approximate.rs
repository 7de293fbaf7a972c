//! Exact search beside search by a graph: their speed, and what the graph misses.
//!
//! `cargo run --release --features hnsw --bin approximate_search -- ENCODER.safetensors 50000 1000000`
//! encodes so many drawn images with an encoder that `selfsame pretrain` has trained on such images,
//! and searches the nearest ten of 1,000 others.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Device;
use selfsame::augment::Recipe;
use selfsame::datasets::{Dataset, Split, Synthetic, SyntheticConfig};
use selfsame::index::{Hit, HnswConfig, Index, Item};
use selfsame::metrics::{Distance, Features};
use selfsame::models::{AnyBackbone, Backbone, BackboneConfig, WeightsFile};
use selfsame::train::extract_features;

const QUERIES: usize = 1_000;
const K: usize = 10;
/// Queries that are searched one by one.
const SINGLE: usize = 100;

fn main() -> Result<()> {
    selfsame::compute_on_this_thread();
    let mut arguments = std::env::args().skip(1);
    let encoder = Encoder::open(&arguments.next().context("name an encoder.safetensors")?)?;
    println!("| rows | search | build | 1,000 queries at once | one query | recall@10 |");
    println!("|---|---|---|---|---|---|");
    let queries = encoder.features(QUERIES, Split::Test)?;
    for rows in arguments {
        let rows = encoder.features(rows.parse().context("rows are a number")?, Split::Train)?;
        compare(&rows, &queries)?;
    }
    Ok(())
}

struct Encoder {
    network: AnyBackbone,
    shown: Recipe,
}

impl Encoder {
    fn open(path: &str) -> Result<Self> {
        let file = WeightsFile::open(path)?;
        let about = file.about().context("the weights do not say what encoder they are of")?;
        let about: serde_json::Value = serde_json::from_str(about)?;
        let config: BackboneConfig = serde_json::from_value(about["encoder"].clone())?;
        let shown = serde_json::from_value(about["input"].clone())?;
        let network = file.load(config.init(0, &Device::flex()))?.network;
        Ok(Self { network, shown })
    }

    fn features(&self, images: usize, split: Split) -> Result<Features> {
        let config = SyntheticConfig { images, size: 32, seed: 1, split };
        let images: Arc<dyn Dataset> = Arc::new(Synthetic::new(config));
        let forward = |view| self.network.forward(view);
        Ok(extract_features(images, &self.shown, 256, &Device::flex(), forward)?)
    }
}

fn compare(rows: &Features, queries: &Features) -> Result<()> {
    let items = (0..rows.rows()).map(|row| Item::named(row.to_string())).collect();
    let index = Index::from_features(rows.clone(), items, Distance::Cosine)?;

    let start = Instant::now();
    let exact = index.searcher()?;
    let built = start.elapsed().as_secs_f64();
    let truth = measure(rows.rows(), "exact", built, queries, None, |queries| {
        Ok(exact.search_all(queries, K)?)
    })?;
    drop(exact);

    let start = Instant::now();
    let graph = index.approximate(&HnswConfig::default())?;
    let built = start.elapsed().as_secs_f64();
    measure(rows.rows(), "HNSW", built, queries, Some(&truth), |queries| {
        Ok(graph.search_all(queries, K)?)
    })?;
    Ok(())
}

/// Prints a row of the table, and returns what was found.
fn measure(
    rows: usize,
    name: &str,
    built: f64,
    queries: &Features,
    truth: Option<&[Vec<Hit>]>,
    search: impl Fn(&Features) -> Result<Vec<Vec<Hit>>>,
) -> Result<Vec<Vec<Hit>>> {
    let start = Instant::now();
    let found = search(queries)?;
    let at_once = start.elapsed().as_secs_f64();
    let one_by_one: Vec<Features> = (0..SINGLE).map(|query| queries.select(&[query])).collect();
    let start = Instant::now();
    for query in &one_by_one {
        search(query)?;
    }
    let one = start.elapsed().as_secs_f64() / SINGLE as f64;
    let recall = 100.0 * truth.map_or(1.0, |truth| recall(truth, &found));
    println!(
        "| {rows} | {name} | {built:.1} s | {:.0} ms | {:.2} ms | {recall:.1} % |",
        1e3 * at_once,
        1e3 * one
    );
    Ok(found)
}

/// Returns the share of the true neighbors that were found.
fn recall(truth: &[Vec<Hit>], found: &[Vec<Hit>]) -> f64 {
    let positions = |hits: &[Hit]| hits.iter().map(|hit| hit.position).collect::<HashSet<_>>();
    let pairs = truth.iter().zip(found);
    let both = pairs.map(|(truth, found)| positions(truth).intersection(&positions(found)).count());
    let (both, all) = (both.sum::<usize>(), truth.iter().map(Vec::len).sum::<usize>());
    both as f64 / all as f64
}
