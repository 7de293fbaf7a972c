//! Benches of selfsame; see the `benches` targets.

pub mod answer;
pub mod losses;
pub mod train_step;
