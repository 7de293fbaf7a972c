//! Answers of our side of the comparisons with peers.

use anyhow::{Context, Result};

/// Prints a value on a line of its own, for `compare.py`.
#[allow(clippy::print_stdout, reason = "the answer to the program that asks")]
pub fn answer_with(value: f64) {
    println!("{value}");
}

/// Returns the peak of resident memory so far, in MB.
///
/// # Errors
/// If the system does not report it.
pub fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no VmHWM in /proc/self/status")?.parse::<f64>()? / 1024.0)
}
