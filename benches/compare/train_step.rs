//! Our side of `compare.py train_step`. Answers `METHOD NETWORK, N images of S px` with the
//! milliseconds of a step, with two views of each image, or eight patches for EMP-SSL; and
//! `forward NETWORK, …` with those of a forward pass. With `, memory` it answers with the peak of
//! resident memory of three steps, in MB.

use std::io::{BufRead, stdin};
use std::time::{Duration, Instant};

use anyhow::Result;
use burn::tensor::Device;
use selfsame_benches::answer::{answer_with, peak};
use selfsame_benches::train_step::{embedder, stepper};

fn main() -> Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex();
    for line in stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let [task, network, images, "images", "of", side, "px", ..] = words[..] else {
            anyhow::bail!("`{line}` is not `METHOD NETWORK, N images of S px`")
        };
        let (images, side) = (images.parse()?, side.parse()?);
        let mut run = match task {
            "forward" => embedder(network, images, side, &device),
            method => stepper(method, network, images, side, &device),
        };
        run();
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let start = Instant::now();
            run();
            best = best.min(start.elapsed());
        }
        answer_with(if line.contains("memory") { peak()? } else { best.as_secs_f64() * 1e3 });
    }
    Ok(())
}
