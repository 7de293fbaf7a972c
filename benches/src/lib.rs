//! Benches of selfsame; see the `benches` targets.

pub mod losses;
