//! Our side of `compare.py losses`. Answers `LOSS BATCH` with the milliseconds of a forward and
//! backward pass, `LOSS BATCH memory` with the MB by which such a step raises the peak of resident
//! memory, and `LOSS BATCH value` with the loss.

use std::io::{BufRead, stdin};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use selfsame_benches::answer::{answer_with, peak};
use selfsame_benches::losses::{LOSSES, Measured};

fn main() -> Result<()> {
    selfsame::compute_on_this_thread();
    for line in stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let name = words.next().context("a loss")?;
        let measured = LOSSES.iter().find(|measured| measured.name == name);
        let measured = measured.with_context(|| format!("no loss `{name}`"))?;
        let batch = words.next().context("a batch size")?.parse()?;
        answer_with(match words.next() {
            None => milliseconds(measured, batch),
            Some("memory") => megabytes(measured, batch)?,
            Some("value") => measured.value(batch).into(),
            Some(other) => bail!("no measure `{other}`"),
        });
    }
    Ok(())
}

fn step(measured: &Measured, batch: usize) -> impl FnMut() + use<'_> {
    let inputs = measured.inputs(batch, true, &Device::flex());
    move || drop((measured.loss)(&inputs).backward())
}

/// Returns the fastest of the steps that fit into a fifth of a second, at least one.
fn milliseconds(measured: &Measured, batch: usize) -> f64 {
    let mut step = step(measured, batch);
    step();
    let (mut best, mut spent, mut steps) = (Duration::MAX, Duration::ZERO, 0);
    while spent < Duration::from_millis(200) || steps < 1 {
        let start = Instant::now();
        step();
        let took = start.elapsed();
        (best, spent, steps) = (best.min(took), spent + took, steps + 1);
    }
    best.as_secs_f64() * 1e3
}

fn megabytes(measured: &Measured, batch: usize) -> Result<f64> {
    let mut big = step(measured, batch);
    step(measured, 8)(); // what the library itself allocates
    let before = peak()?;
    big();
    Ok(peak()? - before)
}
