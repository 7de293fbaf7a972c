//! Tests of whole runs, in one program.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic and print, and reads small numbers"
)]

mod accumulation;
mod checkpoint;
mod evaluation;
mod failures;
mod fine_tune;
mod kill;
mod learning;
mod methods;
mod resume;
mod run;
mod steps;
mod tuning_grid;
