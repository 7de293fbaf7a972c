//! Our side of `compare.py train_step`. Answers `width W, N images` with the milliseconds of a step
//! of SimCLR, or of the method named before, as in `byol width W, N images`. With `, memory` it
//! answers with the peak of resident memory of three steps, in MB.

use std::io::{BufRead, stdin};
use std::time::{Duration, Instant};

use anyhow::Result;
use burn::tensor::Device;
use selfsame_benches::answer::{answer_with, peak};
use selfsame_benches::train_step::{METHODS, stepper};

fn main() -> Result<()> {
    selfsame::compute_on_this_thread();
    for line in stdin().lock().lines() {
        let line = line?;
        let words = line.split([' ', ',']);
        let numbers: Vec<usize> = words.filter_map(|word| word.parse().ok()).collect();
        let [width, images] = numbers[..] else {
            anyhow::bail!("`{line}` has no width and number of images")
        };
        let method = line.split(' ').find(|word| METHODS.contains(word)).unwrap_or("simclr");
        let mut step = stepper(method, width, images, &Device::flex());
        step();
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let start = Instant::now();
            step();
            best = best.min(start.elapsed());
        }
        answer_with(if line.contains("memory") { peak()? } else { best.as_secs_f64() * 1e3 });
    }
    Ok(())
}
