//! Benches of selfsame; see the `benches` targets.
