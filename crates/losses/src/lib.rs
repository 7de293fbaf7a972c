#![doc = include_str!("../README.md")]

mod barlow_twins;
mod error;
#[cfg(test)]
mod laws;
mod negative_cosine;
mod normalize;
mod nt_xent;
mod queue;
mod with_gradient;

pub use barlow_twins::{BarlowTwinsConfig, barlow_twins};
pub use error::StateError;
pub use negative_cosine::negative_cosine;
pub use nt_xent::{NtXentConfig, nt_xent};
pub use queue::Queue;
