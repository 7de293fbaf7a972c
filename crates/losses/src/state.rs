//! State that losses carry from step to step, owned by the caller.

mod cross_batch_memory;
mod dino_center;
mod error;
mod queue;
mod tico_covariance;

pub use cross_batch_memory::{CrossBatchMemory, CrossBatchState};
pub use dino_center::DinoCenter;
pub use error::StateError;
pub use queue::Queue;
pub use tico_covariance::TicoCovariance;
