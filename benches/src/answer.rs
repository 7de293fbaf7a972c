//! What our sides of the comparisons share.

use anyhow::{Context, Result};

/// Tells the program that asks a number.
#[allow(clippy::print_stdout, reason = "the answer to the program that asks")]
pub fn answer_with(number: f64) {
    println!("{number}");
}

/// The peak of resident memory so far, in MB.
///
/// # Errors
/// If the system does not tell.
pub fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmHWM in /proc/self/status")?.parse::<f64>()? / 1024.0)
}
