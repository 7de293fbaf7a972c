#![doc = include_str!("../README.md")]

mod across_views;
mod barlow_twins;
mod dino;
mod error;
#[cfg(test)]
mod laws;
mod negative_cosine;
mod normalize;
mod nt_xent;
mod queue;
mod sinkhorn;
mod swav;
mod view_list;
mod with_gradient;

pub use barlow_twins::{BarlowTwinsConfig, barlow_twins};
pub use dino::{DinoCenter, DinoConfig, TeacherTemperature, dino};
pub use error::StateError;
pub use negative_cosine::negative_cosine;
pub use nt_xent::{NtXentConfig, nt_xent};
pub use queue::Queue;
pub use sinkhorn::sinkhorn;
pub use swav::{SwavConfig, swav};
