//! State that losses carry from step to step, as modules: a method that holds one has it in its
//! record, on its device and in a resumed run.

mod constant;
mod cross_batch_memory;
mod dino_center;
mod prototypes;
mod queue;
mod tico_covariance;
mod unit_rows;

pub use cross_batch_memory::CrossBatchMemory;
pub use dino_center::DinoCenter;
pub use prototypes::Prototypes;
pub use queue::Queue;
pub use tico_covariance::TicoCovariance;
