//! Our side of `compare.py knn`. Answers a case with milliseconds; `search value` with the mean cosine
//! of the neighbors. Preparation, such as norms and standardization, is part of the time.

use std::hint::black_box;
use std::io::{BufRead, stdin};
use std::time::Instant;

use anyhow::{Result, bail};
use selfsame::metrics::{
    Distance, Features, LabeledFeatures, LinearProbe, NearestNeighbors, Neighbors, ProbeGrid,
};
use selfsame_benches::answer::answer_with;

const ROWS: usize = 50_000;
const QUERIES: usize = 10_000;
const DIM: usize = 512;
const CLASSES: usize = 10;
const K: usize = 20;

fn main() -> Result<()> {
    let ((rows, labels), (queries, _)) = (data(1, ROWS)?, data(2, QUERIES)?);
    let train = LabeledFeatures::new(&rows, &labels)?;
    for line in stdin().lock().lines() {
        let start = Instant::now();
        match line?.trim() {
            "search value" => {
                let found = search(&rows, &queries)?;
                let distances = (0..QUERIES).flat_map(|query| found.distances(query));
                let sum: f64 = distances.map(|distance| f64::from(1.0 - distance)).sum();
                answer_with(sum / (QUERIES * K) as f64);
                continue;
            }
            "search faiss" | "search product" | "search scikit-learn" => {
                black_box(search(&rows, &queries)?);
            }
            "fit single" | "fit double" => {
                black_box(LinearProbe::default().fit(train, CLASSES)?);
            }
            "grid" => {
                black_box(ProbeGrid::default().fit(train, CLASSES)?);
            }
            other => bail!("no case `{other}`"),
        }
        answer_with(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

fn search(rows: &Features, queries: &Features) -> Result<Neighbors> {
    Ok(NearestNeighbors::new(rows, Distance::Cosine)?.search(queries, K)?)
}

/// Returns classes that overlap: noise plus a twelfth of a center.
fn data(seed: u64, rows: usize) -> Result<(Features, Vec<usize>)> {
    let labels: Vec<usize> = (0..rows).map(|row| row % CLASSES).collect();
    let (centers, mut values) = (entries(77, CLASSES * DIM), entries(seed, rows * DIM));
    for (row, label) in values.chunks_mut(DIM).zip(&labels) {
        for (x, center) in row.iter_mut().zip(&centers[label * DIM..]) {
            *x += 0.08 * center;
        }
    }
    Ok((Features::new(DIM, values)?, labels))
}

/// Returns `count` values between −1 and 1, the same as on the peers' side.
#[allow(clippy::cast_possible_truncation, reason = "24 bits fit")]
fn entries(seed: u64, count: usize) -> Vec<f32> {
    let entry = |index: u64| {
        let mut hashed = (index + (seed << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hashed = (hashed ^ (hashed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hashed = (hashed ^ (hashed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((hashed ^ (hashed >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    (1..=count as u64).map(entry).collect()
}
